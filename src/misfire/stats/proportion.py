"""Interval of a single share."""

import math
from statistics import NormalDist

from misfire.core.errors import UsageError
from misfire.stats.settings import check_confidence


def wilson_interval(count: int, total: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a proportion, as fractions in [0, 1].

    Args:
        count: How many have the property.
        total: Out of how many.
        confidence: Coverage that the interval aims at, in (0, 1).

    Raises:
        UsageError: If ``total`` is 0, ``count`` isn't between 0 and ``total`` or ``confidence`` is out of range.

    Reference:
        Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927.

    Example:
        >>> [round(bound, 4) for bound in wilson_interval(0, 10)]
        [0.0, 0.2775]
    """
    check_confidence(confidence)
    if total < 1 or not 0 <= count <= total:
        raise UsageError(
            f"count must be between 0 and a total >= 1, got {count} of {total}; the share of nothing is undefined."
        )
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = count / total
    centre = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z / (1 + z**2 / total) * math.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    low = 0.0 if count == 0 else centre - half
    high = 1.0 if count == total else centre + half
    return low, high
