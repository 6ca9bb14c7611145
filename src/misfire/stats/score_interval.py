"""Score interval of a difference of two hit rates on the same queries: right where few queries flip, too."""

import math
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from jaxtyping import Bool, Shaped

from misfire.stats.design_effect import check_some_clusters, design_effect, student_quantile
from misfire.stats.flip_counts import check_flips, check_some_query
from misfire.stats.resampling import cluster_positions, paired_delta
from misfire.stats.settings import check_confidence


def paired_score_interval(
    fixed: int, broken: int, num_queries: int, *, confidence: float = 0.95
) -> tuple[float, float]:
    """Tango's score interval of the difference of two paired hit rates, as fractions in [-1, 1].

    It holds every difference that the asymptotic McNemar test, generalised from zero to any difference, doesn't reject:
    zero lies outside just where that test rejects equality. With no flips it is Wilson's bound for nothing out of
    ``num_queries`` on both sides, where percentiles of the bootstrap are a point. Its coverage is near nominal from a
    handful of expected flips on, and above it with fewer.

    Args:
        fixed: Queries that only the new system hits.
        broken: Queries that only the baseline hits.
        num_queries: All queries.
        confidence: Coverage that the interval aims at, in (0, 1).

    Raises:
        UsageError: If the counts don't fit together or ``confidence`` is out of range.

    Reference:
        Tango, "Equivalence test and confidence interval for the difference in proportions for the paired-sample
        design", Statistics in Medicine 17, 1998.

    Example:
        >>> [round(bound, 3) for bound in paired_score_interval(7, 1, 21)]
        [0.026, 0.517]
        >>> [round(bound, 3) for bound in paired_score_interval(0, 0, 24)]
        [-0.138, 0.138]
    """
    check_some_query(num_queries)
    check_flips(fixed, broken, num_queries)
    check_confidence(confidence)
    return _score_bounds(float(fixed), float(broken), float(num_queries), NormalDist().inv_cdf((1 + confidence) / 2))


def clustered_score_interval(
    baseline: Bool[np.ndarray, " query"],
    ensembled: Bool[np.ndarray, " query"],
    clusters: Shaped[np.ndarray, " query"],
    *,
    confidence: float = 0.95,
) -> tuple[float, float]:
    """Score interval of the difference of two hit rates whose queries come in clusters, as fractions in [-1, 1].

    Tango's interval for as many queries as these are worth: their number and their flips are divided by the design
    effect, the variance of the difference by clusters over that by queries (1 at least), and Student's quantile for the
    number of clusters stands in for the normal one. Where nothing flipped, a cluster counts as one query.

    Args:
        baseline: Whether the baseline hits each query.
        ensembled: Whether the other system hits the same queries.
        clusters: Which cluster each query belongs to, for example its image id.
        confidence: Coverage that the interval aims at, in (0, 1).

    Raises:
        UsageError: If there are fewer than two clusters, the arrays differ in length or ``confidence`` is out of range.

    Reference:
        Tango, Statistics in Medicine 17, 1998; Rao and Scott, "A simple method for the analysis of clustered binary
        data", Biometrics 48, 1992.

    Example:
        >>> before, after = np.zeros(6, dtype=bool), np.array([True, True, False, False, False, False])
        >>> low, high = clustered_score_interval(before, after, np.array([7, 7, 8, 8, 9, 9]))
        >>> round(low, 2), round(high, 2)
        (-0.87, 0.96)
    """
    check_confidence(confidence)
    delta = paired_delta(baseline, ensembled)
    cluster = cluster_positions(delta, clusters)
    quantile = student_quantile(check_some_clusters(cluster), confidence=confidence)
    effect = design_effect(delta, cluster)
    counts = [float(count) / effect for count in ((delta > 0).sum(), (delta < 0).sum(), len(delta))]
    return _score_bounds(counts[0], counts[1], counts[2], quantile)


@lru_cache(maxsize=4096)  # cells of a sweep often flip as many, and a report asks again
def _score_bounds(fixed: float, broken: float, num_queries: float, quantile: float) -> tuple[float, float]:
    """Differences at which the score statistic is ``quantile`` and its negative; counts may be effective ones."""
    low = _lower_bound(fixed, broken, num_queries, quantile)
    return low + 0.0, -_lower_bound(broken, fixed, num_queries, quantile) + 0.0  # + 0.0 turns -0.0 into 0.0


def _lower_bound(fixed: float, broken: float, num_queries: float, quantile: float) -> float:
    """The smallest difference that isn't rejected, to the last bit, between -1, which is, and the one observed."""
    rejected, accepted = -1.0, (fixed - broken) / num_queries
    while True:
        difference = (rejected + accepted) / 2
        if difference in (rejected, accepted):
            return accepted
        # Variance of ``fixed - broken`` under the difference, the share of broken queries being its most likely one.
        linear = (2 * num_queries - fixed + broken) * difference - fixed - broken
        constant = -broken * difference * (1 - difference)
        root = math.sqrt(max(linear**2 - 8 * num_queries * constant, 0.0))
        broken_share = (root - linear) / (4 * num_queries)
        variance = max(num_queries * (2 * broken_share + difference * (1 - difference)), 0.0)
        if fixed - broken - num_queries * difference > quantile * math.sqrt(variance):
            rejected = difference
        else:
            accepted = difference
