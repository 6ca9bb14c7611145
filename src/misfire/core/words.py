"""Numbers in words, for tables and for sentences: fractions become percent here and nowhere else."""

import math
from collections.abc import Sequence

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
        >>> interval_percent(0.0, 0.125), interval_percent(math.nan, math.nan) == UNDEFINED
        ('[0.00, 12.50]', True)
    """
    if math.isnan(low):
        return UNDEFINED
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


def p_value(value: float) -> str:
    """A p-value with three decimals; never 0, as none is.

    Example:
        >>> p_value(0.0625), p_value(0.0001)
        ('0.062', '< 0.001')
    """
    return "< 0.001" if value < 0.0005 else f"{value:.3f}"


def unsigned_points(share: float) -> str:
    """A fraction as percentage points with one decimal, without a sign: a size, not a change.

    Example:
        >>> unsigned_points(0.3094)
        '30.9'
    """
    return f"{100 * share:.1f}"


def odds(ratio: float, low: float, high: float) -> str:
    """An odds ratio with its interval; a dash where nothing flipped.

    Example:
        >>> odds(3.0, 0.536, 30.39), odds(math.inf, 0.91, math.inf)
        ('3.0 [0.5, 30.4]', '∞ [0.9, ∞]')
    """
    if math.isnan(ratio):
        return UNDEFINED
    printed = ["∞" if math.isinf(value) else f"{value:.1f}" for value in (ratio, low, high)]
    return f"{printed[0]} [{printed[1]}, {printed[2]}]"


def counted(count: int, one: str, many: str | None = None) -> str:
    """A number of things.

    Example:
        >>> counted(1, "cell"), counted(2000, "cell"), counted(2, "query", "queries")
        ('1 cell', '2,000 cells', '2 queries')
    """
    return f"{plain_count(count)} {one if count == 1 else many or one + 's'}"


def queries(count: int) -> str:
    """A number of queries: ``1 query``, ``2,000 queries``."""
    return counted(count, "query", "queries")


def listed(words: Sequence[str]) -> str:
    """At least one word, the last after an ``and``.

    Example:
        >>> listed(["a"]), listed(["a", "b", "c"])
        ('a', 'a, b and c')
    """
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def points(share: float) -> str:
    """The size of a share in percentage points: ``20.8 points``."""
    number = _number(share)
    return f"{number} point" if number == "1" else f"{number} points"


def _number(share: float) -> str:
    text = f"{100 * abs(share):.1f}".removesuffix(".0")
    return "less than 0.1" if text == "0" and share else text


def signed(share: float) -> str:
    """A share in percentage points with its sign and one digit: ``+20.8``, ``-24.0``, ``0``."""
    text = f"{100 * share:+.1f}"
    return "0" if text in ("+0.0", "-0.0") else text


def change(gain: float) -> str:
    """A change of a share: ``a gain of 20.8 points``."""
    if gain == 0:
        return "no change"
    return f"a {'gain' if gain > 0 else 'loss'} of {points(gain)}"


def how_often(probability: float) -> str:
    """A probability as a frequency: ``in about 31 of 100 such trials``."""
    times = round(100 * probability)
    if probability < 0.01:
        return "in fewer than 1 of 100 such trials"
    return "nearly always" if times >= 99 else f"in about {times} of 100 such trials"
