import math

import numpy as np
import pytest
from scipy.stats import bootstrap

from misfire.stats.agreement.item_bootstrap import BCA_OVER_ITEMS, WILSON, coefficient_with_interval, no_interval
from misfire.stats.agreement.labels import is_unanimous


def share_of_first(counts: np.ndarray) -> np.ndarray:
    """Of how many items show the first pattern; undefined where all do."""
    share = counts[:, 0] / counts.sum(axis=1)
    return np.where(share < 1, share, np.nan)


def measured(counts: list[int], chance_if_perfect: float | None = None):
    return coefficient_with_interval(
        share_of_first,
        np.array(counts),
        chance_if_perfect=chance_if_perfect,
        reason_if_undefined="all are alike.",
        confidence=0.9,
        num_replicates=4000,
        rng=np.random.default_rng(0),
    )


def test_the_interval_over_patterns_is_scipys_over_items() -> None:
    value, interval = measured([12, 28])
    items = np.repeat([1.0, 0.0], [12, 28])
    theirs = bootstrap((items,), np.mean, confidence_level=0.9, n_resamples=4000, method="BCa", rng=1)
    assert (value, interval.method, interval.reason) == (0.3, BCA_OVER_ITEMS, "")
    assert interval.low == pytest.approx(theirs.confidence_interval.low, abs=0.02)
    assert interval.high == pytest.approx(theirs.confidence_interval.high, abs=0.02)


def test_undefined_has_a_reason_and_no_interval() -> None:
    value, interval = measured([40])
    assert math.isnan(value)
    assert (math.isnan(interval.low), math.isnan(interval.high)) == (True, True)
    assert (interval.num_undefined, interval.method, interval.reason) == (4000, "", "all are alike.")


def test_perfect_agreement_takes_wilsons_bound_though_resamples_would_show_no_spread() -> None:
    value, interval = measured([12, 28], chance_if_perfect=0.5)
    assert (value, interval.high, interval.method) == (0.3, 1.0, WILSON)
    assert interval.low == pytest.approx((40 / (40 + 1.6448536**2) - 0.5) / 0.5)


def test_a_coefficient_without_spread_has_no_interval_and_no_method() -> None:
    _, interval = coefficient_with_interval(
        lambda counts: np.full(len(counts), 0.5),
        np.array([3, 4]),
        chance_if_perfect=None,
        reason_if_undefined="",
        confidence=0.9,
        num_replicates=10,
        rng=np.random.default_rng(0),
    )
    assert math.isnan(interval.low)
    assert (interval.method, interval.reason[:47]) == ("", "the coefficient is the same in every resample i")


def test_no_interval_says_why() -> None:
    assert str(no_interval("none.")) == "ItemInterval(low=nan, high=nan, num_undefined=0, method='', reason='none.')"


def test_unanimous_means_one_category_an_item_not_one_in_all() -> None:
    assert is_unanimous(np.array([[3.0, 0.0], [0.0, 2.0]]))
    assert not is_unanimous(np.array([[3.0, 0.0], [1.0, 2.0]]))
