import math

import numpy as np
import pytest
from scipy.stats import median_abs_deviation

from misfire.core.errors import UsageError
from misfire.stats import fast_items


def test_the_threshold_is_three_robust_deviations_below_the_median() -> None:
    times = np.random.default_rng(0).lognormal(np.log(10), 0.4, size=400)
    times[:20] = 1.5
    result = fast_items(times)
    deviation = median_abs_deviation(np.log(times), scale="normal")
    assert result.threshold_s == pytest.approx(np.median(times) * np.exp(-3 * deviation), rel=1e-3)
    assert result.is_fast[:20].all()
    assert result.is_fast[20:].mean() < 0.01
    assert result.share == result.is_fast.sum() / 400
    assert result.median_s == np.median(times)


def test_breaks_move_nothing() -> None:
    times = np.random.default_rng(0).lognormal(np.log(10), 0.4, size=200)
    broken = times.copy()
    broken[np.argsort(times)[-5:]] = 3600.0
    assert fast_items(broken).threshold_s == fast_items(times).threshold_s


def test_the_floor_holds_where_times_do_not_spread_or_are_all_short() -> None:
    equal = fast_items(np.array([5, 5, 5, 5, 4, 0]))
    assert (equal.threshold_s, equal.is_fast.tolist()) == (1.0, [False] * 5 + [True])
    rushed = fast_items(np.random.default_rng(0).uniform(0.2, 0.9, size=50), floor_s=1.5)
    assert (rushed.threshold_s, rushed.share) == (1.5, 1.0)


def test_untimed_items_are_not_fast() -> None:
    result = fast_items(np.array([np.nan, 0.5, 10.0]))
    assert (result.is_fast.tolist(), result.share, result.num_timed) == ([False, True, False], 0.5, 2)
    nothing = fast_items(np.array([np.nan]))
    assert (nothing.is_fast.tolist(), nothing.num_timed) == ([False], 0)
    assert math.isnan(nothing.share)


def test_bad_input_is_refused_with_its_remedy() -> None:
    with pytest.raises(UsageError, match=r"must be finite and >= 0, got 2 of 3 that aren't; use NaN"):
        fast_items(np.array([-1.0, np.inf, 1.0]))
    with pytest.raises(UsageError, match=r"must be > 0, got 0.0 and 3.0"):
        fast_items(np.ones(3), floor_s=0.0)
