import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]
from statsmodels.api import OLS  # type: ignore[import-untyped]

from misfire.core.errors import UsageError
from misfire.stats import paired_t_interval

VALUES = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=2, max_size=25)


@given(VALUES, st.sampled_from([0.8, 0.95]))
def test_scipy_agrees_on_independent_queries(ranks: list[tuple[int, int]], confidence: float) -> None:
    before, after = 1 / np.array(ranks).T
    low, high = paired_t_interval(before, after, confidence=confidence)
    # Differences that are equal but for their last bits are equal: of those scipy warns.
    if np.ptp(after - before) > 1e-12:
        expected = stats.ttest_rel(after, before).confidence_interval(confidence)
        assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    else:
        assert (low, high) == pytest.approx(((after - before).mean(),) * 2, abs=1e-12)


def test_statsmodels_agrees_on_clusters() -> None:
    """Its cluster-robust variance of a regression on a constant."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 12, size=60)
    before, after = rng.random((2, 60))
    fit = OLS(after - before, np.ones(60)).fit(cov_type="cluster", cov_kwds={"groups": images}, use_t=True)
    low, high = paired_t_interval(before, after, clusters=images)
    half = stats.t.ppf(0.975, 11) * fit.bse[0]
    assert (low, high) == pytest.approx((fit.params[0] - half, fit.params[0] + half), abs=1e-12)


def test_swapping_the_systems_mirrors_it_and_a_shift_changes_nothing() -> None:
    before, after = np.random.default_rng(1).random((2, 20))
    low, high = paired_t_interval(before, after)
    assert paired_t_interval(after, before) == pytest.approx((-high, -low), abs=1e-12)
    assert paired_t_interval(before + 3, after + 3) == pytest.approx((low, high), abs=1e-12)


def test_bad_input_is_refused_with_its_remedy() -> None:
    one, two = np.ones(1), np.ones(2)
    with pytest.raises(UsageError, match=r"clusters must name 2 different ones at least, got 1"):
        paired_t_interval(one, one)
    with pytest.raises(UsageError, match=r"must be finite, got 1 of 2"):
        paired_t_interval(two, np.array([np.nan, 1.0]))
    with pytest.raises(UsageError, match=r"Use 0.95, not 95."):
        paired_t_interval(two, two, confidence=95.0)
