"""A gain taken apart by template, as a table."""

from misfire.evaluation import Share, TemplateAttribution, attribution_sentence
from misfire.reporting.table import Cell, Column, Source, Table


def attribution_table(found: TemplateAttribution, *, run_url: str | None = None) -> Table:
    """A row a template: its Shapley value, what leaving it out costs, and its Shapley value by category.

    Args:
        found: What was attributed.
        run_url: Where its run can be looked at.
    """
    categories = list(found.category_sizes) if len(found.category_sizes) > 1 else []
    orders = f"{found.num_orders} random orders" if found.num_orders else "all orders"
    return Table(
        name="attribution",
        title=f"Where the gain of {100 * found.gain:+.2f} pp in hit@{found.k} on {found.subset} comes from.",
        columns=(
            Column("template", ("template",), is_number=False),
            Column("Shapley pp", ("shapley", "shapley_low", "shapley_high")),
            Column("p (Holm)", ("p_adjusted",)),
            Column("left out pp", ("leave_one_out", "leave_one_out_low", "leave_one_out_high")),
            *(
                Column(f"{name} (n={found.category_sizes[name]}) pp", (name, f"{name}_low", f"{name}_high"))
                for name in categories
            ),
        ),
        rows=tuple(
            (
                Cell(share.template, (share.template,)),
                _points(share.shapley),
                Cell(f"{share.p_adjusted:.3f}", (share.p_adjusted,)),
                _points(share.leave_one_out),
                *(_points(share.by_category[name]) for name in categories),
            )
            for share in found.shares
        ),
        note=(
            f"{found.num_queries} queries: {found.how_chosen}. Pooling {found.pooling} over the plain caption and "
            f"these templates ({found.templates}{', chosen by gold labels' if found.is_oracle else ''}). Shapley: "
            f"mean of what a template adds over {orders} of joining; the column's sum is the gain. Left out: what is "
            "lost without this template alone; these need "
            f"not add up. Intervals are {found.confidence:.0%} bootstrap percentiles over images, each by itself. "
            f"{attribution_sentence(found)}"
        ),
        sources=(Source(found.attribution_id, run_url),),
    )


def _points(share: Share) -> Cell:
    text = f"{100 * share.estimate:+.2f} [{100 * share.low:.2f}, {100 * share.high:.2f}]"
    return Cell(text, (share.estimate, share.low, share.high))
