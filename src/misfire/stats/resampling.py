"""Resamples with replacement, in blocks under a memory bound."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int32, Shaped

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
