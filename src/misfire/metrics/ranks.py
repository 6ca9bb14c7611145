"""What a rank must be."""

from typing import Any

import numpy as np
from jaxtyping import Int

from misfire.core.errors import UsageError


def checked_ranks(ranks: Any) -> Int[np.ndarray, " query"]:
    """Ranks as an integer array, from whatever array they came in.

    Raises:
        UsageError: If they aren't a vector of integers from 1.
    """
    array = np.asarray(ranks.cpu() if hasattr(ranks, "cpu") else ranks)
    if array.ndim != 1 or (array.size and not np.issubdtype(array.dtype, np.integer)):
        raise UsageError(
            f"ranks must be a vector of integers, got {array.dtype} of shape {array.shape}; pass Ranks.rank."
        )
    if array.size and array.min() < 1:
        raise UsageError(f"ranks must be counted from 1, got {array.min()}; add 1 to positions.")
    return array.astype(np.int64)
