"""Whether the target is among the first k."""

from typing import Any

import numpy as np
from jaxtyping import Bool, Integer

from misfire.core.errors import UsageError
from misfire.metrics.ranks import checked_ranks


def hit_at_k(ranks: Integer[Any, " query"], *, k: int) -> Bool[np.ndarray, " query"]:
    """Whether the rank of each query's target is at most ``k``; higher is better.

    CLIP papers print its mean as R@K; TREC calls it Success@k.

    Args:
        ranks: Ranks from 1 (a NumPy array or a torch tensor); their rule for ties is this metric's.
        k: Cut-off, >= 1.

    Raises:
        UsageError: If k < 1 or the ranks aren't integers from 1.

    Example:
        >>> hit_at_k(np.array([1, 5, 6]), k=5)
        array([ True,  True, False])
    """
    if k < 1:
        raise UsageError(f"k must be >= 1, got {k}; use 1 for the top item.")
    return checked_ranks(ranks) <= k
