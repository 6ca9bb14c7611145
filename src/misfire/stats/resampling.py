"""Resamples with replacement, in blocks under a memory bound."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int, Int32, Shaped

from misfire.core.errors import UsageError

_DRAWS_IN_A_BLOCK = 2**20


def check_finite(values: Shaped[np.ndarray, " query"]) -> None:
    """Reject per-query values of which one is undefined."""
    if not np.isfinite(values).all():
        raise UsageError(
            f"per-query values must be finite, got {int((~np.isfinite(values)).sum())} of {len(values)} that are not; "
            "leave out queries whose value is undefined and say how many."
        )


def index_draws(
    num_items: int, *, num_replicates: int, rng: np.random.Generator
) -> Iterator[Int32[np.ndarray, "block item"]]:
    """Yield item indices drawn with replacement, a row a replicate, until there are ``num_replicates`` rows.

    The rows equal ``rng.integers(0, num_items, size=num_items)`` drawn replicate by replicate; 32-bit indices take the
    same numbers from the generator in half the time.
    """
    rows_in_a_block = max(1, _DRAWS_IN_A_BLOCK // num_items)
    for start in range(0, num_replicates, rows_in_a_block):
        rows = min(rows_in_a_block, num_replicates - start)
        yield rng.integers(0, num_items, size=(rows, num_items), dtype=np.int32)


def percentile_bounds(replicates: Float[np.ndarray, " replicate"], *, confidence: float) -> tuple[float, float]:
    """NumPy's linear percentiles that leave ``(1 - confidence) / 2`` of the replicates on either side.

    Example:
        >>> percentile_bounds(np.arange(101.0), confidence=0.9)
        (5.0, 95.0)
    """
    low, high = np.percentile(replicates, [50 - 50 * confidence, 50 + 50 * confidence])
    return float(low) + 0.0, float(high) + 0.0  # + 0.0 turns -0.0 into 0.0


def paired_delta(
    baseline: Shaped[np.ndarray, " baseline_query"], ensembled: Shaped[np.ndarray, " ensembled_query"]
) -> Float[np.ndarray, " query"]:
    """Ensembled minus baseline of each query."""
    if len(baseline) != len(ensembled) or len(baseline) == 0:
        raise UsageError(
            "baseline and ensembled must hold one value for each of the same queries, at least one, got "
            f"{len(baseline)} and {len(ensembled)}; join them by query id first."
        )
    delta = ensembled.astype(np.float64) - baseline.astype(np.float64)
    check_finite(delta)
    return delta


def without_rounding(
    sums: Float[np.ndarray, " replicate"], delta: Float[np.ndarray, " query"]
) -> Float[np.ndarray, " replicate"]:
    """Sums of resampled differences, of which those that are zero but for rounding are zero."""
    rounding = len(delta) * np.finfo(np.float64).eps * np.abs(delta).max()
    return np.where(np.abs(sums) <= rounding, 0.0, sums)


def cluster_positions(
    values: Shaped[np.ndarray, " value_query"], clusters: Shaped[np.ndarray, " cluster_query"]
) -> Int[np.ndarray, " query"]:
    """Number of each query's cluster, counted from 0 in the order of the clusters' names."""
    if len(values) != len(clusters) or len(values) == 0:
        raise UsageError(
            "values and clusters must hold one entry for each query, at least one, got "
            f"{len(values)} and {len(clusters)}; give every query its image id."
        )
    return np.unique(clusters, return_inverse=True)[1]
