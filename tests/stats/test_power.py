import itertools
import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]

from misfire.core.errors import UsageError
from misfire.stats import (
    mcnemar,
    mcnemar_power,
    minimum_detectable_gain,
    queries_needed,
    smallest_significant_count,
)


@cache
def p_value(fixed: int, broken: int, is_mid_p: bool) -> float:
    test = mcnemar(fixed, broken)
    return test.p_mid if is_mid_p else test.p_exact


def every_outcome(gain: float, num_queries: int, broken_share: float, alpha: float, is_mid_p: bool) -> float:
    """Sum over all 3 ** num_queries ways in which queries can be fixed, broken or neither."""
    shares = {1: gain + broken_share, -1: broken_share, 0: 1 - gain - 2 * broken_share}
    total = 0.0
    for outcome in itertools.product(shares, repeat=num_queries):
        fixed, broken = outcome.count(1), outcome.count(-1)
        if fixed > broken and p_value(fixed, broken, is_mid_p) <= alpha:
            total += math.prod(shares[flip] for flip in outcome)
    return total


@pytest.mark.parametrize("is_mid_p", [False, True])
@pytest.mark.parametrize("alpha", [0.05, 0.0625, 0.3])
@pytest.mark.parametrize(("gain", "broken_share"), [(0.0, 0.1), (0.3, 0.0), (0.5, 0.1), (0.2, 0.4), (1.0, 0.0)])
@pytest.mark.parametrize("num_queries", [1, 5, 8])
def test_power_matches_every_outcome(
    num_queries: int, gain: float, broken_share: float, alpha: float, is_mid_p: bool
) -> None:
    ours = mcnemar_power(gain, num_queries, broken_share=broken_share, alpha=alpha, is_mid_p=is_mid_p)
    assert ours == pytest.approx(every_outcome(gain, num_queries, broken_share, alpha, is_mid_p), abs=1e-12)


@pytest.mark.parametrize(
    ("gain", "num_queries", "broken_share"), [(0.25, 24, 0.04), (0.1, 87, 0.05), (0.02, 5000, 0.1), (0.0, 200, 0.1)]
)
def test_a_simulation_agrees(gain: float, num_queries: int, broken_share: float) -> None:
    rng = np.random.default_rng(0)
    shares = [gain + broken_share, broken_share, 1 - gain - 2 * broken_share]
    drawn = rng.multinomial(num_queries, shares, size=4000)
    known = {(int(f), int(b)): f > b and p_value(int(f), int(b), False) <= 0.05 for f, b, _ in drawn}
    significant = sum(known[int(f), int(b)] for f, b, _ in drawn)
    power = mcnemar_power(gain, num_queries, broken_share=broken_share)
    assert stats.binomtest(significant, 4000, power).pvalue > 0.001


@pytest.mark.parametrize("is_mid_p", [False, True])
@pytest.mark.parametrize(("num_queries", "broken_share"), [(6, 0.0), (24, 0.0), (24, 1 / 24), (87, 0.02), (2000, 0.1)])
def test_the_smallest_gain_has_just_the_wanted_power(num_queries: int, broken_share: float, is_mid_p: bool) -> None:
    found = minimum_detectable_gain(num_queries, broken_share=broken_share, is_mid_p=is_mid_p)
    assert found.power == pytest.approx(0.8, abs=1e-5)
    assert found.power >= 0.8
    below = mcnemar_power(found.gain - 1e-6, num_queries, broken_share=broken_share, is_mid_p=is_mid_p)
    assert below < 0.8
    assert (found.broken_share, found.reason) == (broken_share, "")


def test_all_flips_gains_is_a_binomial_matter() -> None:
    """6 of 24 must be fixed: the gain at which a binomial variable reaches 6 with probability 0.8."""
    gain = minimum_detectable_gain(24).gain
    assert stats.binom.sf(5, 24, gain) == pytest.approx(0.8, abs=1e-8)


@given(st.integers(1, 60), st.floats(0, 0.3), st.floats(0, 1), st.floats(0, 1))
def test_power_rises_with_the_gain(num_queries: int, broken_share: float, first: float, second: float) -> None:
    smaller, larger = sorted((first * (1 - 2 * broken_share), second * (1 - 2 * broken_share)))
    low = mcnemar_power(smaller, num_queries, broken_share=broken_share)
    high = mcnemar_power(larger, num_queries, broken_share=broken_share)
    assert low <= high + 1e-11
    assert mcnemar_power(smaller, num_queries, broken_share=broken_share, is_mid_p=True) >= low - 1e-11


def test_next_to_no_gain_has_next_to_no_power() -> None:
    assert mcnemar_power(1e-308, 3) == 0.0
    assert mcnemar_power(1e-9, 24) == pytest.approx(0.0, abs=1e-12)
    assert mcnemar_power(1 - 1e-16, 24) == pytest.approx(1.0, abs=1e-12)


def test_more_broken_queries_hide_a_gain() -> None:
    gains = [minimum_detectable_gain(87, broken_share=share).gain for share in (0.0, 0.02, 0.1, 0.2)]
    assert gains == sorted(gains)
    assert len(set(gains)) == 4


def test_equal_systems_are_called_better_in_no_more_than_half_of_alpha() -> None:
    for num_queries in (10, 24, 87, 1000):
        assert mcnemar_power(0.0, num_queries, broken_share=0.2) <= 0.025


@pytest.mark.parametrize("is_mid_p", [False, True])
@pytest.mark.parametrize(
    ("gain", "broken_share"), [(0.25, 0.0), (0.25, 0.04), (0.1, 0.0), (0.2, 0.4), (1.0, 0.0), (0.4, 0.3)]
)
def test_the_queries_needed_have_the_power_and_one_less_has_not(
    gain: float, broken_share: float, is_mid_p: bool
) -> None:
    needed = queries_needed(gain, broken_share=broken_share, is_mid_p=is_mid_p)

    def power(num_queries: int) -> float:
        return mcnemar_power(gain, num_queries, broken_share=broken_share, is_mid_p=is_mid_p)

    assert power(needed - 1) < 0.8
    assert min(power(num_queries) for num_queries in range(needed, needed + 60)) >= 0.8


def test_queries_needed_are_near_the_normal_approximation() -> None:
    """Connor, "Sample size for testing differences in proportions for the paired-sample design", 1987."""
    gain, flipped = 0.02, 0.22
    quantiles = stats.norm.ppf(0.975) * math.sqrt(flipped) + stats.norm.ppf(0.8) * math.sqrt(flipped - gain**2)
    assert queries_needed(gain, broken_share=0.1) == pytest.approx((quantiles / gain) ** 2, rel=0.03)


@pytest.mark.parametrize("is_mid_p", [False, True])
@pytest.mark.parametrize("broken", [0, 1, 2, 7, 100])
def test_the_smallest_significant_count_is_just_significant(broken: int, is_mid_p: bool) -> None:
    count = smallest_significant_count(broken, is_mid_p=is_mid_p)
    assert p_value(count, broken, is_mid_p) <= 0.05 < p_value(count - 1, broken, is_mid_p)


def test_what_cannot_be_detected_says_why() -> None:
    few = minimum_detectable_gain(5)
    assert math.isnan(few.gain)
    assert few.reason == "even if all 5 queries were fixed, the test would not be significant at 0.05."
    crowded = minimum_detectable_gain(24, broken_share=0.45)
    assert math.isnan(crowded.power)
    assert crowded.reason == (
        "with 0.45 of the 24 queries broken, even the largest possible gain has less power than 0.8."
    )


def test_bad_input_is_refused_with_its_remedy() -> None:
    with pytest.raises(
        UsageError, match=r"gain must lie between 0 and 1 - 2 \* broken_share = 0.8, got 0.9; fixed and"
    ):
        mcnemar_power(0.9, 24, broken_share=0.1)
    with pytest.raises(UsageError, match=r"= 1, got 25.0; .* shares are fractions, not points."):
        queries_needed(25.0)
    with pytest.raises(
        UsageError, match=r"gain must be above 0, got 0; no number of queries shows that there is none."
    ):
        queries_needed(0.0)
    with pytest.raises(UsageError, match=r"broken_share must be a fraction in \[0, 0.5\), got 0.5; a gain fixes more"):
        minimum_detectable_gain(24, broken_share=0.5)
    with pytest.raises(UsageError, match=r"power must be a fraction in \(0, 1\), got 80.0. Use 0.05 and 0.8"):
        minimum_detectable_gain(24, power=80.0)
    with pytest.raises(UsageError, match=r"alpha must be a fraction in \(0, 1\), got 0.0."):
        smallest_significant_count(0, alpha=0.0)
    with pytest.raises(UsageError, match=r"num_queries must be >= 1, got 0"):
        minimum_detectable_gain(0)
    with pytest.raises(UsageError, match=r"broken must be a count >= 0, got -1"):
        smallest_significant_count(-1)
