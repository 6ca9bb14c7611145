"""Bootstrap of queries that come in clusters: the captions of one image are resampled together."""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from misfire.stats.bootstrap import PairedBootstrap, summarise
from misfire.stats.resampling import (
    check_finite,
    cluster_positions,
    index_draws,
    paired_delta,
    percentile_bounds,
    without_rounding,
)
from misfire.stats.settings import check_confidence, check_num_replicates


@final
@dataclass(frozen=True, eq=False)
class Interval:
    """Percentile bootstrap interval of one statistic, in the statistic's own unit.

    Args:
        estimate: The statistic of the sample itself.
        mean: Mean of the replicates.
        low: Lower end of the percentile interval.
        high: Upper end of the percentile interval.
        confidence: Coverage that the interval aims at.
        replicates: The statistic in every resample.
    """

    estimate: float
    mean: float
    low: float
    high: float
    confidence: float
    replicates: Float[np.ndarray, " replicate"]


def clustered_bootstrap(
    baseline: Bool[np.ndarray, " query"] | Int[np.ndarray, " query"] | Float[np.ndarray, " query"],
    ensembled: Bool[np.ndarray, " query"] | Int[np.ndarray, " query"] | Float[np.ndarray, " query"],
    clusters: Shaped[np.ndarray, " query"],
    *,
    num_replicates: int = 2000,
    confidence: float = 0.95,
    rng: np.random.Generator,
) -> PairedBootstrap:
    """Bootstrap of the mean of ``ensembled - baseline`` that resamples whole clusters of queries.

    As many clusters as there are are drawn with replacement, each with all its queries; a replicate is the mean over
    the queries drawn, however many they are. With clusters of one query, named in order, it draws what
    :func:`paired_bootstrap` draws.

    Args:
        baseline: Value of each query under the baseline, for example its hit at k.
        ensembled: Value of the same queries under the other system.
        clusters: Which cluster each query belongs to, for example its image id.
        num_replicates: How many resamples are drawn.
        confidence: Coverage of the percentile interval, in (0, 1).
        rng: Source of the resamples.

    Raises:
        UsageError: If there is no query, the arrays differ in length, a value isn't finite, or a setting is out of
            range.

    Reference:
        Field and Welsh, "Bootstrapping clustered data", Journal of the Royal Statistical Society B 69, 2007.

    Example:
        >>> before, after = np.array([False, False, True]), np.array([True, True, True])
        >>> result = clustered_bootstrap(before, after, np.array([7, 7, 8]), rng=np.random.default_rng(0))
        >>> result.low, result.high
        (0.0, 1.0)
    """
    check_num_replicates(num_replicates)
    check_confidence(confidence)
    delta = paired_delta(baseline, ensembled)
    cluster = cluster_positions(delta, clusters)
    sizes, sums = np.bincount(cluster), np.bincount(cluster, weights=delta)
    draws = index_draws(len(sizes), num_replicates=num_replicates, rng=rng)
    replicates = [without_rounding(sums[block].sum(axis=1), delta) / sizes[block].sum(axis=1) for block in draws]
    return summarise(np.concatenate(replicates), confidence=confidence)


def clustered_mean_bootstrap(
    values: Bool[np.ndarray, " query"] | Int[np.ndarray, " query"] | Float[np.ndarray, " query"],
    clusters: Shaped[np.ndarray, " query"],
    *,
    num_replicates: int = 2000,
    confidence: float = 0.95,
    rng: np.random.Generator,
) -> Interval:
    """Bootstrap of the mean of per-query values that resamples whole clusters.

    As many clusters as there are are drawn with replacement, each with all its queries; a replicate is the mean over
    the queries drawn, however many they are.

    Args:
        values: Value of each query, for example its hit at k.
        clusters: Which cluster each query belongs to, for example its image id.
        num_replicates: How many resamples are drawn.
        confidence: Coverage of the percentile interval, in (0, 1).
        rng: Source of the resamples.

    Raises:
        UsageError: If there is no query, the two differ in length, a value isn't finite, or a setting is out of range.

    Reference:
        Field and Welsh, "Bootstrapping clustered data", Journal of the Royal Statistical Society B 69, 2007.

    Example:
        >>> values, images = np.array([True, True, False]), np.array([7, 7, 8])
        >>> interval = clustered_mean_bootstrap(values, images, rng=np.random.default_rng(0))
        >>> round(interval.estimate, 3), interval.low, interval.high
        (0.667, 0.0, 1.0)
    """
    check_num_replicates(num_replicates)
    check_confidence(confidence)
    cluster = _checked_clusters(values, clusters)
    sizes = np.bincount(cluster)
    sums = np.bincount(cluster, weights=values)
    draws = index_draws(len(sizes), num_replicates=num_replicates, rng=rng)
    replicates = np.concatenate([sums[block].sum(axis=1) / sizes[block].sum(axis=1) for block in draws])
    return _interval(float(values.mean()), replicates, confidence)


def clustered_median_bootstrap(
    values: Int[np.ndarray, " query"] | Float[np.ndarray, " query"],
    clusters: Shaped[np.ndarray, " query"],
    *,
    num_replicates: int = 2000,
    confidence: float = 0.95,
    rng: np.random.Generator,
) -> Interval:
    """Bootstrap of the median of per-query values that resamples whole clusters.

    The median of an even number of values is the mean of the two in the middle, as NumPy's is. Arguments and errors are
    those of :func:`clustered_mean_bootstrap`.

    Example:
        >>> ranks, images = np.array([1, 3, 9]), np.array([7, 7, 8])
        >>> clustered_median_bootstrap(ranks, images, rng=np.random.default_rng(0)).estimate
        3.0
    """
    check_num_replicates(num_replicates)
    check_confidence(confidence)
    cluster = _checked_clusters(values, clusters)
    distinct, position = np.unique(values, return_inverse=True)
    draws = index_draws(int(cluster.max()) + 1, num_replicates=num_replicates, rng=rng)
    replicates = np.array([_resampled_median(distinct, position, cluster, row) for block in draws for row in block])
    return _interval(float(np.median(values)), replicates, confidence)


def _resampled_median(
    distinct: Shaped[np.ndarray, " distinct"],
    position: Int[np.ndarray, " query"],
    cluster: Int[np.ndarray, " query"],
    draws: Int[np.ndarray, " cluster"],
) -> float:
    times_drawn = np.bincount(draws, minlength=len(draws))
    up_to = np.bincount(position, weights=times_drawn[cluster]).cumsum()
    middle = [(up_to[-1] + 1) // 2, up_to[-1] // 2 + 1]  # counted from 1; equal for an odd number of queries
    return float(distinct[np.searchsorted(up_to, middle)].mean())


def _interval(estimate: float, replicates: Float[np.ndarray, " replicate"], confidence: float) -> Interval:
    low, high = percentile_bounds(replicates, confidence=confidence)
    return Interval(
        estimate=estimate,
        mean=float(replicates.mean()),
        low=low,
        high=high,
        confidence=confidence,
        replicates=replicates,
    )


def _checked_clusters(
    values: Shaped[np.ndarray, " value_query"], clusters: Shaped[np.ndarray, " cluster_query"]
) -> Int[np.ndarray, " query"]:
    positions = cluster_positions(values, clusters)
    check_finite(values)
    return positions
