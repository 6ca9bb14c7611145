"""Paired bootstrap of a difference of means."""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int

from misfire.stats.resampling import index_draws, paired_delta, percentile_bounds, without_rounding
from misfire.stats.settings import check_confidence, check_num_replicates


@final
@dataclass(frozen=True, eq=False)
class PairedBootstrap:
    """Percentile bootstrap of ensembled minus baseline, in fractions; positive is an improvement of a hit rate.

    Args:
        mean: Mean of the replicates, as the published table prints it.
        low: Lower end of the percentile interval.
        high: Upper end of the percentile interval.
        p_positive: Share of the replicates above zero.
        confidence: Coverage that the interval aims at.
        replicates: The difference of means in every resample.
    """

    mean: float
    low: float
    high: float
    p_positive: float
    confidence: float
    replicates: Float[np.ndarray, " replicate"]


def paired_bootstrap(
    baseline: Bool[np.ndarray, " query"] | Int[np.ndarray, " query"] | Float[np.ndarray, " query"],
    ensembled: Bool[np.ndarray, " query"] | Int[np.ndarray, " query"] | Float[np.ndarray, " query"],
    *,
    num_replicates: int = 2000,
    confidence: float = 0.95,
    rng: np.random.Generator,
) -> PairedBootstrap:
    """Bootstrap of the mean of ``ensembled - baseline`` over queries.

    Queries are resampled with replacement, both systems together. A resample's sum that is zero but for rounding counts
    as zero, so that ``p_positive`` is exact; sums of hits are whole numbers and carry no rounding.

    Args:
        baseline: Value of each query under the baseline, for example its hit at k.
        ensembled: Value of the same queries under the other system.
        num_replicates: How many resamples are drawn.
        confidence: Coverage of the percentile interval, in (0, 1).
        rng: Source of the resamples; ``np.random.default_rng(42)``, fresh for each metric, in the published protocol.

    Raises:
        UsageError: If there is no query, the two differ in length, a value isn't finite, or a setting is out of range.

    Reference:
        Efron and Tibshirani, "An Introduction to the Bootstrap", 1994, chapter 13.

    Example:
        >>> hits = np.array([False, False, True, True])
        >>> result = paired_bootstrap(hits, ~hits, rng=np.random.default_rng(42))
        >>> result.low, result.high
        (-1.0, 1.0)
    """
    check_num_replicates(num_replicates)
    check_confidence(confidence)
    delta = paired_delta(baseline, ensembled)
    sums = np.concatenate(
        [delta[draws].sum(axis=1) for draws in index_draws(len(delta), num_replicates=num_replicates, rng=rng)]
    )
    return summarise(without_rounding(sums, delta) / len(delta), confidence=confidence)


def summarise(replicates: Float[np.ndarray, " replicate"], *, confidence: float) -> PairedBootstrap:
    """Mean, percentile interval and share above zero of replicates whose rounding was removed."""
    low, high = percentile_bounds(replicates, confidence=confidence)
    return PairedBootstrap(
        mean=float(replicates.mean()),
        low=low,
        high=high,
        p_positive=float((replicates > 0).mean()),
        confidence=confidence,
        replicates=replicates,
    )
