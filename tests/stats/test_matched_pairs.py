import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]
from statsmodels.stats import contingency_tables  # type: ignore[import-untyped]

from misfire.core.errors import UsageError
from misfire.stats import flip_effect, mcnemar


@pytest.mark.parametrize(("fixed", "broken"), [(f, m - f) for m in range(9) for f in range(m + 1)])
def test_p_values_match_every_way_the_coins_can_fall(fixed: int, broken: int) -> None:
    throws = list(itertools.product((0, 1), repeat=fixed + broken))
    distances = [abs(2 * sum(throw) - len(throw)) for throw in throws]
    as_far = sum(distance >= abs(fixed - broken) for distance in distances)
    further = sum(distance > abs(fixed - broken) for distance in distances)
    test = mcnemar(fixed, broken)
    assert test.p_exact == float(Fraction(as_far, len(throws)))
    # An even split is the least extreme there is: 1, and nothing to leave out.
    assert test.p_mid == (float(Fraction(as_far + further, 2 * len(throws))) if fixed != broken else 1.0)


@given(st.integers(0, 200), st.integers(0, 200))
def test_p_values_match_scipy_and_statsmodels(fixed: int, broken: int) -> None:
    test, table = mcnemar(fixed, broken), [[7, fixed], [broken, 9]]
    expected = stats.binomtest(fixed, fixed + broken).pvalue if fixed + broken else 1.0
    assert test.p_exact == pytest.approx(expected, abs=1e-12)
    assert test.p_exact == pytest.approx(contingency_tables.mcnemar(table, exact=True).pvalue, abs=1e-12)
    half = stats.binom.pmf(fixed, fixed + broken, 0.5)
    mid_p = 2 * stats.binom.cdf(min(fixed, broken), fixed + broken, 0.5) - half
    assert test.p_mid == pytest.approx(min(1.0, mid_p), abs=1e-12)
    if fixed + broken:
        for p_value, corrected in ((test.p_asymptotic, False), (test.p_corrected, True)):
            theirs = contingency_tables.mcnemar(table, exact=False, correction=corrected)
            assert p_value == pytest.approx(theirs.pvalue, abs=1e-12)


@pytest.mark.parametrize(("fixed", "broken"), [(620, 501), (501, 501), (1300, 1200)])
def test_many_flips_are_summed_to_twelve_digits(fixed: int, broken: int) -> None:
    flips = fixed + broken
    at_most = sum(math.comb(flips, heads) for heads in range(min(fixed, broken) + 1))
    p_exact = min(Fraction(1), Fraction(2 * at_most, 2**flips))
    p_mid = Fraction(2 * at_most - math.comb(flips, broken), 2**flips)
    test = mcnemar(fixed, broken)
    assert test.p_exact == pytest.approx(float(p_exact), abs=1e-12)
    assert test.p_mid == pytest.approx(float(p_mid), abs=1e-12)


@given(st.integers(0, 60), st.integers(0, 60))
def test_swapping_the_systems_keeps_the_p_values_and_inverts_the_odds(fixed: int, broken: int) -> None:
    assert str(mcnemar(fixed, broken)) == str(mcnemar(broken, fixed))
    forth, back = flip_effect(fixed, broken), flip_effect(broken, fixed)
    if fixed + broken:
        assert forth.cohen_g == -back.cohen_g
        assert math.atan(forth.odds_ratio) + math.atan(back.odds_ratio) == pytest.approx(math.pi / 2)
        assert math.atan(forth.odds_ratio_low) + math.atan(back.odds_ratio_high) == pytest.approx(math.pi / 2)


def test_nothing_flipped_is_no_evidence_and_no_effect() -> None:
    test, effect = mcnemar(0, 0), flip_effect(0, 0)
    assert (test.p_exact, test.p_mid) == (1.0, 1.0)
    undefined = [test.p_asymptotic, test.p_corrected, effect.odds_ratio, effect.odds_ratio_low, effect.cohen_g]
    assert np.isnan(undefined).all()


@pytest.mark.parametrize("confidence", [0.8, 0.95])
@pytest.mark.parametrize(("fixed", "broken"), [(1, 0), (0, 3), (6, 1), (5, 5), (40, 22)])
def test_the_odds_interval_ends_where_the_tail_holds_what_is_left(fixed: int, broken: int, confidence: float) -> None:
    """At either end, a split at least as extreme as the observed one has probability (1 - confidence) / 2."""
    effect, tail = flip_effect(fixed, broken, confidence=confidence), (1 - confidence) / 2
    if fixed:
        share = effect.odds_ratio_low / (1 + effect.odds_ratio_low)
        assert stats.binom.sf(fixed - 1, fixed + broken, share) == pytest.approx(tail, abs=1e-12)
    else:
        assert effect.odds_ratio_low == 0
    if broken:
        share = effect.odds_ratio_high / (1 + effect.odds_ratio_high)
        assert stats.binom.cdf(fixed, fixed + broken, share) == pytest.approx(tail, abs=1e-12)
    else:
        assert effect.odds_ratio_high == effect.odds_ratio == math.inf


def test_bad_counts_are_refused_with_their_remedy() -> None:
    with pytest.raises(UsageError, match=r"got fixed=-1, broken=2, num_queries=1; count each query once."):
        mcnemar(-1, 2)
    with pytest.raises(UsageError, match=r"got fixed=2, broken=-1"):
        flip_effect(2, -1)
    with pytest.raises(UsageError, match=r"Use 0.95, not 95."):
        flip_effect(2, 1, confidence=95.0)
