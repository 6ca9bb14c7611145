"""The flip ledger: which queries a mend fixed, and which it broke."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from misfire.core.errors import UsageError


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


def flip_ledger(baseline: Bool[np.ndarray, " query"], ensembled: Bool[np.ndarray, " query"]) -> Flips:
    """Count fixed, broken, still right and still wrong queries.

    Args:
        baseline: Whether each query was a hit before.
        ensembled: Whether the same query is a hit after.

    Raises:
        UsageError: If the two don't have the same length.

    Example:
        >>> flip_ledger(np.array([True, False, False]), np.array([False, True, False]))
        Flips(fixed=1, broken=1, still_right=0, still_wrong=1)
    """
    if len(baseline) != len(ensembled):
        raise UsageError(
            f"a flip ledger must pair the same queries, got {len(baseline)} and {len(ensembled)}; "
            "pass the outcomes of the same queries in the same order."
        )
    return Flips(
        fixed=int((~baseline & ensembled).sum()),
        broken=int((baseline & ~ensembled).sum()),
        still_right=int((baseline & ensembled).sum()),
        still_wrong=int((~baseline & ~ensembled).sum()),
    )
