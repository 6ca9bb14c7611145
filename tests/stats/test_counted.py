from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]

from misfire.core.errors import UsageError
from misfire.stats import clustered_bootstrap, counted_bootstrap, exact_paired_distribution, paired_bootstrap


@pytest.mark.parametrize(("fixed", "broken", "num_queries"), [(2, 1, 80), (6, 1, 24 * 4), (30, 20, 400)])
def test_counts_have_the_exact_distribution(fixed: int, broken: int, num_queries: int) -> None:
    before, after = np.arange(num_queries) < broken, np.arange(num_queries) >= num_queries - fixed
    result = counted_bootstrap(before, after, num_replicates=40_000, rng=np.random.default_rng(1))
    exact = exact_paired_distribution(fixed, broken, num_queries)
    net = np.rint(result.replicates * num_queries).astype(int)
    assert np.abs(result.replicates * num_queries - net).max() < 1e-9
    observed = np.bincount(net + num_queries, minlength=2 * num_queries + 1)
    expected = 40_000 * exact.probability
    often = expected > 5
    distance = ((observed - expected)[often] ** 2 / expected[often]).sum()
    assert stats.chi2.sf(distance, often.sum()) > 0.001
    assert result.p_positive == pytest.approx(exact.p_positive, abs=0.01)
    assert result.mean == pytest.approx(exact.mean, abs=0.002)


def test_clusters_of_few_kinds_match_every_possible_resample() -> None:
    """Four kinds of image, 20 of each: the replicates against the distribution of the four counts."""
    before = np.tile([0, 0, 1, 0, 1, 0], 20)
    after = np.tile([1, 0, 1, 1, 0, 0], 20)
    images = np.repeat(np.arange(80), np.tile([2, 1, 1, 2], 20))
    result = counted_bootstrap(before, after, clusters=images, num_replicates=40_000, rng=np.random.default_rng(0))
    plain = clustered_bootstrap(before, after, images, num_replicates=40_000, rng=np.random.default_rng(1))
    assert stats.ks_2samp(result.replicates, plain.replicates, method="asymp").pvalue > 0.001
    assert result.replicates.std() == pytest.approx(plain.replicates.std(), rel=0.02)


def test_a_resample_of_clusters_keeps_their_sizes() -> None:
    """40 images of one query that is fixed, 40 of two that are not: the denominators differ between resamples."""
    images = np.concatenate([np.arange(40), np.repeat(np.arange(40, 80), 2)])
    after = np.arange(120) < 40
    result = counted_bootstrap(np.zeros(120), after, clusters=images, num_replicates=500, rng=np.random.default_rng(0))
    possible = {fixed / (fixed + 2 * (80 - fixed)) for fixed in range(81)}
    assert {min(possible, key=lambda share: abs(share - value)) for value in result.replicates} <= possible
    assert np.min(np.abs(result.replicates[:, None] - sorted(possible)), axis=1).max() < 1e-12


@given(st.integers(0, 2**32))
def test_distinct_outcomes_are_drawn_as_the_protocol_draws_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    before, after, images = rng.random(30), rng.random(30), rng.integers(0, 9, size=30)
    counted = counted_bootstrap(before, after, num_replicates=20, rng=np.random.default_rng(seed))
    plain = paired_bootstrap(before, after, num_replicates=20, rng=np.random.default_rng(seed))
    assert (counted.replicates == plain.replicates).all()
    counted = counted_bootstrap(before, after, clusters=images, num_replicates=20, rng=np.random.default_rng(seed))
    clustered = clustered_bootstrap(before, after, images, num_replicates=20, rng=np.random.default_rng(seed))
    assert (counted.replicates == clustered.replicates).all()


def test_order_of_the_queries_changes_no_draw() -> None:
    rng = np.random.default_rng(7)
    before, after = rng.random((2, 200)) < 0.4
    order = rng.permutation(200)
    result = counted_bootstrap(before, after, rng=np.random.default_rng(0))
    permuted = counted_bootstrap(before[order], after[order], rng=np.random.default_rng(0))
    assert (result.replicates == permuted.replicates).all()


def test_no_difference_is_a_plain_zero() -> None:
    values = np.ones(40, dtype=bool)
    result = counted_bootstrap(values, values, rng=np.random.default_rng(0))
    assert str([result.mean, result.low, result.high, result.p_positive]) == "[0.0, 0.0, 0.0, 0.0]"


def test_rounding_is_no_gain() -> None:
    """0.1 + 0.2 - 0.3 isn't 0 in floating point; whole tenths say which replicates are."""
    delta = np.repeat([0.1, 0.2, -0.3], 40)
    result = counted_bootstrap(np.zeros(120), delta, rng=np.random.default_rng(0))
    drawn = np.random.default_rng(0).multinomial(120, [1 / 3, 1 / 3, 1 / 3], size=2000)
    exact = drawn @ np.array([-3, 1, 2])
    assert result.p_positive == (exact > 0).mean()
    assert Counter(result.replicates == 0) == Counter(exact == 0)
    assert (exact == 0).any()


def test_bad_input_is_refused_with_its_remedy() -> None:
    rng, two = np.random.default_rng(0), np.array([0.0, 1.0])
    with pytest.raises(UsageError, match=r"at least one, got 0 and 0; join them by query id first"):
        counted_bootstrap(np.empty(0), np.empty(0), rng=rng)
    with pytest.raises(UsageError, match=r"must be finite, got 1 of 2"):
        counted_bootstrap(two, np.array([np.nan, 1.0]), rng=rng)
    with pytest.raises(UsageError, match=r"Use 0.95, not 95."):
        counted_bootstrap(two, two, confidence=95.0, rng=rng)
    with pytest.raises(UsageError, match=r"got 0. Use 2000."):
        counted_bootstrap(two, two, num_replicates=0, rng=rng)
