"""A gain taken apart by template, as horizontal bars."""

from matplotlib.axes import Axes

from misfire.methods.retrieval.attribution.logged import LoggedAttribution, TemplateShare
from misfire.reporting.figure import INK, PALE, Illustration, colour, new_figure, styled


@styled
def attribution_bars(found: LoggedAttribution) -> Illustration:
    """Shapley value of each template with its interval and what leaving it out costs, a panel a cut-off.

    Templates stand in one order in all panels: by Shapley value at the last cut-off, the largest first.

    Args:
        found: What was attributed.
    """
    last = found.shares(found.ks[-1])
    order = sorted(range(len(last)), key=lambda place: -last[place].shapley.value)
    figure = new_figure(2.1 * len(found.ks) + 3.2, 0.3 * len(order) + 1.3)
    panels = figure.subplots(1, len(found.ks), squeeze=False, sharex=True, sharey=True)[0]
    for axes, k in zip(panels, found.ks, strict=True):
        shares = found.shares(k)
        _draw(axes, [shares[place] for place in order])
        axes.set_title(f"hit@{k}: {100 * found.gain(k):+.2f} pp")
        axes.set_xlabel("part of the gain (pp)")
    panels[0].set_yticks(range(len(order)), [last[place].template for place in order])
    panels[0].invert_yaxis()
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], loc="outside upper left", ncols=2)
    orders = f"estimated from {found.num_orders:,} orders" if found.num_orders else "over all orders of joining"
    return Illustration(
        name="attribution",
        title=f"Which templates the gain on {found.subset} comes from.",
        caption=(
            f"{found.num_queries:,} queries, pooling {found.pooling}. Bars are Shapley values, {orders}; those of a "
            f"panel add up to its gain. Lines are {found.confidence:.0%} bootstrap percentile intervals over images, "
            "each by itself. Diamonds are what the ensemble loses without this template alone."
        ),
        figure=figure,
    )


def _draw(axes: Axes, shares: list[TemplateShare]) -> None:
    rows = range(len(shares))
    axes.barh(
        rows, [100 * share.shapley.value for share in shares], color=colour(0), height=0.62, label="Shapley value"
    )
    for row, share in enumerate(shares):
        axes.plot([100 * share.shapley.low, 100 * share.shapley.high], [row, row], color=INK, linewidth=1.1)
    lost = [100 * share.leave_one_out.value for share in shares]
    axes.plot(lost, rows, linestyle="none", marker="D", markersize=4, color=colour(1), label="lost if left out")
    axes.axvline(0, color=PALE, linewidth=0.9)
    axes.grid(axis="x")
