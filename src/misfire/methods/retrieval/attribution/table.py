"""A gain taken apart by template, as a table."""

from collections.abc import Sequence

from misfire.cells import Estimate
from misfire.core.words import interval_percent, listed, percentage_points
from misfire.methods.retrieval.attribution.logged import LoggedAttribution, TemplateShare
from misfire.reporting.table import Column, Entry, Source, Table

PLAIN = "{caption}"


def attribution_table(found: LoggedAttribution) -> Table:
    """A row a template and cut-off: its Shapley value, what leaving it out costs, and its Shapley value by category.

    Args:
        found: What was attributed.
    """
    categories = list(found.category_sizes) if len(found.category_sizes) > 1 else []
    gains = ", ".join(f"{100 * found.gain(k):+.2f} pp in hit@{k}" for k in found.ks)
    return Table(
        name="attribution",
        title=f"Where the gain on {found.subset} comes from: {gains}.",
        columns=(
            Column("hit@", ("k",)),
            Column("template", ("template",), is_number=False),
            Column("Shapley pp", ("shapley", "shapley_low", "shapley_high")),
            Column("p (Holm)", ("p_adjusted",)),
            Column("left out pp", ("leave_one_out", "leave_one_out_low", "leave_one_out_high")),
            *(
                Column(f"{name} (n={found.category_sizes[name]}) pp", (name, f"{name}_low", f"{name}_high"))
                for name in categories
            ),
        ),
        rows=tuple(_row(share, categories) for k in found.ks for share in found.shares(k)),
        note=_note(found),
        sources=(Source(found.cell_id, found.run_url),),
    )


def _row(share: TemplateShare, categories: Sequence[str]) -> tuple[Entry, ...]:
    return (
        Entry(str(share.k), (share.k,)),
        Entry(share.template, (share.template,)),
        _points(share.shapley),
        Entry(f"{share.p_adjusted:.3f}", (share.p_adjusted,)),
        _points(share.leave_one_out),
        *(_points(share.in_category(name)) for name in categories),
    )


def _note(found: LoggedAttribution) -> str:
    by_category = " A category's column is the Shapley value on its queries alone." * (len(found.category_sizes) > 1)
    plain = (
        " {caption} is the plain caption as a template like the others: its row says what keeping it in brings."
        if PLAIN in found.templates_asked
        else ""
    )
    return (
        f"{found.num_queries:,} queries: {found.how_chosen}. Pooling {found.pooling} over these templates "
        f"({found.templates}{', chosen by gold labels' if found.is_oracle else ''}), against the plain caption alone. "
        "Shapley: what a template adds on average over the orders in which templates may join; of each cut-off they "
        "sum to the gain. Left out: what is lost without this template alone; these need not add up."
        f"{by_category}{plain} {orders_sentence(found)} Intervals are {found.confidence:.0%} bootstrap percentiles "
        "over images, each by itself."
    )


def _points(share: Estimate) -> Entry:
    text = f"{percentage_points(share.value)} {interval_percent(share.low, share.high)}"
    return Entry(text, (share.value, share.low, share.high))


def orders_sentence(found: LoggedAttribution) -> str:
    """Whether Shapley values are exact, and how far drawing orders may have put them off if they aren't."""
    if not found.num_orders:
        return f"Shapley values are exact: all {found.num_coalitions:,} sets of these templates were ranked."
    errors = listed([f"{100 * found.order_error(k):.2f} pp at {k}" for k in found.ks])
    return (
        f"Shapley values are estimates from {found.num_orders:,} random orders of joining "
        f"({found.num_coalitions:,} sets of these templates were ranked): standard error at most {errors}, which the "
        "intervals over queries don't hold."
    )
