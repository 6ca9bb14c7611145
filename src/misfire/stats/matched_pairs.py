"""Tests and effect sizes of paired hits and misses: only the queries that changed sides speak."""

import math
from dataclasses import dataclass
from typing import final

from misfire.stats.flip_counts import check_flips
from misfire.stats.settings import check_confidence

_MOST_WHOLE_NUMBERS = 100_000  # throws, from which on whole numbers have more digits than a second allows
_MOST_SUMMED = 500  # terms, from which on SciPy's incomplete beta function is faster and right to 1e-12


@final
@dataclass(frozen=True)
class McNemar:
    """Two-sided p-values of McNemar's test that fixing and breaking are equally likely.

    Args:
        p_exact: Exact: the flips split as evenly as a fair coin's throws. 1 where nothing flipped: two systems with the
            same hits are no evidence of a difference.
        p_mid: Mid-p: half the probability of the observed split is left out; less conservative where few queries flip.
            1 for an even split.
        p_asymptotic: Chi-square of one degree of freedom; NaN where nothing flipped, as its statistic is 0 / 0 there.
        p_corrected: The same with Edwards' continuity correction; NaN where nothing flipped.
    """

    p_exact: float
    p_mid: float
    p_asymptotic: float
    p_corrected: float


def mcnemar(fixed: int, broken: int) -> McNemar:
    """Two-sided p-values of McNemar's test for paired hits and misses.

    Args:
        fixed: Queries that only the new system hits.
        broken: Queries that only the baseline hits.

    Raises:
        UsageError: If a count is negative.

    Reference:
        McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
        Psychometrika 12, 1947; Fagerland, Lydersen and Laake, "The McNemar test for binary matched-pairs data: mid-p
        and asymptotic are better than exact conditional", BMC Medical Research Methodology 13, 2013.

    Example:
        >>> test = mcnemar(5, 0)
        >>> test.p_exact, test.p_mid
        (0.0625, 0.03125)
    """
    check_flips(fixed, broken, fixed + broken)
    at_most, exactly = _fair_coin(fixed + broken, heads=min(fixed, broken))
    return McNemar(
        p_exact=min(1.0, 2 * at_most),
        p_mid=1.0 if fixed == broken else 2 * at_most - exactly,
        p_asymptotic=_chi_square_p_value(fixed, broken, correction=0),
        p_corrected=_chi_square_p_value(fixed, broken, correction=1),
    )


@final
@dataclass(frozen=True)
class FlipEffect:
    """How one-sided the flips are, however many queries there are.

    Args:
        odds_ratio: Fixed over broken queries; infinite where none broke, NaN where nothing flipped.
        odds_ratio_low: Lower end of its exact conditional interval; NaN where nothing flipped.
        odds_ratio_high: Upper end of its exact conditional interval; NaN where nothing flipped.
        cohen_g: Share of the fixed among the flipped, less one half: from -0.5 to 0.5; 0.05, 0.15 and 0.25 are Cohen's
            small, medium and large. NaN where nothing flipped.
        confidence: Coverage that the interval guarantees at least.
    """

    odds_ratio: float
    odds_ratio_low: float
    odds_ratio_high: float
    cohen_g: float
    confidence: float


def flip_effect(fixed: int, broken: int, *, confidence: float = 0.95) -> FlipEffect:
    """Odds ratio of the discordant pairs with its exact conditional interval, and Cohen's g.

    The interval is Clopper and Pearson's of the share of the fixed among the flipped, turned into odds.

    Args:
        fixed: Queries that only the new system hits.
        broken: Queries that only the baseline hits.
        confidence: Coverage of the interval, in (0, 1).

    Raises:
        UsageError: If a count is negative or ``confidence`` is out of range.

    Reference:
        Breslow and Day, "Statistical methods in cancer research", volume 1, 1980, section 5.2; Cohen, "Statistical
        power analysis for the behavioral sciences", 2nd edition, 1988, chapter 5.

    Example:
        >>> effect = flip_effect(6, 2)
        >>> effect.odds_ratio, effect.cohen_g
        (3.0, 0.25)
        >>> round(effect.odds_ratio_low, 3), round(effect.odds_ratio_high, 2)
        (0.536, 30.39)
    """
    check_flips(fixed, broken, fixed + broken)
    check_confidence(confidence)
    if fixed + broken == 0:
        return FlipEffect(math.nan, math.nan, math.nan, math.nan, confidence)
    from scipy.special import betaincinv  # scipy.stats has the interval too, and takes half a second to import

    tail = (1 - confidence) / 2
    low = float(betaincinv(fixed, broken + 1, tail)) if fixed else 0.0
    high = float(betaincinv(fixed + 1, broken, 1 - tail)) if broken else 1.0
    return FlipEffect(
        odds_ratio=fixed / broken if broken else math.inf,
        odds_ratio_low=low / (1 - low),
        odds_ratio_high=high / (1 - high) if broken else math.inf,
        cohen_g=(fixed - broken) / (2 * (fixed + broken)),
        confidence=confidence,
    )


def _chi_square_p_value(fixed: int, broken: int, *, correction: int) -> float:
    """Upper tail of the chi-square distribution of one degree of freedom: twice the normal's, which is ``erfc``."""
    if fixed + broken == 0:
        return math.nan
    return math.erfc(abs(abs(fixed - broken) - correction) / math.sqrt(2 * (fixed + broken)))


def _fair_coin(num_throws: int, *, heads: int) -> tuple[float, float]:
    """Probability of at most and of exactly this number of heads, which is no more than half of the throws."""
    if num_throws > _MOST_WHOLE_NUMBERS:
        from scipy.stats import binom

        return float(binom.cdf(heads, num_throws, 0.5)), float(binom.pmf(heads, num_throws, 0.5))
    exactly = math.comb(num_throws, heads)
    if heads > _MOST_SUMMED:
        from scipy.special import bdtr

        return float(bdtr(heads, num_throws, 0.5)), exactly / 2**num_throws
    at_most = term = 1  # whole numbers until the last division
    for tails_turned in range(heads):
        term = term * (num_throws - tails_turned) // (tails_turned + 1)
        at_most += term
    return at_most / 2**num_throws, exactly / 2**num_throws
