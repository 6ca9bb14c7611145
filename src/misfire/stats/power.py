"""What a number of queries can show: McNemar's power, the smallest detectable gain, the queries that a gain needs."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import final

import numpy as np
from jaxtyping import Float, Int

from misfire.core.errors import UsageError
from misfire.stats.flip_counts import check_some_query
from misfire.stats.matched_pairs import mcnemar

_MANY_QUERIES = 100_000
_KEPT_FLIPS = 2048  # up to so many flips the counts that are significant are kept, 16 KiB a level
_NEGLIGIBLE = 1e-13  # probability of the numbers of flips that are left out
_SMOOTH_VARIANCE = 16.0  # of the number of flips, from which on their parity, and so the test's steps, average out


@final
@dataclass(frozen=True)
class DetectableGain:
    """Smallest gain in hit rate that a number of queries shows as significant with the wanted power.

    Args:
        gain: The gain, as a fraction; NaN where none is detectable.
        power: Chance that McNemar's test is significant for that gain, and in its direction; NaN where none is.
        broken_share: Share of the queries that was assumed to break besides.
        reason: Why no gain is detectable; empty where one is.
    """

    gain: float
    power: float
    broken_share: float
    reason: str


def mcnemar_power(
    gain: float, num_queries: int, *, broken_share: float = 0.0, alpha: float = 0.05, is_mid_p: bool = False
) -> float:
    """Chance that the two-sided McNemar test calls a true gain significant, in the right direction.

    Each query is fixed with probability ``gain + broken_share`` and broken with probability ``broken_share``,
    independently of the others. The chance is exact: it is summed over the numbers of flips and their splits.

    Args:
        gain: True difference of the hit rates, as a fraction.
        num_queries: How many queries are compared.
        broken_share: Share of the queries that breaks. With 0 all flips are gains, the fewest that make the gain; on
            queries that the baseline misses, as at hit@1 on its own failures, it can't be more.
        alpha: Two-sided level of the test.
        is_mid_p: Use the mid-p value instead of the exact one.

    Raises:
        UsageError: If a share lies outside its range or there is no query.

    Reference:
        Duffy, "Asymptotic and exact power for the McNemar test and its analogue with R controls per case", Biometrics
        40, 1984.

    Example:
        >>> round(mcnemar_power(0.25, 24), 3)  # at least 6 of 24 must be fixed
        0.578
    """
    check_some_query(num_queries)
    _check_shares(broken_share, alpha=alpha)
    _check_gain(gain, broken_share)
    return _power(gain, num_queries, broken_share, alpha, is_mid_p)


def minimum_detectable_gain(
    num_queries: int,
    *,
    broken_share: float = 0.0,
    power: float = 0.8,
    alpha: float = 0.05,
    is_mid_p: bool = False,
) -> DetectableGain:
    """Smallest true gain that McNemar's test on this many queries finds significant with the wanted power.

    The assumptions are those of :func:`mcnemar_power`. Give the observed share of broken queries as ``broken_share`` to
    learn what could have been seen; with 0 it is the best case, in which the new system breaks nothing.

    Args:
        num_queries: How many queries are compared.
        broken_share: Share of the queries that breaks besides.
        power: Wanted chance of a significant result.
        alpha: Two-sided level of the test.
        is_mid_p: Use the mid-p value instead of the exact one.

    Raises:
        UsageError: If a share lies outside its range or there is no query.

    Example:
        >>> round(minimum_detectable_gain(24).gain, 4)
        0.3094
        >>> minimum_detectable_gain(5).reason
        'even if all 5 queries were fixed, the test would not be significant at 0.05.'
    """
    check_some_query(num_queries)
    _check_shares(broken_share, alpha=alpha, power=power)
    if smallest_significant_count(0, alpha=alpha, is_mid_p=is_mid_p) > num_queries:
        reason = f"even if all {num_queries} queries were fixed, the test would not be significant at {alpha:g}."
        return DetectableGain(math.nan, math.nan, broken_share, reason)
    missed, detected = 0.0, 1 - 2 * broken_share
    if _power(detected, num_queries, broken_share, alpha, is_mid_p) < power:
        reason = (
            f"with {broken_share:g} of the {num_queries} queries broken, even the largest possible gain has less power "
            f"than {power:g}."
        )
        return DetectableGain(math.nan, math.nan, broken_share, reason)
    if num_queries > _MANY_QUERIES:  # the quantiles of a large share of many queries take long, and aren't needed
        step = 8 / num_queries
        while step < detected and _power(step, num_queries, broken_share, alpha, is_mid_p) < power:
            missed, step = step, 2 * step
        detected = min(step, detected)
    while detected - missed > 1e-9:  # more fixed queries never make it less significant: power rises with the gain
        middle = (missed + detected) / 2
        if _power(middle, num_queries, broken_share, alpha, is_mid_p) < power:
            missed = middle
        else:
            detected = middle
    return DetectableGain(detected, _power(detected, num_queries, broken_share, alpha, is_mid_p), broken_share, "")


def queries_needed(
    gain: float,
    *,
    broken_share: float = 0.0,
    power: float = 0.8,
    alpha: float = 0.05,
    is_mid_p: bool = False,
) -> int:
    """Smallest number of queries on which a true gain is significant with the wanted power.

    The assumptions are those of :func:`mcnemar_power`. The test's steps make its power fall a little with a query more
    now and then; the number returned is the one after the last such fall below the wanted power.

    Args:
        gain: True difference of the hit rates, a fraction above 0.
        broken_share: Share of the queries that breaks besides.
        power: Wanted chance of a significant result.
        alpha: Two-sided level of the test.
        is_mid_p: Use the mid-p value instead of the exact one.

    Raises:
        UsageError: If a share lies outside its range or the gain is 0.

    Example:
        >>> queries_needed(0.25)
        31
    """
    _check_shares(broken_share, alpha=alpha, power=power)
    _check_gain(gain, broken_share)
    if gain == 0:
        raise UsageError("gain must be above 0, got 0; no number of queries shows that there is none.")

    def is_enough(num_queries: int) -> bool:
        return _power(gain, num_queries, broken_share, alpha, is_mid_p) >= power

    enough = _smallest(is_enough, above=0)
    flipped_share = gain + 2 * broken_share
    if enough * flipped_share * (1 - flipped_share) > _SMOOTH_VARIANCE:
        return enough
    dips = range(enough + math.isqrt(16 * enough) + 16, enough, -1)
    return next((num_queries + 1 for num_queries in dips if not is_enough(num_queries)), enough)


def smallest_significant_count(broken: int, *, alpha: float = 0.05, is_mid_p: bool = False) -> int:
    """Smallest number of fixed queries that is significantly more than ``broken`` ones, by the two-sided test.

    Less ``broken`` and divided by the number of queries, it is the smallest gain that can be *observed* and called one.

    Args:
        broken: Queries that only the baseline hits.
        alpha: Two-sided level of the test.
        is_mid_p: Use the mid-p value instead of the exact one.

    Raises:
        UsageError: If ``broken`` is negative or ``alpha`` isn't in (0, 1).

    Example:
        >>> smallest_significant_count(0), smallest_significant_count(0, is_mid_p=True), smallest_significant_count(1)
        (6, 5, 8)
    """
    _check_shares(0.0, alpha=alpha)
    if broken < 0:
        raise UsageError(f"broken must be a count >= 0, got {broken}; pass how many queries only the baseline hits.")

    def is_significant(fixed: int) -> bool:
        test = mcnemar(fixed, broken)
        return (test.p_mid if is_mid_p else test.p_exact) <= alpha

    return _smallest(is_significant, above=broken)


def _smallest(is_enough: Callable[[int], bool], *, above: int) -> int:
    """Smallest whole number above another that is enough, given that all larger ones are."""
    step = 1
    while not is_enough(above + step):
        step *= 2
    too_few, enough = above + step // 2, above + step
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        too_few, enough = (too_few, middle) if is_enough(middle) else (middle, enough)
    return enough


def _power(gain: float, num_queries: int, broken_share: float, alpha: float, is_mid_p: bool) -> float:
    from scipy.stats import binom

    flipped_share = min(gain + 2 * broken_share, 1.0)
    if num_queries * flipped_share < _NEGLIGIBLE:  # no query flips; SciPy overflows at the smallest of such shares
        return 0.0
    low, high = binom.ppf([_NEGLIGIBLE, 1 - _NEGLIGIBLE], num_queries, flipped_share)
    num_flipped = np.arange(max(int(low), 0), int(high) + 1)
    # A search for a gain or a number of queries asks about much the same flips again and again.
    is_kept = num_flipped[-1] < _KEPT_FLIPS
    needed = _needed_of_few(alpha, is_mid_p)[num_flipped] if is_kept else _fixed_needed(num_flipped, alpha, is_mid_p)
    significant = binom.sf(needed - 1, num_flipped, min((gain + broken_share) / flipped_share, 1.0))
    return float(binom.pmf(num_flipped, num_queries, flipped_share) @ significant)


@lru_cache(maxsize=16)
def _needed_of_few(alpha: float, is_mid_p: bool) -> Int[np.ndarray, " flips"]:
    return _fixed_needed(np.arange(_KEPT_FLIPS), alpha, is_mid_p)


def _fixed_needed(num_flipped: Int[np.ndarray, " flips"], alpha: float, is_mid_p: bool) -> Int[np.ndarray, " flips"]:
    """Smallest significant number of fixed among so many flipped queries; one more than all where none is."""
    from scipy.stats import binom

    def p_value(fixed: Int[np.ndarray, " flips"]) -> Float[np.ndarray, " flips"]:
        left_out = binom.pmf(fixed, num_flipped, 0.5) if is_mid_p else 0.0
        doubled: Float[np.ndarray, " flips"] = 2 * binom.sf(fixed - 1, num_flipped, 0.5) - left_out
        return doubled

    # SciPy's quantile is one less for the exact test, or the number itself where mid-p or rounding matter.
    quantile: Int[np.ndarray, " flips"] = binom.isf(alpha / 2, num_flipped, 0.5).astype(np.int64)
    needed: Int[np.ndarray, " flips"] = np.maximum(quantile - 1, num_flipped // 2 + 1)
    tolerated = alpha * (1 + 1e-12)
    for _ in range(3):
        needed = np.where((needed <= num_flipped) & (p_value(needed) > tolerated), needed + 1, needed)
    return needed


def _check_gain(gain: float, broken_share: float) -> None:
    if not 0 <= gain <= 1 - 2 * broken_share + 1e-12:
        raise UsageError(
            f"gain must lie between 0 and 1 - 2 * broken_share = {1 - 2 * broken_share:g}, got {gain}; fixed and "
            "broken queries are no more than all, and shares are fractions, not points."
        )


def _check_shares(broken_share: float, *, alpha: float, power: float = 0.5) -> None:
    if not 0 <= broken_share < 0.5:
        raise UsageError(
            f"broken_share must be a fraction in [0, 0.5), got {broken_share}; a gain fixes more queries than it "
            "breaks."
        )
    for name, value in (("alpha", alpha), ("power", power)):
        if not 0 < value < 1:
            raise UsageError(f"{name} must be a fraction in (0, 1), got {value}. Use 0.05 and 0.8, not 5 and 80.")
