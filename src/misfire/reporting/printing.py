"""Numbers as a reader sees them; fractions become percent here and nowhere else."""

UNDEFINED = "\N{EN DASH}"


def plain_count(count: int) -> str:
    """A count with its thousands apart.

    Example:
        >>> plain_count(24990)
        '24,990'
    """
    return f"{count:,}"


def percent(count: int, total: int) -> str:
    """A share in percent with two decimals.

    Example:
        >>> percent(32, 87)
        '36.78'
    """
    return f"{100 * count / total:.2f}"


def percentage_points(delta: float) -> str:
    """A difference of two fractions in percentage points, always with its sign.

    Example:
        >>> percentage_points(3 / 87), percentage_points(-1 / 100_000)
        ('+3.45', '+0.00')
    """
    return f"{100 * delta:+z.2f}"


def interval_percent(low: float, high: float) -> str:
    """An interval of fractions in percent.

    Example:
        >>> interval_percent(0.0, 0.125)
        '[0.00, 12.50]'
    """
    return f"[{100 * low:z.2f}, {100 * high:z.2f}]"


def probability(value: float) -> str:
    """A probability with three decimals.

    Example:
        >>> probability(0.652)
        '0.652'
    """
    return f"{value:.3f}"


def signed_count(count: int) -> str:
    """A net count, always with its sign.

    Example:
        >>> signed_count(3), signed_count(0)
        ('+3', '0')
    """
    return f"{count:+,}" if count else "0"
