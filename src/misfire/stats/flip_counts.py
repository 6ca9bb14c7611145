"""Counts of queries that changed sides: fixed (only the new system hits) and broken (only the baseline hits)."""

from misfire.core.errors import UsageError


def check_flips(fixed: int, broken: int, num_queries: int) -> None:
    """Reject counts that can't be those of different queries among ``num_queries``."""
    if min(fixed, broken) < 0 or fixed + broken > num_queries:
        raise UsageError(
            "fixed and broken must be counts of different queries among num_queries, got "
            f"fixed={fixed}, broken={broken}, num_queries={num_queries}; count each query once."
        )


def check_some_query(num_queries: int) -> None:
    """Reject a rate over no query."""
    if num_queries < 1:
        raise UsageError(f"num_queries must be >= 1, got {num_queries}; a rate over no query is undefined.")
