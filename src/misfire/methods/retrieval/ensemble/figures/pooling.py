"""Gain by subset and pooling."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from misfire.core.words import percentage_points
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.methods.retrieval.ensemble.series import (
    GAIN,
    INTERVALS,
    Series,
    cutoffs,
    series_of,
    sorted_subsets,
    subset_with_queries,
    without_tau_sweep,
)
from misfire.reporting.figure import INK, Illustration, colour, hatch, new_figure, styled

_MOST_LABELLED_BARS = 24
_MOST_PANELS = 2
_BARS_WIDTH = 0.82


@styled
def pooling_ablation(rows: Sequence[LoggedEnsemble]) -> Illustration:
    """Delta at the two largest k, a panel each: subsets side by side, one bar a pooling, whiskers for the interval.

    Args:
        rows: Finished cells, at least one. Of a sweep over tau only the cell nearest to tau = 1 is drawn.
    """
    drawn = without_tau_sweep(rows)
    subsets, series = sorted_subsets(drawn), series_of(drawn)
    ks = cutoffs(drawn)[-_MOST_PANELS:]
    width = min(11.0, max(6.4, 2.4 + 0.42 * len(subsets) * len(series)))
    figure = new_figure(width, 0.7 + 2.1 * len(ks))
    panels = figure.subplots(len(ks), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for axes, k in zip(panels, ks, strict=True):
        _panel(axes, subsets, series, k)
    figure.align_ylabels()
    panels[-1].set_xticks(
        range(len(subsets)), [subset_with_queries(drawn, subset).replace(" (", "\n(") for subset in subsets]
    )
    panels[-1].set_xlim(-0.6, len(subsets) - 0.4)
    num_columns = max(1, min(4, int(width / (0.55 + 0.08 * max(len(one.label) for one in series)))))
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper left", ncols=num_columns)
    return Illustration(
        name="pooling_ablation",
        title=f"Gain by subset and pooling at {' and '.join(map(str, ks))}.",
        caption=(
            f"{GAIN} Whiskers are {INTERVALS}; a bar without flips has one, too. A subset of mined failures gains by "
            "chance alone, so read the bars beside the changes outside the subset."
        ),
        figure=figure,
    )


def _panel(axes: Axes, subsets: list[str], series: list[Series], k: int) -> None:
    width = _BARS_WIDTH / len(series)
    is_labelled = len(subsets) * len(series) <= _MOST_LABELLED_BARS
    for index, one in enumerate(series):
        offset = (index - (len(series) - 1) / 2) * width
        known = [row for row in one.rows if k in row.ks]
        places = [subsets.index(row.subset) + offset for row in known]
        axes.bar(
            places,
            [100 * row.delta(k) for row in known],
            width=0.92 * width,
            label=one.label,
            color=colour(index),
            hatch=hatch(index),
            edgecolor=INK,
            linewidth=0.7,
        )
        for place, row in zip(places, known, strict=True):
            end = _whisker(axes, place, row, k)
            if is_labelled:
                _label(axes, place, row.delta(k), end)
        stubs = [place for place, row in zip(places, known, strict=True) if not row.flips(k).net]
        axes.hlines(
            [0] * len(stubs),
            [place - 0.4 * width for place in stubs],
            [place + 0.4 * width for place in stubs],
            color=colour(index),
            linewidth=3.5,
            zorder=3,
        )
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_title(f"Δ hit@{k}")
    axes.set_ylabel("Δ (pp)")
    axes.grid(axis="y")
    axes.margins(y=0.16)


def _whisker(axes: Axes, place: float, row: LoggedEnsemble, k: int) -> float:
    """Draw the interval; returns its end on the bar's side, beyond which the number stands."""
    low, high = (100 * end for end in row.trusted(k))
    axes.plot([place, place], [low, high], color=INK, linewidth=0.9, marker="_", markersize=4, zorder=3)
    return high if row.delta(k) >= 0 else low


def _label(axes: Axes, place: float, delta: float, end: float) -> None:
    axes.annotate(
        percentage_points(delta) if delta else "0",
        (place, end),
        (0, 3 if delta >= 0 else -3),
        textcoords="offset points",
        ha="center",
        va="bottom" if delta >= 0 else "top",
        fontsize=7,
    )
