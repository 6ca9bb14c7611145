"""Student's interval of a mean difference, by queries or by clusters of them."""

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from misfire.stats.design_effect import check_some_clusters, cluster_square, student_quantile
from misfire.stats.resampling import cluster_positions, paired_delta
from misfire.stats.settings import check_confidence


def paired_t_interval(
    baseline: Bool[np.ndarray, " query"] | Int[np.ndarray, " query"] | Float[np.ndarray, " query"],
    ensembled: Bool[np.ndarray, " query"] | Int[np.ndarray, " query"] | Float[np.ndarray, " query"],
    *,
    clusters: Shaped[np.ndarray, " query"] | None = None,
    confidence: float = 0.95,
) -> tuple[float, float]:
    """Student's interval of the mean of ``ensembled - baseline`` over queries, in the values' own unit.

    For values with many levels, such as reciprocal ranks; of few queries it covers the truth as often as it says where
    percentiles of the bootstrap are too short. For hits use :func:`paired_score_interval`. With ``clusters`` the
    variance is estimated between clusters and has a degree of freedom less than there are clusters.

    Args:
        baseline: Value of each query under the baseline, for example its reciprocal rank.
        ensembled: Value of the same queries under the other system.
        clusters: Which cluster each query belongs to, for example its image id; each by itself where it isn't given.
        confidence: Coverage that the interval aims at, in (0, 1).

    Raises:
        UsageError: If there are fewer than two queries or clusters, the arrays differ in length, a value isn't finite
            or ``confidence`` is out of range.

    Reference:
        Student, "The probable error of a mean", Biometrika 6, 1908; Cameron and Miller, "A practitioner's guide to
        cluster-robust inference", Journal of Human Resources 50, 2015.

    Example:
        >>> low, high = paired_t_interval(np.array([0.5, 0.2, 1.0]), np.array([1.0, 0.5, 1.0]))
        >>> round(low, 3), round(high, 3)
        (-0.358, 0.892)
    """
    check_confidence(confidence)
    delta = paired_delta(baseline, ensembled)
    cluster = np.arange(len(delta)) if clusters is None else cluster_positions(delta, clusters)
    quantile = student_quantile(check_some_clusters(cluster), confidence=confidence)
    half = quantile * float(np.sqrt(cluster_square(delta, cluster))) / len(delta)
    return float(delta.mean()) - half, float(delta.mean()) + half
