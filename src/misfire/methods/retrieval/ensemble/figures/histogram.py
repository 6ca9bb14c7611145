"""Bootstrap distributions of a gain."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from misfire.core.words import interval_percent, probability
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.methods.retrieval.ensemble.series import (
    series_of,
    subset_label,
    without_tau_sweep,
)
from misfire.reporting.figure import INK, PALE, Illustration, colour, hatch, new_figure, styled

_MOST_BINS = 40
_MOST_PANELS = 6


@styled
def bootstrap_distributions(rows: Sequence[LoggedEnsemble], answer: LoggedEnsemble, k: int) -> Illustration:
    """Bootstrap distribution of delta on the subset that the answer is about, a panel a pooling, the answer's first.

    Args:
        rows: Finished cells.
        answer: The one of them that the answer is about.
        k: Cut-off that decides.
    """
    known = [row for row in (*without_tau_sweep(rows), answer) if k in row.ks and row.subset == answer.subset]
    labels = {row.cell_id: one.label for one in series_of([*rows]) for row in one.rows}
    ordered = dict.fromkeys([answer.cell_id, *(row.cell_id for one in series_of(known) for row in one.rows)])
    by_id = {row.cell_id: row for row in known}
    found = [(labels[cell_id], by_id[cell_id]) for cell_id in ordered]
    subset, panels = answer.subset, found[:_MOST_PANELS]
    figure = new_figure(7.2, 0.6 + 1.35 * len(panels))
    all_axes = figure.subplots(len(panels), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for index, (axes, (label, row)) in enumerate(zip(all_axes, panels, strict=True)):
        _distribution(axes, row, k, index)
        stored, mean, share = (row.at(group, k) for group in ("delta", "delta_mean", "p_positive"))
        interval = interval_percent(stored.low, stored.high)
        score = interval_percent(*row.trusted(k))
        axes.set_title(
            f"{label}: average {100 * mean.value:z.2f} pp, percentiles {interval}, score {score}, "
            f"P(Δ>0) = {probability(share.value)}",
            fontsize=8,
        )
        axes.set_ylabel("resamples")
    all_axes[-1].set_xlabel(f"Δ hit@{k} (pp) on {subset_label(subset)}, n={panels[0][1].num_queries}")
    confidence = panels[0][1].confidence
    return Illustration(
        name="bootstrap_distribution",
        title=f"Bootstrap distribution of Δ hit@{k} on {subset_label(subset)}.",
        caption=(
            f"{len(panels[0][1].replicates[k])} resamples of the same {panels[0][1].num_queries} queries. The band is "
            f"the {100 * confidence:g} % percentile interval, the solid line the mean, the dotted line no "
            "change. The bracket above is the score interval, which the report trusts: resamples of few flips differ "
            "too little." + (f" The first {len(panels)} of {len(found)} cells." if len(panels) < len(found) else "")
        ),
        figure=figure,
    )


def _distribution(axes: Axes, row: LoggedEnsemble, k: int, index: int) -> None:
    stored, replicates = row.at("delta", k), row.replicates[k]
    heights, edges = np.histogram(replicates, bins=_edges(replicates, row.num_queries))
    axes.stairs(
        heights,
        100 * edges,
        fill=True,
        facecolor=colour(index),
        hatch=hatch(index),
        edgecolor=INK,
        linewidth=0.5,
    )
    axes.axvspan(100 * stored.low, 100 * stored.high, color=PALE, alpha=0.18, linewidth=0, zorder=0)
    low, high = (100 * end for end in row.trusted(k))
    at_top = axes.get_xaxis_transform()
    axes.plot([low, high], [0.93, 0.93], color=INK, lw=1.1, marker="|", ms=7, transform=at_top, clip_on=False)
    for bound in (stored.low, stored.high):
        axes.axvline(100 * bound, color=PALE, linewidth=1.0, linestyle="--")
    axes.axvline(100 * row.at("delta_mean", k).value, color=INK, linewidth=1.4)
    axes.axvline(0, color=INK, linewidth=1.0, linestyle=":")
    axes.locator_params(axis="y", nbins=4)


def _edges(replicates: Float[np.ndarray, " replicate"], num_queries: int) -> Float[np.ndarray, " edge"]:
    """Edges halfway between whole numbers of queries, so that no bar mixes more counts than its neighbour."""
    lowest, highest = (round(float(bound) * num_queries) for bound in (replicates.min(), replicates.max()))
    counts_a_bin = math.ceil((highest - lowest + 1) / _MOST_BINS)
    num_bins = math.ceil((highest - lowest + 1) / counts_a_bin)
    return (lowest - 0.5 + counts_a_bin * np.arange(num_bins + 1)) / num_queries
