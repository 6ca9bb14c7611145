"""The flip ledger: which queries a mend fixed, and which it broke."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from misfire.core.errors import UsageError
from misfire.metrics import hit_at_k


@dataclass(frozen=True)
class Flips:
    """Counts of queries by their outcome before and after; ``fixed - broken`` is the gain in queries, exactly."""

    fixed: int
    broken: int
    still_right: int
    still_wrong: int

    @property
    def num_queries(self) -> int:
        """All queries of the ledger."""
        return self.fixed + self.broken + self.still_right + self.still_wrong

    @property
    def net(self) -> int:
        """Queries won less queries lost."""
        return self.fixed - self.broken

    @property
    def net_fraction(self) -> float:
        """Net gain as a fraction of the queries; NaN where there are none."""
        return self.net / self.num_queries if self.num_queries else float("nan")


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
    before, after = hit_at_k(baseline_ranks, k=k), hit_at_k(ensembled_ranks, k=k)
    return Flips(
        fixed=int((~before & after).sum()),
        broken=int((before & ~after).sum()),
        still_right=int((before & after).sum()),
        still_wrong=int((~before & ~after).sum()),
    )
