"""Numbers that settings ask for: what never ends, or doesn't fit, is a slip of the pen and is refused at once."""

from misfire.core.errors import UsageError


def check_most(most: int, **values: int) -> None:
    """Refuse more of something than could be worked off.

    Args:
        most: The largest number that is allowed.
        **values: What was asked for, by the setting's name.

    Raises:
        UsageError: If one is larger.

    Example:
        >>> check_most(1000, num_rounds=10**12)
        Traceback (most recent call last):
        misfire.core.errors.UsageError: num_rounds must be at most 1,000, got 1,000,000,000,000; ask for fewer.
    """
    for name, value in values.items():
        if value > most:
            raise UsageError(f"{name} must be at most {most:,}, got {value:,}; ask for fewer.")


def check_seed(**seeds: int) -> None:
    """Refuse a seed that generators don't take.

    Args:
        **seeds: Seeds, by the setting's name.

    Raises:
        UsageError: If one is below 0.
    """
    for name, seed in seeds.items():
        if seed < 0:
            raise UsageError(f"{name} must be a whole number from 0, got {seed}; 42 is as good as any.")
