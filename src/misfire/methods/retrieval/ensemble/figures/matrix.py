"""Gains of many cells at once."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from misfire.core.words import percentage_points
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.methods.retrieval.ensemble.series import (
    GAIN,
    Series,
    cutoffs,
    series_of,
    sorted_subsets,
    subset_with_queries,
    without_tau_sweep,
)
from misfire.reporting.figure import INK, Illustration, new_figure, styled

_MOST_LINES = 80
_MOST_PANELS = 2
_SLANTED: dict[str, Any] = {"rotation": 30, "ha": "right", "fontsize": 7}


@styled
def gain_matrix(rows: Sequence[LoggedEnsemble]) -> Illustration:
    """Delta at the two largest k, a panel each: one line a pooling and setting, one column a subset, as numbers.

    Args:
        rows: Finished cells, at least one; for more series than bars can show.
    """
    drawn = without_tau_sweep(rows)
    subsets, found = sorted_subsets(drawn), series_of(drawn)
    series = found[:_MOST_LINES]
    ks = cutoffs(drawn)[-_MOST_PANELS:]
    longest = max(len(one.label) for one in series)
    figure = new_figure(0.6 + 0.075 * longest + 0.85 * len(subsets) * len(ks), 0.9 + 0.19 * len(series))
    panels = figure.subplots(1, len(ks), sharey=True, squeeze=False)[0]
    deltas = {k: _deltas(series, subsets, k) for k in ks}
    largest = max(float(np.nanmax(np.abs(at_k))) for at_k in deltas.values()) or 1.0  # one scale of colours
    for axes, k in zip(panels, ks, strict=True):
        _panel(axes, deltas[k], largest)
        axes.set_title(f"Δ hit@{k} (pp)")
        axes.set_xticks(range(len(subsets)), [subset_with_queries(drawn, subset) for subset in subsets], **_SLANTED)
    panels[0].set_yticks(range(len(series)), [one.label for one in series], fontsize=7)
    return Illustration(
        name="pooling_ablation",
        title=f"Gain by subset, pooling and setting at {' and '.join(map(str, ks))}.",
        caption=(
            f"{GAIN} Blue gains, red loses, on one scale in both panels. The intervals stand in the table."
            + (f" The first {len(series)} of {len(found)} lines." if len(series) < len(found) else "")
        ),
        figure=figure,
    )


def _panel(axes: Axes, deltas: Float[np.ndarray, "series subset"], largest: float) -> None:
    axes.imshow(deltas, cmap="RdBu", vmin=-2.2 * largest, vmax=2.2 * largest, aspect="auto")
    for (line, column), delta in np.ndenumerate(deltas):
        if not np.isnan(delta):
            axes.text(
                column,
                line,
                percentage_points(delta) if delta else "0",
                ha="center",
                va="center",
                fontsize=6.5,
                color=INK,
            )
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _deltas(series: list[Series], subsets: list[str], k: int) -> Float[np.ndarray, "series subset"]:
    """Deltas in fractions; NaN where a cell wasn't run."""
    deltas = np.full((len(series), len(subsets)), np.nan)
    for line, one in enumerate(series):
        for row in one.rows:
            if k in row.ks:
                deltas[line, subsets.index(row.subset)] = row.delta(k)
    return deltas
