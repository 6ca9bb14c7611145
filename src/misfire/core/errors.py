"""The errors a user meets: each is one sentence that says what, the rule, the value and the remedy."""

from collections.abc import Iterable


class MisfireError(Exception):
    """Something a user can mend; ``exit_code`` is what the command line ends with."""

    exit_code = 1


class UsageError(MisfireError, ValueError):
    """A wrong command, configuration or input, refused before anything was written."""

    exit_code = 2


class IntegrityError(MisfireError):
    """Stored data that fails its own check; nothing was lost or overwritten."""

    exit_code = 3


def name_some(offenders: Iterable[object], *, most: int = 5) -> str:
    """Count the offenders and name the first few.

    Example:
        >>> name_some(["a", "b", "c"], most=2)
        '3 (a, b, ...)'
    """
    listed = [str(offender) for offender in offenders]
    shown = ", ".join(listed[:most]) + (", ..." if len(listed) > most else "")
    return f"{len(listed)} ({shown})"
