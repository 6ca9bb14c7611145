import numpy as np
import pytest

from misfire.core.errors import UsageError
from misfire.stats.agreement.labels import encode_labels, encode_pair, label_counts


def test_texts_numbers_and_everything_missing() -> None:
    codes, categories = encode_labels([["b", None], [float("nan"), "a"], ["", -1], [10, 9]])
    assert categories == (9, 10, "a", "b")
    assert codes.tolist() == [[3, -1], [-1, 2], [-1, -1], [1, 0]]


@pytest.mark.parametrize("dtype", [np.int8, np.int64, object])
def test_integers_of_any_kind_are_numbers(dtype: type) -> None:
    codes, categories = encode_labels(np.array([10, -1, 9], dtype=dtype))
    assert (codes.tolist(), categories) == ([1, -1, 0], (9, 10))


def test_the_given_order_of_categories_is_kept() -> None:
    codes, categories = encode_labels(np.array(["b", "a"]), categories=("b", "c", "a"))
    assert (codes.tolist(), categories) == ([0, 2], ("b", "c", "a"))


def test_only_items_that_both_labelled_make_a_pair() -> None:
    first, second, categories = encode_pair(["a", None, "b", "c"], ["a", "b", None, "b"])
    assert (first.tolist(), second.tolist(), categories) == ([0, 2], [0, 1], ("a", "b", "c"))
    first, second, categories = encode_pair([], [])
    assert (len(first), len(second), categories) == (0, 0, ())


def test_counts_of_labels_are_counts_by_hand() -> None:
    codes = np.random.default_rng(0).integers(-1, 4, size=(30, 5))
    expected = [[row.tolist().count(category) for category in range(4)] for row in codes]
    assert label_counts(codes, 4).tolist() == expected


def test_bad_labels_are_refused_with_their_remedy() -> None:
    with pytest.raises(UsageError, match=r"must be among the categories 2 \(a, b\), got 2 \('A', 'c'\) that are not"):
        encode_labels(["A", "a", "c", "c"], categories=["a", "b"])
    with pytest.raises(UsageError, match=r"categories must differ, got 2 \(a, a\); name each once"):
        encode_labels(["a"], categories=["a", "a"])
    with pytest.raises(UsageError, match=r"got 2 and 1; join them by query id first"):
        encode_pair(["a", "b"], ["a"])
