"""Intervals of a single share, such as a hit rate."""

import math
from statistics import NormalDist

import numpy as np
from jaxtyping import Bool, Shaped

from misfire.core.errors import UsageError
from misfire.stats.design_effect import check_some_clusters, design_effect, student_quantile
from misfire.stats.resampling import cluster_positions
from misfire.stats.settings import check_confidence


def wilson_interval(count: int, total: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a proportion, as fractions in [0, 1].

    Args:
        count: How many have the property.
        total: Out of how many.
        confidence: Coverage that the interval aims at, in (0, 1).

    Raises:
        UsageError: If ``total`` is 0, ``count`` isn't between 0 and ``total`` or ``confidence`` is out of range.

    Reference:
        Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927.

    Example:
        >>> [round(bound, 4) for bound in wilson_interval(0, 10)]
        [0.0, 0.2775]
    """
    check_confidence(confidence)
    if total < 1 or not 0 <= count <= total:
        raise UsageError(
            f"count must be between 0 and a total >= 1, got {count} of {total}; the share of nothing is undefined."
        )
    return _wilson_bounds(float(count), float(total), NormalDist().inv_cdf((1 + confidence) / 2))


def clustered_wilson_interval(
    hits: Bool[np.ndarray, " query"], clusters: Shaped[np.ndarray, " query"], *, confidence: float = 0.95
) -> tuple[float, float]:
    """Wilson's score interval of a hit rate whose queries come in clusters, as fractions in [0, 1].

    For as many queries as these are worth: their number is divided by the design effect, and Student's quantile for the
    number of clusters stands in for the normal one. Where all queries are hit, or none, a cluster counts as one query.

    Args:
        hits: Whether each query is hit.
        clusters: Which cluster each query belongs to, for example its image id.
        confidence: Coverage that the interval aims at, in (0, 1).

    Raises:
        UsageError: If there are fewer than two clusters, the arrays differ in length or ``confidence`` is out of range.

    Reference:
        Rao and Scott, "A simple method for the analysis of clustered binary data", Biometrics 48, 1992; Korn and
        Graubard, "Confidence intervals for proportions with small expected number of positive counts estimated from
        survey data", Survey Methodology 24, 1998.

    Example:
        >>> hits, images = np.array([True, True, False, False, True, False]), np.array([7, 7, 8, 8, 9, 9])
        >>> [round(bound, 2) for bound in clustered_wilson_interval(hits, images)]
        [0.04, 0.96]
    """
    check_confidence(confidence)
    cluster = cluster_positions(hits, clusters)
    quantile = student_quantile(check_some_clusters(cluster), confidence=confidence)
    effect = design_effect(hits.astype(np.float64), cluster)
    return _wilson_bounds(float(hits.sum()) / effect, len(hits) / effect, quantile)


def _wilson_bounds(count: float, total: float, z: float) -> tuple[float, float]:
    share = count / total
    centre = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z / (1 + z**2 / total) * math.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    low = 0.0 if count == 0 else centre - half
    high = 1.0 if count == total else centre + half
    return low, high
