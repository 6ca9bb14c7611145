import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from misfire.core.errors import UsageError
from misfire.methods.modes import (
    ExactLaw,
    NormalLaw,
    PermutationLaw,
    RankLaw,
    RankSum,
    SaddlepointLaw,
    SuitedLaw,
)

CLASSES = st.lists(st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=4), min_size=1, max_size=2)


def every_order(classes: list[list[float]]) -> np.ndarray:
    """The rank sum of every order of every class's errors."""
    sums = [
        [sum((place + 1) * error for place, error in enumerate(order)) for order in itertools.permutations(errors)]
        for errors in classes
    ]
    return np.array([sum(parts) for parts in itertools.product(*sums)])


def sum_of(values: np.ndarray, classes: list[list[float]]) -> RankSum:
    strata = np.repeat(np.arange(len(classes)), [len(errors) for errors in classes])
    return RankSum(values.astype(float), np.concatenate([np.array(errors) for errors in classes]), strata)


@given(CLASSES)
def test_the_exact_law_counts_every_order(classes: list[list[float]]) -> None:
    orders = every_order(classes)
    found, _ = ExactLaw().p_values(sum_of(np.unique(orders), classes), rng=np.random.default_rng(0))
    if len(np.unique(orders)) == 1:
        assert np.isnan(found).all()
    else:
        np.testing.assert_allclose(found, [(orders >= value).mean() for value in np.unique(orders)], atol=1e-12)


@given(st.lists(st.lists(st.sampled_from([0.0, 0.3, 1.0]), min_size=1, max_size=4), min_size=1, max_size=2))
def test_mean_deviation_and_concordance_are_those_of_every_order(classes: list[list[float]]) -> None:
    orders = every_order(classes)
    sums = sum_of(orders, classes)
    assert sums.mean == pytest.approx(orders.mean())
    assert sums.deviation == pytest.approx(orders.std(), abs=1e-9)
    if np.ptp(orders) > 1e-9:
        np.testing.assert_allclose(sums.concordance, (orders - orders.min()) / np.ptp(orders), atol=1e-9)
    else:
        assert np.isnan(sums.concordance).all()


@pytest.mark.parametrize(("num_wrong", "num_right"), [(3, 5), (40, 30), (7, 200)])
def test_one_class_is_mann_whitneys_test(num_wrong: int, num_right: int) -> None:
    rng = np.random.default_rng(num_wrong)
    wrong, right = rng.normal(0.4, size=num_wrong), rng.normal(size=num_right)
    theirs = stats.mannwhitneyu(wrong, right, alternative="greater", method="exact")
    ranks = stats.rankdata(np.concatenate([wrong, right]))[:num_wrong]
    sums = sum_of(np.array([ranks.sum()]), [[1.0] * num_wrong + [0.0] * num_right])
    assert ExactLaw().p_values(sums, rng=rng)[0][0] == pytest.approx(theirs.pvalue, rel=1e-9)
    assert SaddlepointLaw().p_values(sums, rng=rng)[0][0] == pytest.approx(theirs.pvalue, rel=0.01)
    assert sums.concordance[0] == pytest.approx(theirs.statistic / (num_wrong * num_right))


def several_classes(seed: int = 0) -> RankSum:
    rng = np.random.default_rng(seed)
    errors, strata = (rng.random(300) < 0.2).astype(float), rng.integers(0, 5, size=300)
    sums = RankSum(np.zeros(1), errors, strata)
    return RankSum(np.rint(sums.mean + sums.deviation * np.linspace(-3, 6, 10)), errors, strata)


def test_the_saddlepoint_is_within_a_thousandth_of_the_exact_law_far_into_the_tail() -> None:
    sums = several_classes()
    exact, near = (law.p_values(sums, rng=np.random.default_rng(0))[0] for law in (ExactLaw(), SaddlepointLaw()))
    assert exact.min() < 1e-9
    np.testing.assert_allclose(near, exact, rtol=1e-3)


def test_deals_and_the_normal_limit_agree_with_the_exact_law_where_they_can() -> None:
    sums, rng = several_classes(), np.random.default_rng(1)
    exact = ExactLaw().p_values(sums, rng=rng)[0]
    dealt = PermutationLaw(19_999).p_values(sums, rng=rng)[0]
    np.testing.assert_allclose(dealt, exact, atol=4 * 0.5 / np.sqrt(20_000))
    assert dealt.min() == 1 / 20_000
    np.testing.assert_allclose(NormalLaw().p_values(sums, rng=rng)[0], exact, atol=0.01)


def test_graded_errors_are_dealt_or_go_to_the_limit() -> None:
    rng = np.random.default_rng(2)
    errors, strata = rng.random(200), rng.integers(0, 4, size=200)
    sums = RankSum(np.zeros(1), errors, strata)
    sums = RankSum(sums.mean + sums.deviation * np.linspace(-2, 2, 5), errors, strata)
    dealt, words = SuitedLaw().p_values(sums, rng=rng)
    assert words == "by 9,999 deals of the errors within classes"
    limit, words = SuitedLaw(most_dealt=1000).p_values(sums, rng=rng)
    assert words == "by the normal limit of all deals"
    np.testing.assert_allclose(dealt, limit, atol=0.02)


def test_the_suited_law_is_exact_where_that_is_quick() -> None:
    rng = np.random.default_rng(0)
    few = RankSum(np.full(3, 160.0), (np.arange(60) % 4 == 0).astype(float), np.arange(60) % 3)
    assert SuitedLaw().p_values(few, rng=rng)[1] == "exact, all orders counted"
    many = (np.arange(2000) % 4 == 0).astype(float)
    sums = RankSum(np.full(3, 600_000.0), many, np.zeros(2000, dtype=int))
    assert SuitedLaw().p_values(sums, rng=rng)[1] == "by a saddlepoint approximation of the exact law"


@pytest.mark.parametrize("law", [ExactLaw(), SaddlepointLaw(), PermutationLaw(9), NormalLaw(), SuitedLaw()])
def test_equal_errors_are_undefined(law: RankLaw) -> None:
    p_values, words = law.p_values(sum_of(np.array([3.0]), [[1.0, 1.0]]), rng=np.random.default_rng(0))
    assert np.isnan(p_values).all()
    assert words.startswith("undefined, as no class has")


def test_unfit_errors_and_settings_are_refused() -> None:
    sums = sum_of(np.array([3.0]), [[0.2, 1.0]])
    with pytest.raises(UsageError, match=r"an exact law needs errors of 0 and 1, got 2 different values; take deals"):
        ExactLaw().p_values(sums, rng=np.random.default_rng(0))
    with pytest.raises(UsageError, match="num_permutations must be >= 1, got 0"):
        PermutationLaw(0)
