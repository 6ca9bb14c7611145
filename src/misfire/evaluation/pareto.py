"""Which of several trials no other one beats, and which of them is taken."""

from collections.abc import Sequence

from misfire.core.errors import UsageError


def pareto_front(values: Sequence[Sequence[float | int]], *, is_maximised: Sequence[bool]) -> list[int]:
    """Places of the trials that no other trial beats: at least as good in all objectives and better in one.

    Trials with equal values stand on the front together.

    Args:
        values: One row a trial, one number an objective.
        is_maximised: For each objective, whether more is better.

    Example:
        >>> pareto_front([(5, 2), (4, 1), (4, 3)], is_maximised=[True, False])
        [0, 1]
    """
    oriented = [_oriented(row, is_maximised) for row in values]
    return [
        place
        for place, row in enumerate(oriented)
        if not any(
            all(theirs >= ours for theirs, ours in zip(other, row, strict=True)) and other != row for other in oriented
        )
    ]


def winner(values: Sequence[Sequence[float | int]], *, is_maximised: Sequence[bool]) -> int:
    """Place of the trial that is taken: the best by the first objective, then by the next; the earliest of equal ones.

    Raises:
        UsageError: If there is no trial.

    Example:
        >>> winner([(5, 2), (5, 1), (4, 0), (5, 1)], is_maximised=[True, False])
        1
    """
    if not values:
        raise UsageError("a winner needs finished trials, got none; run the search first.")
    oriented = [_oriented(row, is_maximised) for row in values]
    return oriented.index(max(oriented))


def _oriented(row: Sequence[float | int], is_maximised: Sequence[bool]) -> tuple[float | int, ...]:
    return tuple(value if more else -value for value, more in zip(row, is_maximised, strict=True))
