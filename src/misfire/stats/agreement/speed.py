"""Items labelled too fast to have been looked at."""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int

from misfire.core.errors import UsageError

# A normal distribution's standard deviation in units of its median absolute deviation.
_DEVIATIONS_IN_A_MAD = 1.4826


@final
@dataclass(frozen=True, eq=False)
class FastItems:
    """Which items an annotator labelled suspiciously fast.

    Args:
        is_fast: Whether each item took less than the threshold; never where it wasn't timed.
        threshold_s: Seconds below which an item is fast; NaN where none was timed.
        median_s: Median seconds an item; NaN where none was timed.
        share: Fast items over timed items; NaN where none was timed.
        num_timed: Items whose time is known.
    """

    is_fast: Bool[np.ndarray, " item"]
    threshold_s: float
    median_s: float
    share: float
    num_timed: int


def fast_items(
    seconds: Float[np.ndarray, " item"] | Int[np.ndarray, " item"],
    *,
    floor_s: float = 1.0,
    num_deviations: float = 3.0,
) -> FastItems:
    """Items that took less than an absolute floor, or far less than the annotator's usual time.

    The usual time is the median, the spread 1.4826 median absolute deviations of the logarithm of the seconds, so that
    a lunch break moves neither. The threshold is the larger of the floor and the time ``num_deviations`` spreads below
    the median; the floor alone where the times don't spread.

    Args:
        seconds: Time an item; NaN where it wasn't taken. A time of 0 is fast and has no logarithm: it stays out of
            median and spread.
        floor_s: Nobody sees two images and reads a caption in less.
        num_deviations: How many spreads below the median are suspicious.

    Raises:
        UsageError: If a time is negative or infinite, or a setting isn't positive.

    Example:
        >>> times = np.array([8.0, 10.0, 9.0, 0.4, 11.0, 600.0, np.nan])
        >>> result = fast_items(times)
        >>> np.flatnonzero(result.is_fast).tolist(), round(result.share, 3), result.num_timed
        ([3], 0.167, 6)
    """
    times = seconds.astype(np.float64)
    wrong = int(((times < 0) | np.isinf(times)).sum())
    if wrong:
        raise UsageError(f"seconds must be finite and >= 0, got {wrong} of {len(times)} that aren't; use NaN.")
    if floor_s <= 0 or num_deviations <= 0:
        raise UsageError(
            f"floor_s and num_deviations must be > 0, got {floor_s} and {num_deviations}; use 1.0 and 3.0."
        )
    timed = times[~np.isnan(times)]
    if len(timed) == 0:
        return FastItems(np.zeros(len(times), dtype=bool), np.nan, np.nan, np.nan, 0)
    threshold = max(floor_s, _robust_threshold(timed[timed > 0], num_deviations))
    is_fast = times < threshold
    return FastItems(is_fast, threshold, float(np.median(timed)), float(is_fast.sum() / len(timed)), len(timed))


def _robust_threshold(times: Float[np.ndarray, " timed"], num_deviations: float) -> float:
    """0 where the times don't spread."""
    if len(times) == 0:
        return 0.0
    logarithms = np.log(times)
    median = float(np.median(logarithms))
    spread = _DEVIATIONS_IN_A_MAD * float(np.median(np.abs(logarithms - median)))
    return float(np.exp(median - num_deviations * spread)) if spread > 0 else 0.0
