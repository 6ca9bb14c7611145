"""Confused pairs and rivals against loops and scikit-learn's confusion matrix."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix

from misfire.core.errors import UsageError
from misfire.methods.classification.rivals import class_rivals, classes_that_share_a_name, confused_pairs
from misfire.stats import benjamini_hochberg, holm

outcomes = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=80)


def arrays(pairs: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([true for true, _ in pairs], dtype=np.int64), np.array([said for _, said in pairs], dtype=np.int64)


@settings(max_examples=20, deadline=None)
@given(outcomes)
def test_pairs_are_those_of_the_confusion_matrix(pairs: list[tuple[int, int]]) -> None:
    labels, said = arrays(pairs)
    table = confused_pairs(labels, said, num_classes=6)
    matrix = confusion_matrix(labels, said, labels=range(6)) if pairs else np.zeros((6, 6), dtype=int)
    expected = {(a, b) for a in range(6) for b in range(a) if matrix[a, b] + matrix[b, a]}
    assert {(max(row.first, row.second), min(row.first, row.second)) for row in table.itertuples()} == expected
    for row in table.itertuples():
        assert row.first_as_second == matrix[row.first, row.second] >= row.second_as_first
        assert row.second_as_first == matrix[row.second, row.first]
        total = row.first_as_second + row.second_as_first
        assert row.p_exact == pytest.approx(binomtest(row.first_as_second, total, 0.5).pvalue)
        assert row.share_of_first == pytest.approx(row.first_as_second / (labels == row.first).sum())
    assert (table.p_holm.to_numpy() == holm(table.p_exact.to_numpy())).all()
    np.testing.assert_allclose(table.p_benjamini_hochberg, benjamini_hochberg(table.p_exact.to_numpy()))
    totals = (table.first_as_second + table.second_as_first).tolist()
    assert totals == sorted(totals, reverse=True)


@settings(max_examples=20, deadline=None)
@given(outcomes)
def test_rivals_are_the_most_frequent_wrong_names(pairs: list[tuple[int, int]]) -> None:
    labels, said = arrays(pairs)
    table = class_rivals(labels, said, num_classes=6)
    for one, row in enumerate(table.itertuples()):
        wrong = said[(labels == one) & (said != one)]
        if len(wrong):
            counts = np.bincount(wrong, minlength=6)
            assert (row.rival, row.called_rival) == (counts.argmax(), counts.max())
            assert row.rival_called_it == ((labels == row.rival) & (said == one)).sum()
        else:
            assert (row.rival, row.called_rival, row.rival_called_it) == (-1, 0, 0)
        assert row.never_predicted == (one not in said)


def test_one_way_confusion_is_told_from_chance() -> None:
    labels = np.repeat([0, 1, 2, 3], 50)
    said = labels.copy()
    said[:20] = 1  # 20 of class 0 are called 1, none the other way round
    said[100:110] = 3
    said[150:161] = 2  # 10 and 11 of classes 2 and 3 are exchanged
    table = confused_pairs(labels, said, num_classes=4)
    assert table[["first", "second"]].to_numpy().tolist() == [[3, 2], [0, 1]]
    assert table.p_holm[1] < 1e-4
    assert table.p_holm[0] == 1.0


def test_names_are_compared_as_they_are_read() -> None:
    names = ["missile", "sun_glasses", "Sun-Glasses ", "crane", "cat", "missile"]
    assert classes_that_share_a_name(names) == [(0, 5), (1, 2)]
    assert classes_that_share_a_name(["a", "b"]) == []


def test_no_outcome_has_no_pair() -> None:
    nothing = np.array([], dtype=np.int64)
    assert isinstance(confused_pairs(nothing, nothing, num_classes=3), pd.DataFrame)
    assert class_rivals(nothing, nothing, num_classes=3).never_predicted.all()


def test_a_prediction_that_is_no_class_is_refused() -> None:
    with pytest.raises(UsageError, match=r"predictions must lie in 0 to 2, got 1 \(7 at position 1\) outside"):
        confused_pairs(np.array([0, 1]), np.array([0, 7]), num_classes=3)
