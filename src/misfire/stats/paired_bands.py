"""Bootstrap intervals of many systems against a baseline, all on the same resamples."""

import numpy as np
from jaxtyping import Bool, Float

from misfire.core.errors import UsageError
from misfire.stats.resampling import index_draws
from misfire.stats.settings import check_confidence, check_num_replicates


def paired_bands(
    baseline: Bool[np.ndarray, " baseline_query"] | Bool[np.ndarray, "baseline_system baseline_query"],
    ensembled: Bool[np.ndarray, "system query"],
    *,
    num_replicates: int = 2000,
    confidence: float = 0.95,
    rng: np.random.Generator,
) -> Float[np.ndarray, "system 2"]:
    """Percentile interval of each system's gain in hit rate, as :func:`paired_bootstrap` gives it, in fractions.

    The queries are drawn once for all systems. A resample is a row of counts, so that all systems' sums are one matrix
    product; sums of hits are whole numbers, so that the intervals are those of one system at a time to the last digit.

    Args:
        baseline: Whether each query is a hit before: one row for all systems, or a row a system.
        ensembled: Whether it is a hit after, a row a system.
        num_replicates: How many resamples are drawn.
        confidence: Coverage of the percentile intervals, in (0, 1).
        rng: Source of the resamples.

    Returns:
        Lower and upper end, a row a system.

    Raises:
        UsageError: If there is no query, the shapes don't fit together, or a setting is out of range.

    Example:
        >>> hits = np.array([False, False, True, True])
        >>> paired_bands(hits, np.stack([~hits, hits]), rng=np.random.default_rng(42)).tolist()
        [[-1.0, 1.0], [0.0, 0.0]]
    """
    check_num_replicates(num_replicates)
    check_confidence(confidence)
    if not ensembled.shape[1] or baseline.shape not in (ensembled.shape, ensembled.shape[1:]):
        raise UsageError(
            "ensembled must hold a row a system and a column a query, at least one, and baseline one row of them or as "
            f"many, got {ensembled.shape} and {baseline.shape}; join them by query id first."
        )
    num_queries = ensembled.shape[1]
    delta = ensembled.astype(np.float32) - baseline.astype(np.float32)
    blocks = index_draws(num_queries, num_replicates=num_replicates, rng=rng)
    sums = np.concatenate([_counts(draws, num_queries) @ delta.T for draws in blocks])
    levels = [50 - 50 * confidence, 50 + 50 * confidence]
    bounds: Float[np.ndarray, "system 2"] = np.percentile(sums.astype(np.float64) / num_queries, levels, axis=0).T
    return bounds + 0.0  # turns -0.0 into 0.0


def _counts(draws: np.ndarray, num_queries: int) -> Float[np.ndarray, "block query"]:
    """How often each query was drawn, a row a replicate; whole numbers below 2**24 add up exactly in float32."""
    offset = num_queries * np.arange(len(draws))[:, None]
    counts = np.bincount((draws + offset).ravel(), minlength=len(draws) * num_queries)
    return counts.reshape(len(draws), num_queries).astype(np.float32)
