"""The middle rank."""

from typing import Any

import numpy as np
from jaxtyping import Integer

from misfire.core.errors import UsageError
from misfire.metrics.ranks import checked_ranks


def median_rank(ranks: Integer[Any, " query"]) -> float:
    """Median of the ranks, from 1, lower is better; of an even number, the mean of the two in the middle.

    Args:
        ranks: Ranks from 1 (a NumPy array or a torch tensor).

    Raises:
        UsageError: If there is no query, or the ranks aren't integers from 1.

    Example:
        >>> median_rank(np.array([1, 9, 2, 3]))
        2.5
    """
    checked = checked_ranks(ranks)
    if not checked.size:
        raise UsageError("median_rank must have at least one query, got 0; report the empty slice as undefined.")
    return float(np.median(checked))
