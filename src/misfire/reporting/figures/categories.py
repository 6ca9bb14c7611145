"""Distribution of failure categories."""

from collections.abc import Mapping

from misfire.failures import AMBIGUOUS
from misfire.reporting.figures.style import INK, Illustration, colour, new_figure, styled
from misfire.reporting.printing import percent
from misfire.reporting.series import categories_by_frequency


@styled
def category_distribution(counts: Mapping[str, int]) -> Illustration:
    """One bar a category, the most frequent on top; ambiguous failures, which no prompt can mend, are hatched grey.

    Args:
        counts: Annotated failures a category, at least one in all.
    """
    ordered = categories_by_frequency(counts)
    total = sum(counts.values())
    figure = new_figure(5.6, 0.7 + 0.33 * len(ordered))
    axes = figure.subplots()
    for position, (category, count) in enumerate(ordered):
        is_actionable = category.casefold() != AMBIGUOUS.casefold()
        axes.barh(
            position,
            count,
            height=0.7,
            color=colour(0) if is_actionable else "#bbbbbb",
            hatch="" if is_actionable else "////",
            edgecolor=INK,
            linewidth=0.6,
        )
        axes.annotate(
            f"{count} ({percent(count, total)} %)", (count, position), (4, 0), textcoords="offset points", va="center"
        )
    axes.set_yticks(range(len(ordered)), [category.capitalize() for category, _ in ordered])
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.3 * max(counts.values()))
    axes.set_xlabel(f"annotated failures (n={total})")
    return Illustration(
        name="categories",
        title="Distribution of failure categories.",
        caption=(
            f"{total} annotated top-1 failures. In ambiguous failures (hatched) the image found fits the caption too; "
            "the others are actionable."
        ),
        figure=figure,
    )
