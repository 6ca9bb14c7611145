"""A gain taken apart by template, as horizontal bars."""

from misfire.evaluation import TemplateAttribution
from misfire.reporting.figures.style import INK, PALE, Illustration, colour, new_figure, styled


@styled
def attribution_bars(found: TemplateAttribution) -> Illustration:
    """Shapley value of each template with its interval, the largest first, and what leaving it out costs.

    Args:
        found: What was attributed.
    """
    shares = sorted(found.shares, key=lambda share: -share.shapley.estimate)
    figure = new_figure(6.4, 0.34 * len(shares) + 1.1)
    axes = figure.subplots()
    places = range(len(shares))
    values = [100 * share.shapley.estimate for share in shares]
    ends = [(100 * share.shapley.low, 100 * share.shapley.high) for share in shares]
    axes.barh(places, values, color=colour(0), height=0.62, label="Shapley value")
    for place, (low, high) in zip(places, ends, strict=True):
        axes.plot([low, high], [place, place], color=INK, linewidth=1.1)
    lost = [100 * share.leave_one_out.estimate for share in shares]
    axes.plot(lost, places, linestyle="none", marker="D", markersize=4.5, color=colour(1), label="lost if left out")
    axes.axvline(0, color=PALE, linewidth=0.9)
    axes.set_yticks(places, [share.template for share in shares])
    axes.invert_yaxis()
    axes.set_xlabel(f"part of the gain in hit@{found.k} (pp)")
    axes.grid(axis="x")
    figure.legend(loc="outside upper left", ncols=2)
    return Illustration(
        name="attribution",
        title=f"Which templates the gain of {100 * found.gain:+.2f} pp on {found.subset} comes from.",
        caption=(
            f"hit@{found.k}, n={found.num_queries} queries, pooling {found.pooling}. Bars add up to the gain; lines "
            f"are {found.confidence:.0%} bootstrap percentile intervals over images, each by itself."
        ),
        figure=figure,
    )
