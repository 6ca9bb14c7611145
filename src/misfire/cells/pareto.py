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
    return [
        place
        for place, row in enumerate(values)
        if not any(beats(other, row, is_maximised=is_maximised) for other in values)
    ]


def beats(rival: Sequence[float | int], row: Sequence[float | int], *, is_maximised: Sequence[bool]) -> bool:
    """Whether one trial is at least as good as another in all objectives and better in one.

    Args:
        rival: The one's values, one number an objective.
        row: The other's.
        is_maximised: For each objective, whether more is better.

    Example:
        >>> beats((5, 2), (5, 3), is_maximised=[True, False]), beats((5, 2), (5, 2), is_maximised=[True, False])
        (True, False)
    """
    theirs, ours = _oriented(rival, is_maximised), _oriented(row, is_maximised)
    return theirs != ours and all(one >= other for one, other in zip(theirs, ours, strict=True))


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
