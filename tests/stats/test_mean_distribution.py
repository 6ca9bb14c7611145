import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]

from misfire.core.errors import UsageError
from misfire.stats import paired_bootstrap, paired_mean_distribution


def ranks(num_queries: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    drawn = np.exp(rng.normal(1.5, 1.5, size=num_queries) + rng.normal(0, 0.5, size=(2, num_queries)))
    before, after = drawn.astype(int).clip(1, 5000)
    return 1 / before, 1 / after


@pytest.mark.parametrize(("num_queries", "scale"), [(400, 97), (3000, 50)])
def test_between_its_steps_the_true_distribution_is_met(num_queries: int, scale: int) -> None:
    """Skewed whole numbers: the distribution of their sum is an exact convolution power."""
    rng = np.random.default_rng(0)
    values = rng.integers(-scale, 2 * scale, size=num_queries) ** 3 // scale**2
    low, high = int(values.min()), int(values.max())
    one_draw = np.bincount(values - low, minlength=high - low + 1) / num_queries
    length = num_queries * (high - low) + 1
    transformed = np.fft.rfft(one_draw, n=1 << (length - 1).bit_length())
    probability = np.fft.irfft(transformed**num_queries)[:length]
    reached = probability > 1e-12
    above = np.arange(length)[reached] + num_queries * low + 0.5  # halfway to the next sum
    found = paired_mean_distribution(np.zeros(num_queries), values.astype(float)).cdf(above / num_queries)
    assert np.abs(found - probability.cumsum()[reached]).max() < 1e-7


@pytest.mark.parametrize(("num_queries", "seed"), [(200, 1), (2000, 2)])
def test_replicates_of_the_published_protocol_follow_it(num_queries: int, seed: int) -> None:
    before, after = ranks(num_queries, seed)
    found = paired_mean_distribution(before, after)
    drawn = paired_bootstrap(before, after, num_replicates=20_000, rng=np.random.default_rng(seed))
    assert stats.kstest(drawn.replicates, found.cdf).pvalue > 0.001
    assert found.p_positive == pytest.approx(drawn.p_positive, abs=0.012)
    assert found.interval(0.9) == pytest.approx(
        tuple(np.percentile(drawn.replicates, [5, 95])), abs=0.06 * found.standard_error
    )
    assert found.standard_error == pytest.approx(drawn.replicates.std(), rel=0.02)


def test_ends_of_the_interval_have_the_probabilities_that_they_stand_for() -> None:
    found = paired_mean_distribution(*ranks(5000, 3))
    for confidence in (0.5, 0.95, 0.999):
        ends = np.array(found.interval(confidence))
        assert found.cdf(ends) == pytest.approx([(1 - confidence) / 2, (1 + confidence) / 2], abs=1e-9)


def test_far_away_nothing_and_everything_is_reached() -> None:
    found = paired_mean_distribution(*ranks(5000, 4))
    assert found.cdf(np.array([-9.0, -1.0, 1.0, 9.0])) == pytest.approx([0, 0, 1, 1], abs=1e-9)


@given(seed=st.integers(0, 2**32 - 1), factor=st.floats(0.01, 100))
@settings(max_examples=20, deadline=None)
def test_exchanging_the_systems_mirrors_it_and_a_unit_scales_it(seed: int, factor: float) -> None:
    before, after = ranks(1000, seed)
    found, mirrored = paired_mean_distribution(before, after), paired_mean_distribution(after, before)
    low, high = found.interval()
    assert mirrored.interval() == pytest.approx((-high, -low), abs=1e-9)
    assert mirrored.p_positive == pytest.approx(1 - found.p_positive, abs=1e-8)
    scaled = paired_mean_distribution(factor * before, factor * after)
    assert scaled.interval() == pytest.approx((factor * low, factor * high), rel=1e-6, abs=1e-9 * factor)
    assert scaled.p_positive == pytest.approx(found.p_positive, abs=1e-8)


def test_what_has_no_smooth_distribution_is_refused_with_the_remedy() -> None:
    hits = np.arange(5000) < 40
    with pytest.raises(
        UsageError, match=r"more than 16 different differences, got 2; use counted_bootstrap, or exact_"
    ):
        paired_mean_distribution(~hits, np.ones(5000, dtype=bool))
    outweighed = np.random.default_rng(0).random(5000)
    outweighed[0] = 1e6
    with pytest.raises(UsageError, match=r"none of which outweighs the others, got 5000 .* use counted_bootstrap\.$"):
        paired_mean_distribution(np.zeros(5000), outweighed)
    with pytest.raises(UsageError, match=r"must be finite, got 1 of 2"):
        paired_mean_distribution(np.zeros(2), np.array([np.nan, 1.0]))
    with pytest.raises(UsageError, match=r"Use 0.95, not 95."):
        paired_mean_distribution(*ranks(1000, 0)).interval(95.0)
