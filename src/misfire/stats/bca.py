"""Bias-corrected and accelerated bootstrap intervals, and what stands in for them where they are undefined."""

from dataclasses import dataclass
from statistics import NormalDist
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from misfire.stats.counted import counted_bootstrap
from misfire.stats.resampling import cluster_positions, paired_delta, percentile_bounds
from misfire.stats.settings import check_confidence

BCA = "BCa"
PERCENTILE = "percentile"


@final
@dataclass(frozen=True)
class BcaInterval:
    """Interval of a statistic by its bootstrap replicates, in the statistic's own unit.

    Args:
        low: Lower end.
        high: Upper end.
        confidence: Coverage that the interval aims at.
        method: Which method the ends come from: ``BCA`` or its fallback ``PERCENTILE``.
        reason: Why BCa is undefined; empty where it isn't.
    """

    low: float
    high: float
    confidence: float
    method: str
    reason: str


def bca_interval(
    estimate: float,
    replicates: Float[np.ndarray, " replicate"],
    left_out: Float[np.ndarray, " unit"],
    *,
    confidence: float = 0.95,
) -> BcaInterval:
    """Percentile interval of bootstrap replicates, corrected for their bias and for the statistic's skewness.

    A replicate that equals the estimate counts half as below it. BCa is undefined where all replicates are equal, where
    none lies on one side of the estimate, or where leaving out a unit changes nothing; there the percentile interval is
    returned and ``reason`` says why. If all replicates are equal that interval is a point, which tells nothing of how
    uncertain the statistic is; for hits, :func:`paired_score_interval` does.

    Args:
        estimate: The statistic of the sample itself.
        replicates: The statistic in every resample.
        left_out: The statistic without each unit (query or cluster) in turn.
        confidence: Coverage that the interval aims at, in (0, 1).

    Raises:
        UsageError: If ``confidence`` is out of range.

    Reference:
        Efron, "Better bootstrap confidence intervals", Journal of the American Statistical Association 82, 1987; Efron
        and Tibshirani, "An Introduction to the Bootstrap", 1994, section 14.3.

    Example:
        >>> constant = np.zeros(9)
        >>> bca_interval(0.0, constant, constant).reason
        'all replicates are equal.'
    """
    check_confidence(confidence)
    reason, levels = _corrected_levels(estimate, replicates, left_out, confidence)
    if levels is None:
        low, high = percentile_bounds(replicates, confidence=confidence)
        return BcaInterval(low, high, confidence, PERCENTILE, reason)
    low, high = (float(bound) + 0.0 for bound in np.quantile(replicates, levels))
    return BcaInterval(low, high, confidence, BCA, "")


def bca_bootstrap(
    baseline: Bool[np.ndarray, " query"] | Int[np.ndarray, " query"] | Float[np.ndarray, " query"],
    ensembled: Bool[np.ndarray, " query"] | Int[np.ndarray, " query"] | Float[np.ndarray, " query"],
    *,
    clusters: Shaped[np.ndarray, " query"] | None = None,
    num_replicates: int = 2000,
    confidence: float = 0.95,
    rng: np.random.Generator,
) -> BcaInterval:
    """BCa interval of the mean of ``ensembled - baseline`` over queries, or its declared fallback.

    Arguments and errors are those of :func:`counted_bootstrap`; with ``clusters``, whole clusters are resampled, and
    left out.

    Example:
        >>> before = np.zeros(24, dtype=bool)
        >>> interval = bca_bootstrap(before, np.arange(24) < 5, rng=np.random.default_rng(0))
        >>> interval.method, round(interval.low, 3), round(interval.high, 3)
        ('BCa', 0.083, 0.417)
    """
    delta = paired_delta(baseline, ensembled)
    bootstrap = counted_bootstrap(
        baseline, ensembled, clusters=clusters, num_replicates=num_replicates, confidence=confidence, rng=rng
    )
    positions = np.arange(len(delta)) if clusters is None else cluster_positions(delta, clusters)
    sums, sizes = np.bincount(positions, weights=delta), np.bincount(positions)
    if len(sizes) < 2:
        return BcaInterval(bootstrap.low, bootstrap.high, confidence, PERCENTILE, "all replicates are equal.")
    left_out = (sums.sum() - sums) / (sizes.sum() - sizes)
    return bca_interval(float(delta.mean()), bootstrap.replicates, left_out, confidence=confidence)


def _corrected_levels(
    estimate: float,
    replicates: Float[np.ndarray, " replicate"],
    left_out: Float[np.ndarray, " unit"],
    confidence: float,
) -> tuple[str, Float[np.ndarray, " bound"] | None]:
    """Which quantiles of the replicates bound the interval, or why there are none."""
    rounding = 1e-12 * max(1.0, abs(estimate))
    below = float(((replicates < estimate - rounding).mean() + (replicates <= estimate + rounding).mean()) / 2)
    influence = left_out.mean() - left_out
    if np.ptp(replicates) <= rounding:
        return "all replicates are equal.", None
    if not 0 < below < 1:
        return "no replicate lies on one side of the estimate.", None
    if np.abs(influence).max() <= rounding * 1e-3:
        return "leaving out any one unit changes nothing.", None
    scaled = influence / np.abs(influence).max()
    acceleration = float((scaled**3).sum() / (6 * (scaled**2).sum() ** 1.5))
    normal = NormalDist()
    bias, quantile = normal.inv_cdf(below), normal.inv_cdf((1 + confidence) / 2)
    shrinkage = [1 - acceleration * (bias + side) for side in (-quantile, quantile)]
    if min(shrinkage) <= 0:
        return "the correction for skewness has no finite level.", None
    levels = [bias + (bias + side) / by for side, by in zip((-quantile, quantile), shrinkage, strict=True)]
    return "", np.array([normal.cdf(level) for level in levels])
