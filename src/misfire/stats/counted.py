"""Paired bootstrap by counts: how often each distinct outcome is drawn, instead of which query."""

import numpy as np
from jaxtyping import Bool, Complex, Float, Int, Shaped

from misfire.stats.bootstrap import PairedBootstrap, summarise
from misfire.stats.clustered import clustered_bootstrap
from misfire.stats.resampling import cluster_positions, paired_delta, without_rounding
from misfire.stats.settings import check_confidence, check_num_replicates

_FEW_DISTINCT = 16  # units to a distinct outcome, from which on drawing counts beats drawing units


def counted_bootstrap(
    baseline: Bool[np.ndarray, " query"] | Int[np.ndarray, " query"] | Float[np.ndarray, " query"],
    ensembled: Bool[np.ndarray, " query"] | Int[np.ndarray, " query"] | Float[np.ndarray, " query"],
    *,
    clusters: Shaped[np.ndarray, " query"] | None = None,
    num_replicates: int = 2000,
    confidence: float = 0.95,
    rng: np.random.Generator,
) -> PairedBootstrap:
    """The bootstrap of :func:`paired_bootstrap` or :func:`clustered_bootstrap`, faster and with other draws.

    Queries with the same difference are exchangeable, so a resample is a multinomial draw of how often each distinct
    difference occurs: three of them for hits. Clusters are grouped by their size and sum. The replicates have the
    distribution of the published protocol's but aren't its replicates. Where most outcomes are distinct, as reciprocal
    ranks can be, it draws queries or clusters as the other two do, and takes as long as they do; an interval that needs
    no replicates comes from :func:`paired_mean_distribution` then, a hundred times as fast.

    Args:
        baseline: Value of each query under the baseline, for example its hit at k.
        ensembled: Value of the same queries under the other system.
        clusters: Which cluster each query belongs to, for example its image id; each by itself where it isn't given.
        num_replicates: How many resamples are drawn.
        confidence: Coverage of the percentile interval, in (0, 1).
        rng: Source of the resamples.

    Raises:
        UsageError: If there is no query, the arrays differ in length, a value isn't finite, or a setting is out of
            range.

    Example:
        >>> before = np.zeros(24, dtype=bool)
        >>> result = counted_bootstrap(before, np.arange(24) < 5, rng=np.random.default_rng(0))
        >>> round(result.low, 3), round(result.high, 3)
        (0.082, 0.375)
    """
    check_num_replicates(num_replicates)
    check_confidence(confidence)
    delta = paired_delta(baseline, ensembled)
    outcomes = delta + 1j if clusters is None else _cluster_outcomes(delta, clusters)
    distinct, counts = np.unique(outcomes, return_counts=True)
    if len(distinct) * _FEW_DISTINCT > len(outcomes):
        unit = np.arange(len(delta)) if clusters is None else clusters
        return clustered_bootstrap(
            baseline, ensembled, unit, num_replicates=num_replicates, confidence=confidence, rng=rng
        )
    drawn = rng.multinomial(len(outcomes), counts / len(outcomes), size=num_replicates)
    sums, sizes = drawn @ distinct.real, drawn @ distinct.imag
    return summarise(without_rounding(sums, delta) / sizes, confidence=confidence)


def _cluster_outcomes(
    delta: Float[np.ndarray, " query"], clusters: Shaped[np.ndarray, " cluster_query"]
) -> Complex[np.ndarray, " cluster"]:
    """Sum (real part) and size (imaginary part) of each cluster: pairs that NumPy sorts as one number."""
    positions = cluster_positions(delta, clusters)
    return np.bincount(positions, weights=delta) + 1j * np.bincount(positions)
