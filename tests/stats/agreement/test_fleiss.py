import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import aggregate_raters
from statsmodels.stats.inter_rater import fleiss_kappa as statsmodels_fleiss_kappa

from misfire.core.errors import UsageError
from misfire.stats import fleiss_kappa


def rows_of_counts(counts: np.ndarray) -> np.ndarray:
    """One label an annotator, in any order, from how many gave each category."""
    return np.array([np.repeat(np.arange(len(row)), row) for row in counts])


# Ten items, 14 raters, five categories; kappa = 0.210.
WORKED_EXAMPLE = np.array(
    [
        [0, 0, 0, 0, 14],
        [0, 2, 6, 4, 2],
        [0, 0, 3, 5, 6],
        [0, 3, 9, 2, 0],
        [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0],
        [3, 2, 6, 3, 0],
        [2, 5, 3, 2, 2],
        [6, 5, 2, 1, 0],
        [0, 2, 2, 3, 7],
    ]
)


def brute_force_fleiss(labels: np.ndarray) -> float:
    """Item by item, pair by pair; equally many labels an item."""
    num_annotators = labels.shape[1]
    agreeing = [np.mean([row[i] == row[j] for i in range(num_annotators) for j in range(i)]) for row in labels]
    shares = [float((labels == category).mean()) for category in set(labels.ravel().tolist())]
    chance = sum(share**2 for share in shares)
    return math.nan if len(shares) == 1 else float((np.mean(agreeing) - chance) / (1 - chance))


def test_the_worked_example_of_ten_items() -> None:
    result = fleiss_kappa(rows_of_counts(WORKED_EXAMPLE), rng=np.random.default_rng(0))
    assert round(result.kappa, 3) == 0.210
    assert (result.num_items, result.num_labels) == (10, 140)
    assert result.low < result.kappa < result.high


@settings(deadline=None)
@given(st.integers(2, 5), st.integers(1, 20), st.integers(0, 2**32))
def test_equally_many_labels_give_fleiss_own_kappa(num_annotators: int, num_items: int, seed: int) -> None:
    labels = np.random.default_rng(seed).choice(3, p=[0.6, 0.3, 0.1], size=(num_items, num_annotators))
    result = fleiss_kappa(labels, num_replicates=10, rng=np.random.default_rng(0))
    assert result.kappa == pytest.approx(brute_force_fleiss(labels), nan_ok=True)
    if not math.isnan(result.kappa):
        assert result.kappa == pytest.approx(statsmodels_fleiss_kappa(aggregate_raters(labels)[0]))


def test_unequal_numbers_weigh_disagreement_by_labels() -> None:
    """By hand: two items of three and two labels; 4/3 + 1 disagreements of 3 * (1 - (3/5)**2 - (2/5)**2) expected."""
    result = fleiss_kappa([["a", "b", "a"], ["b", "a", None], ["b", None, None]], rng=np.random.default_rng(0))
    assert result.kappa == pytest.approx(1 - (4 / 3 + 1) / (3 * (1 - 9 / 25 - 4 / 25)))
    assert (result.num_items, result.num_labels) == (2, 5)


def test_undefined_and_perfect_agreement() -> None:
    rng = np.random.default_rng(0)
    constant = fleiss_kappa([["a", "a"]] * 9, rng=rng)
    assert math.isnan(constant.kappa)
    assert constant.reason == "every label is 'a', so that the agreement by chance is 1."
    single = fleiss_kappa([["a", None], [None, "b"]], rng=rng)
    assert math.isnan(single.kappa)
    assert single.reason == "no item has two labels."
    perfect = fleiss_kappa([["a"] * 3, ["b"] * 3] * 10, rng=rng)
    assert (perfect.kappa, perfect.high) == (1.0, 1.0)
    assert perfect.low == pytest.approx((20 / (20 + 1.959964**2) - 0.5) / 0.5)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """Three annotators over three even categories, right with 0.8: kappa is (0.66 - 1/3) / (2/3)."""
    rng, trials, covered = np.random.default_rng(1), 300, 0
    for _ in range(trials):
        truth = rng.integers(0, 3, size=(60, 1))
        labels = np.where(rng.random((60, 3)) < 0.8, truth, (truth + rng.integers(1, 3, (60, 3))) % 3)
        result = fleiss_kappa(labels, num_replicates=300, rng=rng)
        covered += result.low <= (0.8**2 + 0.2**2 / 2 - 1 / 3) / (2 / 3) <= result.high
    assert 0.91 <= covered / trials <= 0.98


def test_a_single_list_is_refused() -> None:
    with pytest.raises(UsageError, match=r"must be a table with a row an item .* got shape \(2,\)"):
        fleiss_kappa(["ab", "cd"], rng=np.random.default_rng(0))
