import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.stats import label_distribution, smoothed_confusion


def test_several_labels_share_an_item_and_a_single_one_takes_its_row() -> None:
    table = [["a", "a", "b"], ["c", None, None], ["b", "b", None]]
    confusion = np.array([[8, 1, 1], [0, 9, 1], [2, 0, 6]])
    distribution = label_distribution(table, categories=["a", "b", "c"], confusion=confusion)
    assert distribution[0] == pytest.approx([2 / 3, 1 / 3, 0])
    assert distribution[1] == pytest.approx(smoothed_confusion(confusion)[2])
    assert distribution[2].tolist() == [0, 1, 0]


def test_smoothing_by_hand() -> None:
    """23 of 29 agree; beside "a" the others are used 21 and 16 times, rows and columns together."""
    confusion = np.array([[8, 2, 1], [0, 9, 1], [2, 0, 6]])
    smoothed = smoothed_confusion(confusion, prior_weight=2.0)
    prior = np.array([23 / 29, 6 / 29 * 21 / 37, 6 / 29 * 16 / 37])
    assert smoothed[0] == pytest.approx((confusion[0] + 2 * prior) / 13)
    assert smoothed.sum(axis=1) == pytest.approx(1)
    assert smoothed_confusion(confusion, prior_weight=0.0)[1] == pytest.approx([0.0, 0.9, 0.1])


@given(st.lists(st.lists(st.integers(0, 5), min_size=3, max_size=3), min_size=3, max_size=3))
def test_smoothed_rows_are_distributions(rows: list[list[int]]) -> None:
    confusion = np.array(rows)
    if confusion.sum():
        smoothed = smoothed_confusion(confusion)
        assert smoothed.sum(axis=1) == pytest.approx(1)
        assert (smoothed >= 0).all()


def test_bad_input_is_refused_with_its_remedy() -> None:
    with pytest.raises(UsageError, match=r"every item must have a label, got 1 of 2 without"):
        label_distribution([["a", "a"], [None, None]], categories=["a"])
    with pytest.raises(UsageError, match=r"items with one label need a measured confusion, got 1 of 1"):
        label_distribution([["a", None]], categories=["a"])
    with pytest.raises(UsageError, match=r"square matrix of counts >= 0, got shape \(1, 2\)"):
        smoothed_confusion(np.ones((1, 2)))
    with pytest.raises(UsageError, match=r"must hold a pair of labels, got 0"):
        smoothed_confusion(np.zeros((2, 2)))
    with pytest.raises(UsageError, match=r"prior_weight must be >= 0, got -1"):
        smoothed_confusion(np.eye(2), prior_weight=-1.0)
