"""Why retrieval failed: how often each category was labelled, as a table and as a figure."""

from collections.abc import Collection, Mapping

from matplotlib.axes import Axes

from misfire.core.errors import UsageError
from misfire.core.words import interval_percent, percent, plain_count
from misfire.failures.failure_set import WORLD_TRUTH
from misfire.failures.taxonomy import AMBIGUOUS
from misfire.reporting.figure import INK, Illustration, colour, new_figure, styled
from misfire.reporting.table import Column, Entry, Table
from misfire.stats import wilson_interval

_INTERVALS = " Whiskers are 95 % intervals for the share of all failures, each by itself."


@styled
def category_distribution(
    counts: Mapping[str, int],
    *,
    intervals: Mapping[str, tuple[float, float]] | None = None,
    not_actionable: Collection[str] = (AMBIGUOUS,),
    label_source: str | None = None,
) -> Illustration:
    """One bar a category, the most frequent on top; failures that no prompt can mend are hatched grey.

    Args:
        counts: Annotated failures a category, at least one in all.
        intervals: Ends of the interval of each category's share, in fractions; Wilson's where none are given.
        not_actionable: Categories that no prompt can mend.
        label_source: Who labelled them, where that wasn't annotators.
    """
    ordered = categories_by_frequency(counts)
    total = sum(counts.values())
    ends_of = intervals or {name: wilson_interval(count, total) for name, count in ordered}
    hopeless = {name.casefold() for name in not_actionable}
    figure = new_figure(5.6, 0.7 + 0.33 * len(ordered))
    axes = figure.subplots()
    ends = []
    for position, (category, count) in enumerate(ordered):
        is_actionable = category.casefold() not in hopeless
        axes.barh(
            position,
            count,
            height=0.7,
            color=colour(4) if is_actionable else "#bbbbbb",
            hatch="" if is_actionable else "////",
            edgecolor=INK,
            linewidth=0.6,
        )
        low, high = ends_of[category]
        end = _whisker(axes, position, count, total, low, high)
        label = f"{count} ({100 * count / total:.0f} %, {100 * low:.0f} to {100 * high:.0f})"
        axes.annotate(label, (end, position), (4, 0), textcoords="offset points", va="center")
        ends.append(end)
    axes.set_yticks(range(len(ordered)), [_capitalised(category) for category, _ in ordered])
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.3 * max(ends))
    axes.set_xlabel(f"{_labelled(label_source)} (n={total})")
    return Illustration(
        name="categories",
        title="Distribution of failure categories.",
        caption=(
            f"{total} {_labelled(label_source, 'top-1 failures')}. In ambiguous failures (hatched) the image found "
            f"fits the caption too; the others are actionable.{_INTERVALS}"
        ),
        figure=figure,
    )


def _whisker(axes: Axes, position: int, count: int, total: int, low: float, high: float) -> float:
    """Draws the interval and returns where a label may begin."""
    ends = [[count - total * low], [total * high - count]]
    axes.errorbar(count, position, xerr=ends, color=INK, elinewidth=1.0, capsize=3, capthick=1.0)
    return max(float(count), total * high)


def _capitalised(category: str) -> str:
    return category[:1].upper() + category[1:]


def taxonomy_table(counts: Mapping[str, int], *, label_source: str | None = None) -> Table:
    """How often each category was annotated, the most frequent first, with Wilson intervals of the shares.

    Args:
        counts: Labelled failures a category.
        label_source: Who labelled them, where that wasn't annotators.

    Raises:
        UsageError: If nothing was annotated.
    """
    total = sum(counts.values())
    if total < 1:
        raise UsageError(f"taxonomy_counts must hold annotated failures, got {dict(counts)}; run misfire agree first.")
    rows = []
    for category, count in categories_by_frequency(counts):
        low, high = wilson_interval(count, total)
        rows.append(
            (
                Entry(category.capitalize(), (category,)),
                Entry(plain_count(count), (count,)),
                Entry(percent(count, total), (count / total,), f"{count} of {total}"),
                Entry(interval_percent(low, high), (low, high)),
            )
        )
    return Table(
        name="taxonomy",
        title=f"Why retrieval failed: categories of {total} {_labelled(label_source)}.",
        columns=(
            Column("Category", ("category",), is_number=False),
            Column("Failures", ("count",)),
            Column("Share (%)", ("share",)),
            Column("95 % interval", ("share_low", "share_high")),
        ),
        rows=tuple(rows),
        note="Intervals are Wilson's, for each share by itself.",
    )


def categories_by_frequency(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Categories with their counts, the most frequent first, equal ones by name."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _labelled(source: str | None, what: str = "failures") -> str:
    return f"{what} labelled by {WORLD_TRUTH}" if source == WORLD_TRUTH else f"annotated {what}"
