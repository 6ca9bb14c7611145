import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]

from misfire.core.errors import UsageError
from misfire.stats import mcnemar, sign_flip_test

RANKS = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=8)


def pairs(ranks: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    before, after = np.array(ranks).T
    return before, after


def every_swap(delta: list[Fraction]) -> float:
    """Share of all assignments of signs whose sum is as far from zero as the observed one, in whole numbers."""
    sums = [
        abs(sum(s * d for s, d in zip(signs, delta, strict=True)))
        for signs in itertools.product((1, -1), repeat=len(delta))
    ]
    return sums.count(sums[0]) / len(sums) + sum(value > sums[0] for value in sums) / len(sums)


@given(RANKS)
def test_ranks_and_reciprocal_ranks_match_every_swap(ranks: list[tuple[int, int]]) -> None:
    before, after = pairs(ranks)
    by_rank = sign_flip_test(before, after, rng=np.random.default_rng(0))
    assert by_rank.p_value == pytest.approx(every_swap([Fraction(b - a) for a, b in ranks]), abs=1e-12)
    by_reciprocal = sign_flip_test(1 / before, 1 / after, rng=np.random.default_rng(0))
    expected = every_swap([Fraction(1, b) - Fraction(1, a) for a, b in ranks])
    assert by_reciprocal.p_value == pytest.approx(expected, abs=1e-12)
    assert by_rank.is_exact
    assert by_rank.mean_difference == pytest.approx((after - before).mean())


def test_scipy_agrees_where_all_swaps_are_enumerated() -> None:
    rng = np.random.default_rng(3)
    before, after = rng.integers(1, 50, size=11), rng.integers(1, 40, size=11)
    theirs = stats.permutation_test(
        (before, after), lambda x, y, axis: np.mean(y - x, axis=axis), permutation_type="samples", vectorized=True
    )
    assert sign_flip_test(before, after, rng=rng).p_value == pytest.approx(theirs.pvalue, abs=1e-12)


@given(st.integers(0, 8), st.integers(0, 6))
def test_of_hits_it_is_mcnemars_exact_test(fixed: int, broken: int) -> None:
    before, after = np.array([[0, 1]] * fixed + [[1, 0]] * broken + [[1, 1], [0, 0]], dtype=bool).T
    test = sign_flip_test(before, after, num_replicates=2**14, rng=np.random.default_rng(0))
    assert test.p_value == pytest.approx(mcnemar(fixed, broken).p_exact, abs=1e-12)


@pytest.mark.parametrize("num_distinct", [4, 10_000])
def test_a_sample_of_swaps_tends_to_all_of_them(num_distinct: int) -> None:
    """Whether equal differences are counted or each query is flipped by itself."""
    rng = np.random.default_rng(5)
    values = rng.integers(0, num_distinct, size=(2, 200)) + np.array([[0], [num_distinct // 25]])
    sampled = sign_flip_test(values[0], values[1], num_replicates=40_000, rng=rng)
    delta = values[1] - values[0]
    normal = 2 * stats.norm.sf(abs(delta.sum()) / np.sqrt((delta**2).sum()))
    assert (sampled.is_exact, sampled.num_assignments) == (False, 40_001)
    assert 0.01 < normal < 0.6
    assert sampled.p_value == pytest.approx(normal, abs=0.03)


def test_the_observed_assignment_counts() -> None:
    test = sign_flip_test(np.zeros(60), np.ones(60), num_replicates=99, rng=np.random.default_rng(0))
    assert test.p_value == 1 / 100


def test_no_difference_is_no_evidence() -> None:
    assert sign_flip_test(np.ones(5), np.ones(5), rng=np.random.default_rng(0)).p_value == 1.0


@given(RANKS, st.integers(-5, 5), st.randoms(use_true_random=False))
def test_order_swap_and_shift_change_nothing(ranks: list[tuple[int, int]], shift: int, random: object) -> None:
    before, after = pairs(ranks)
    test = sign_flip_test(before, after, rng=np.random.default_rng(0))
    order = np.random.default_rng(1).permutation(len(before))
    permuted = sign_flip_test(before[order], after[order], rng=np.random.default_rng(0))
    swapped = sign_flip_test(after, before, rng=np.random.default_rng(0))
    shifted = sign_flip_test(before + shift, after + shift, rng=np.random.default_rng(0))
    assert permuted.p_value == swapped.p_value == shifted.p_value == test.p_value
    assert swapped.mean_difference == -test.mean_difference


def test_captions_of_an_image_change_sides_together() -> None:
    before, after = np.zeros(10), np.ones(10)
    images = np.repeat(np.arange(5), 2)
    test = sign_flip_test(before, after, clusters=images, rng=np.random.default_rng(0))
    assert test.p_value == 2 / 2**5
    by_caption = sign_flip_test(before, after, rng=np.random.default_rng(0))
    assert by_caption.p_value == 2 / 2**10


def test_equal_systems_are_called_different_as_often_as_alpha_says() -> None:
    rng = np.random.default_rng(11)
    rejections = [
        sign_flip_test(*(1 / rng.integers(1, 30, size=(2, 40))), num_replicates=199, rng=rng).p_value <= 0.05
        for _ in range(1000)
    ]
    assert stats.binomtest(sum(rejections), 1000, 0.05).pvalue > 0.001


def test_bad_input_is_refused_with_its_remedy() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(UsageError, match=r"at least one, got 0 and 0; join them by query id first"):
        sign_flip_test(np.empty(0), np.empty(0), rng=rng)
    with pytest.raises(UsageError, match=r"must be finite, got 1 of 2"):
        sign_flip_test(np.zeros(2), np.array([np.inf, 1.0]), rng=rng)
    with pytest.raises(UsageError, match=r"got 0. Use 2000."):
        sign_flip_test(np.zeros(2), np.ones(2), num_replicates=0, rng=rng)
