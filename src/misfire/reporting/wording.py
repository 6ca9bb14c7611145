"""Numbers as words that need no statistics."""

from misfire.reporting.printing import plain_count


def queries(count: int) -> str:
    """A number of queries: ``1 query``, ``2,000 queries``."""
    return "1 query" if count == 1 else f"{plain_count(count)} queries"


def points(share: float) -> str:
    """The size of a share in percentage points: ``20.8 points``."""
    number = _number(share)
    return f"{number} point" if number == "1" else f"{number} points"


def _number(share: float) -> str:
    text = f"{100 * abs(share):.1f}".removesuffix(".0")
    return "less than 0.1" if text == "0" and share else text


def signed(share: float) -> str:
    """A share in percentage points with its sign: ``+20.8``, ``0``."""
    text = f"{100 * share:+.1f}".removesuffix(".0")
    return "0" if text in ("+0", "-0") else text


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
