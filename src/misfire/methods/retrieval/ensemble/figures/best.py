"""Best pooling a subset."""

from collections.abc import Sequence

from misfire.core.words import percentage_points
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.methods.retrieval.ensemble.series import (
    INTERVALS,
    Series,
    cutoffs,
    series_of,
    sorted_subsets,
    subset_with_queries,
    without_tau_sweep,
)
from misfire.reporting.figure import INK, PALE, Illustration, colour, hatch, new_figure, styled

_MOST_NAMES = 2
_LONGEST_LINE = 32


@styled
def best_pooling(rows: Sequence[LoggedEnsemble]) -> Illustration:
    """Largest delta at the largest k on each subset, and every pooling that reaches it.

    Args:
        rows: Finished cells, at least one.
    """
    k = cutoffs(rows)[-1]
    drawn = [row for row in without_tau_sweep(rows) if k in row.ks]
    subsets, series = sorted_subsets(drawn), series_of(drawn)
    figure = new_figure(7.2, 0.9 + 0.42 * len(subsets))
    axes = figure.subplots()
    reach = [0.0]
    for position, subset in enumerate(subsets):
        winners, row = _winners(series, subset, k)
        index = series.index(winners[0]) if len(winners) == 1 else None
        delta, (low, high) = 100 * row.delta(k), (100 * end for end in row.trusted(k))
        reach += [low, high]
        axes.barh(
            position,
            delta,
            height=0.66,
            color="#dddddd" if index is None else colour(index),
            hatch="" if index is None else hatch(index),
            edgecolor=INK,
            linewidth=0.7,
        )
        axes.plot([low, high], [position] * 2, color=INK, linewidth=1.0, marker="|", markersize=6, zorder=3)
        axes.annotate(
            f"{percentage_points(row.delta(k)) if delta else '0'}  {_names(winners, _num_tried(series, subset))}",
            (max(high, 0), position),
            (5, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
        )
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_yticks(range(len(subsets)), [subset_with_queries(drawn, subset) for subset in subsets])
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    span = max(reach) - min(reach) or 1.0
    axes.set_xlim(min(reach) - 0.03 * span, max(reach) + 0.6 * span)
    axes.set_xlabel(f"Δ hit@{k} (pp)")
    axes.spines["left"].set_color(PALE)
    return Illustration(
        name="best_pooling",
        title=f"Best pooling a subset by Δ hit@{k}.",
        caption=(
            f"Grey where several poolings share the best value. Whiskers are {INTERVALS}. The best of several is "
            "chosen by looking, so its gain is flattered; test it on queries that weren't used to choose it."
        ),
        figure=figure,
    )


def _winners(series: list[Series], subset: str, k: int) -> tuple[list[Series], LoggedEnsemble]:
    tried = [(one, row) for one in series for row in one.rows if row.subset == subset]
    best = max(row.delta(k) for _, row in tried)
    winners = [(one, row) for one, row in tried if row.delta(k) == best]
    return [one for one, _ in winners], winners[0][1]


def _names(winners: list[Series], num_tried: int) -> str:
    if 1 < len(winners) == num_tried:
        return "all equal"
    if len(winners) > _MOST_NAMES:
        return f"{len(winners)} of {num_tried} equal"
    joint = " = " if sum(len(winner.label) for winner in winners) <= _LONGEST_LINE else "\n= "
    return joint.join(winner.label for winner in winners)


def _num_tried(series: list[Series], subset: str) -> int:
    return sum(row.subset == subset for one in series for row in one.rows)
