import numpy as np
import pandas as pd
import pytest

from misfire.core.errors import UsageError
from misfire.stats.agreement import cohen_kappa
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


@pytest.mark.parametrize("other", [["1", "2", "10"], ["1.0", "2.0", "10.0"], [1.0, 2.0, 10.0], ["1", 2, "10.0"]])
def test_a_number_and_its_spelling_are_one_label(other: list[object]) -> None:
    first, second, categories = encode_pair([1, 2, 10], other)
    assert first.tolist() == second.tolist() == [0, 1, 2]
    assert categories == (1, 2, 10)
    assert cohen_kappa([1, 2, 10] * 5, other * 5, rng=np.random.default_rng(0)).kappa == 1.0
    assert encode_labels(other, categories=[10, 2, 1])[0].tolist() == [2, 1, 0]


def test_spellings_without_a_number_keep_their_text_and_codes_of_two_digits_their_zero() -> None:
    assert encode_labels(["2", "10", "2.0"])[1] == ("10", "2")
    codes, categories = encode_labels([1, "01", "1e0", "1"])
    assert (codes.tolist(), categories) == ([0, 1, 2, 0], (1, "01", "1e0"))
    with pytest.raises(UsageError, match=r"categories must differ, got 2 \(1, 1\)"):
        encode_labels([1], categories=[1, "1"])


@pytest.mark.parametrize("nothing", [pd.NA, pd.NaT, np.nan, None, "", -1, "-1", np.ma.masked], ids=repr)
def test_every_program_has_its_own_nothing(nothing: object) -> None:
    column = np.array(["a", nothing, "b"], dtype=object)
    assert encode_labels(column)[0].tolist() == [0, -1, 1]
    result = cohen_kappa(list(column), ["a", "b", "b"], rng=np.random.default_rng(0))
    assert (result.num_items, result.raw_agreement) == (2, 1.0)


def test_a_column_of_pandas_is_read_with_its_gaps() -> None:
    column = pd.Series([1, None, 2], dtype="Int64")
    assert encode_labels(column.tolist())[0].tolist() == encode_labels(column.to_numpy())[0].tolist() == [0, -1, 1]


def test_a_truth_value_and_its_spellings_are_one_label_but_texts_alone_stay_texts() -> None:
    codes, categories = encode_labels([True, "True", "true", False, "False"])
    assert codes.tolist() == [1, 1, 1, 0, 0]
    assert categories == (False, True)
    assert encode_labels(["True", "true"])[1] == ("True", "true")


def test_bytes_are_no_labels() -> None:
    with pytest.raises(UsageError, match=r"labels must be texts or numbers, got bytes \(1 \(b'a'\)\); decode them"):
        encode_labels([b"a", "a"])
