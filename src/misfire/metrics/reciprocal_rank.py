"""One over the rank of the target."""

from typing import Any

import numpy as np
from jaxtyping import Float, Integer

from misfire.metrics.ranks import checked_ranks


def reciprocal_rank(ranks: Integer[Any, " query"]) -> Float[np.ndarray, " query"]:
    """Reciprocal of the rank of each query's target, in (0, 1], higher is better; its mean is the MRR.

    Args:
        ranks: Ranks from 1 (a NumPy array or a torch tensor); their rule for ties is this metric's.

    Raises:
        UsageError: If the ranks aren't integers from 1.

    Example:
        >>> reciprocal_rank(np.array([1, 2, 4]))
        array([1.  , 0.5 , 0.25])
    """
    return 1.0 / checked_ranks(ranks)
