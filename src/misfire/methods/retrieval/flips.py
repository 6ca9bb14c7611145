"""The flip ledger: which queries a mend fixed, and which it broke."""

import numpy as np
from jaxtyping import Int

from misfire.cells import Flips
from misfire.core.errors import UsageError
from misfire.metrics import hit_at_k


def net_of_all(subset: Flips, others: Flips, num_others: int) -> float:
    """Estimated net change over all queries, as a fraction: the subset's flips and the others', scaled up.

    Args:
        subset: Flips on the queries in question.
        others: Flips on a sample of all other queries; NaN comes of an empty one.
        num_others: How many queries it was sampled from.

    Example:
        >>> net_of_all(Flips(2, 1, 0, 7), Flips(0, 1, 9, 0), 90)  # one query won of 10, and nine lost of 90
        -0.08
    """
    net = others.net_fraction * num_others if num_others else 0.0
    return (subset.net + net) / (subset.num_units + num_others)


def flip_ledger(
    baseline_ranks: Int[np.ndarray, " baseline_query"], ensembled_ranks: Int[np.ndarray, " ensembled_query"], *, k: int
) -> Flips:
    """Count the queries that are fixed, broken, still right and still wrong at one cut-off.

    A query is a hit where its rank is at most ``k``; ties are as the ranks have them.

    Args:
        baseline_ranks: Rank of each query's target before, from 1.
        ensembled_ranks: Rank of the same query's target after.
        k: Cut-off, >= 1.

    Raises:
        UsageError: If the two don't have the same length, k < 1, or a rank isn't one.

    Example:
        >>> flip_ledger(np.array([1, 7, 9]), np.array([6, 2, 8]), k=5)
        Flips(fixed=1, broken=1, still_right=0, still_wrong=1)
    """
    if len(baseline_ranks) != len(ensembled_ranks):
        raise UsageError(
            f"a flip ledger must pair the same queries, got {len(baseline_ranks)} and {len(ensembled_ranks)}; "
            "pass the ranks of the same queries in the same order."
        )
    return Flips.of(hit_at_k(baseline_ranks, k=k), hit_at_k(ensembled_ranks, k=k))
