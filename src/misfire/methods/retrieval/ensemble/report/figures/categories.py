"""Distribution of failure categories."""

from collections.abc import Collection, Mapping

from matplotlib.axes import Axes

from misfire.failures import AMBIGUOUS
from misfire.reporting.figure import INK, Illustration, colour, new_figure, styled
from misfire.core.words import percent
from misfire.methods.retrieval.ensemble.report.series import categories_by_frequency

_INTERVALS = " Whiskers are intervals for the share of all failures, each by itself."


@styled
def category_distribution(
    counts: Mapping[str, int],
    *,
    intervals: Mapping[str, tuple[float, float]] | None = None,
    not_actionable: Collection[str] = (AMBIGUOUS,),
) -> Illustration:
    """One bar a category, the most frequent on top; failures that no prompt can mend are hatched grey.

    Args:
        counts: Annotated failures a category, at least one in all.
        intervals: Ends of the interval of each category's share, in fractions; drawn as whiskers where given.
        not_actionable: Categories that no prompt can mend.
    """
    ordered = categories_by_frequency(counts)
    total = sum(counts.values())
    hopeless = {name.casefold() for name in not_actionable}
    figure = new_figure(5.6, 0.7 + 0.33 * len(ordered))
    axes = figure.subplots()
    ends = []
    fill = colour(0) if intervals is None else colour(4)  # whiskers show on a light bar
    for position, (category, count) in enumerate(ordered):
        is_actionable = category.casefold() not in hopeless
        axes.barh(
            position,
            count,
            height=0.7,
            color=fill if is_actionable else "#bbbbbb",
            hatch="" if is_actionable else "////",
            edgecolor=INK,
            linewidth=0.6,
        )
        end = _whisker(axes, position, count, total, None if intervals is None else intervals[category])
        label = f"{count} ({percent(count, total)} %)"
        axes.annotate(label, (end, position), (4, 0), textcoords="offset points", va="center")
        ends.append(end)
    axes.set_yticks(range(len(ordered)), [_capitalised(category) for category, _ in ordered])
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.3 * max(ends))
    axes.set_xlabel(f"annotated failures (n={total})")
    return Illustration(
        name="categories",
        title="Distribution of failure categories.",
        caption=(
            f"{total} annotated top-1 failures. In ambiguous failures (hatched) the image found fits the caption too; "
            f"the others are actionable.{_INTERVALS if intervals else ''}"
        ),
        figure=figure,
    )


def _whisker(axes: Axes, position: int, count: int, total: int, interval: tuple[float, float] | None) -> float:
    """Draws the interval and returns where a label may begin."""
    if interval is None:
        return float(count)
    low, high = (total * end for end in interval)
    axes.errorbar(
        count, position, xerr=[[count - low], [high - count]], color=INK, elinewidth=1.0, capsize=3, capthick=1.0
    )
    return max(float(count), high)


def _capitalised(category: str) -> str:
    return category[:1].upper() + category[1:]
