import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]

from misfire.core.errors import UsageError
from misfire.stats import bca_bootstrap, bca_interval, counted_bootstrap, paired_bootstrap
from misfire.stats.bca import BCA, PERCENTILE


@pytest.mark.parametrize("confidence", [0.8, 0.95])
@pytest.mark.parametrize("seed", range(4))
def test_scipy_agrees_on_the_same_replicates(seed: int, confidence: float) -> None:
    rng = np.random.default_rng(seed)
    delta = [rng.exponential(size=31), rng.integers(-1, 2, size=24).astype(float), rng.normal(size=19)][seed % 3]
    theirs = stats.bootstrap(
        (delta,), np.mean, n_resamples=999, confidence_level=confidence, method="BCa", rng=np.random.default_rng(1)
    )
    left_out = (delta.sum() - delta) / (len(delta) - 1)
    ours = bca_interval(float(delta.mean()), theirs.bootstrap_distribution, left_out, confidence=confidence)
    assert ours.method == BCA
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs.confidence_interval), abs=1e-12)


def test_differences_of_pairs_are_corrected_by_the_same_rule() -> None:
    rng = np.random.default_rng(2)
    before, after = rng.random(40), rng.exponential(size=40)
    delta = after - before
    drawn = paired_bootstrap(before, after, rng=np.random.default_rng(5)).replicates
    left_out = np.array([np.delete(delta, position).mean() for position in range(40)])
    expected = bca_interval(float(delta.mean()), drawn, left_out)
    ours = bca_bootstrap(before, after, rng=np.random.default_rng(5))
    assert (ours.low, ours.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert (ours.method, ours.reason) == (BCA, "")


def test_clusters_are_left_out_whole() -> None:
    rng = np.random.default_rng(3)
    images = rng.integers(0, 12, size=60)
    before, after = rng.random(60), rng.exponential(size=60)
    delta = after - before
    drawn = counted_bootstrap(before, after, clusters=images, rng=np.random.default_rng(5)).replicates
    left_out = np.array([delta[images != image].mean() for image in range(12)])
    expected = bca_interval(float(delta.mean()), drawn, left_out)
    ours = bca_bootstrap(before, after, clusters=images, rng=np.random.default_rng(5))
    assert (ours.low, ours.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_skewness_moves_it_towards_the_long_tail() -> None:
    delta = np.random.default_rng(4).exponential(size=50) ** 2
    plain = paired_bootstrap(np.zeros(50), delta, rng=np.random.default_rng(0))
    corrected = bca_bootstrap(np.zeros(50), delta, rng=np.random.default_rng(0))
    assert corrected.low > plain.low
    assert corrected.high > plain.high


def test_undefined_says_why_and_what_stands_in() -> None:
    ones, rng = np.ones(5), np.random.default_rng(0)
    equal = bca_bootstrap(ones, ones, rng=rng)
    assert (equal.low, equal.high, equal.method, equal.reason) == (0.0, 0.0, PERCENTILE, "all replicates are equal.")
    lone = bca_bootstrap(np.zeros(1), np.ones(1), rng=rng)
    assert (lone.low, lone.high, lone.method, lone.reason) == (1.0, 1.0, PERCENTILE, "all replicates are equal.")
    spread = np.linspace(0, 1, 101)
    constant = bca_interval(0.5, spread, ones)
    assert constant.reason == "leaving out any one unit changes nothing."
    assert (constant.low, constant.high, constant.method) == (pytest.approx(0.025), pytest.approx(0.975), PERCENTILE)
    one_sided = bca_interval(2.0, spread, np.arange(5.0))
    assert one_sided.reason == "no replicate lies on one side of the estimate."
    skewed = bca_interval(0.99, np.linspace(0, 1, 1001), np.array([0.0] * 30 + [1.0]))
    assert skewed.method in (BCA, PERCENTILE)
    assert 0 <= skewed.low <= skewed.high <= 1


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=20), st.floats(-3, 3), st.integers(0, 2**32))
def test_a_shift_shifts_it(values: list[float], shift: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    delta = np.round(np.array(values), 3)
    drawn = delta[rng.integers(0, len(delta), size=(60, len(delta)))].mean(axis=1)
    left_out = (delta.sum() - delta) / (len(delta) - 1)
    ours = bca_interval(float(delta.mean()), drawn, left_out)
    shifted = bca_interval(float(delta.mean()) + shift, drawn + shift, left_out + shift)
    assert shifted.method == ours.method
    assert (shifted.low, shifted.high) == pytest.approx((ours.low + shift, ours.high + shift), abs=1e-6)


def test_bad_input_is_refused_with_its_remedy() -> None:
    with pytest.raises(UsageError, match=r"Use 0.95, not 95."):
        bca_interval(0.0, np.zeros(3), np.zeros(3), confidence=95.0)
    with pytest.raises(UsageError, match=r"got 0. Use 2000."):
        bca_bootstrap(np.zeros(3), np.ones(3), num_replicates=0, rng=np.random.default_rng(0))
