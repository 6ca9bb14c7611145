"""Bootstrap distributions of a gain."""

import io
import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from misfire.reporting.figure import INK, Illustration, PALE, colour, hatch, new_figure, styled
from misfire.core.words import interval_percent, probability
from misfire.methods.retrieval.ensemble.report.rows import BootstrapRow, CellRow
from misfire.methods.retrieval.ensemble.report.series import cutoffs, series_of, sorted_subsets, subset_label, without_tau_sweep

_MOST_BINS = 40
_MOST_PANELS = 6
_PREFERRED_SUBSET = "action"


@styled
def bootstrap_distributions(rows: Sequence[CellRow]) -> Illustration | None:
    """Bootstrap distribution of delta at the largest k on one subset, a panel a pooling; None without replicates.

    The subset is ``action``, as published, or the first one where there is none or where no resample differs there.

    Args:
        rows: Finished cells.
    """
    k = cutoffs(rows)[-1]
    known = [row for row in without_tau_sweep(rows) if k in row.replicates and k in row.bootstrap]
    if not known:
        return None
    subsets = sorted_subsets(known)
    subset = _telling_subset(known, sorted(subsets, key=lambda name: name != _PREFERRED_SUBSET), k)
    found = [(one.label, row) for one in series_of(known) for row in one.rows if row.subset == subset]
    panels = found[:_MOST_PANELS]
    figure = new_figure(6.4, 0.6 + 1.35 * len(panels))
    all_axes = figure.subplots(len(panels), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for index, (axes, (label, row)) in enumerate(zip(all_axes, panels, strict=True)):
        stored = row.bootstrap[k]
        _distribution(axes, row.replicates[k], stored, row.num_queries, index)
        interval = interval_percent(stored.low, stored.high)
        axes.set_title(f"{label}: {100 * stored.mean:z.2f} pp {interval}, P(Δ>0) = {probability(stored.p_positive)}")
        axes.set_ylabel("resamples")
    all_axes[-1].set_xlabel(f"Δ R@{k} (pp) on {subset_label(subset)}, n={panels[0][1].num_queries}")
    confidence = panels[0][1].bootstrap[k].confidence
    return Illustration(
        name="bootstrap_distribution",
        title=f"Bootstrap distribution of Δ R@{k} on {subset_label(subset)}.",
        caption=(
            f"{len(panels[0][1].replicates[k])} resamples of the same {panels[0][1].num_queries} queries. The band is "
            f"the {100 * confidence:g} % percentile interval, the solid line the mean, the dotted line no change."
            + (f" The first {len(panels)} of {len(found)} cells." if len(panels) < len(found) else "")
        ),
        figure=figure,
    )


def _telling_subset(rows: Sequence[CellRow], subsets: Sequence[str], k: int) -> str:
    varied = {row.subset for row in rows if np.ptp(row.replicates[k]) > 0}
    return next((subset for subset in subsets if subset in varied), subsets[0])


@styled
def bootstrap_histogram(
    replicates: Float[np.ndarray, " replicate"], stored: BootstrapRow, *, num_queries: int, title: str
) -> bytes:
    """A small PNG of one cell's bootstrap distribution, quick enough to keep with every cell of a sweep.

    Args:
        replicates: The difference in every resample, in fractions.
        stored: Mean and interval of the same bootstrap.
        num_queries: Queries resampled; differences are whole numbers of them.
        title: What was measured, short.
    """
    figure = Figure(figsize=(4.2, 2.2), dpi=100)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.13, 0.21, 0.84, 0.67))
    _distribution(axes, replicates, stored, num_queries, 0)
    axes.set_title(title, fontsize=8)
    axes.set_xlabel(f"Δ (pp), n={num_queries}")
    axes.set_ylabel("resamples")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _distribution(
    axes: Axes, replicates: Float[np.ndarray, " replicate"], stored: BootstrapRow, num_queries: int, index: int
) -> None:
    heights, edges = np.histogram(replicates, bins=_edges(replicates, num_queries))
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
    for bound in (stored.low, stored.high):
        axes.axvline(100 * bound, color=PALE, linewidth=1.0, linestyle="--")
    axes.axvline(100 * stored.mean, color=INK, linewidth=1.4)
    axes.axvline(0, color=INK, linewidth=1.0, linestyle=":")
    axes.locator_params(axis="y", nbins=4)


def _edges(replicates: Float[np.ndarray, " replicate"], num_queries: int) -> Float[np.ndarray, " edge"]:
    """Edges halfway between whole numbers of queries, so that no bar mixes more counts than its neighbour."""
    lowest, highest = (round(float(bound) * num_queries) for bound in (replicates.min(), replicates.max()))
    counts_a_bin = math.ceil((highest - lowest + 1) / _MOST_BINS)
    num_bins = math.ceil((highest - lowest + 1) / counts_a_bin)
    return (lowest - 0.5 + counts_a_bin * np.arange(num_bins + 1)) / num_queries
