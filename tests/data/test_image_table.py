"""Tables of what is known of images: their rules, their names by content, what a choice of rows or columns keeps."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.data import ClassLabels, Known, LabelMatrix, Sentences, Tags

IDS = np.array([7, 9, 8])
LABELS = ClassLabels(IDS, ("cat", "dog"), np.array([0, 1, 0]))
MATRIX = LabelMatrix(IDS, ("cat", "dog"), np.array([[1, -1], [0, 1], [-1, 0]]))
TAGS = Tags(IDS, ("red", "night"), np.array([[True, False], [True, True], [False, False]]), ("colour", "place"))
SENTENCES = Sentences(IDS, ("It is red.", "It is night."), TAGS.holds)
TABLES = (LABELS, MATRIX, TAGS, SENTENCES)


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (
            lambda: ClassLabels(np.array([7, 7]), ("cat",), np.array([0, 0])),
            "images of a table of classes must stand once",
        ),
        (lambda: ClassLabels(IDS, ("cat", "cat"), np.array([0, 1, 0])), r"must differ, got 1 \(cat\) again"),
        (lambda: ClassLabels(IDS, ("cat", " "), np.array([0, 1, 0])), r"must have a name, got none at 1 \(1\)"),
        (
            lambda: ClassLabels(IDS, ("cat", "dog"), np.array([0, 2, -1])),
            r"labels must be positions among 2 classes, got 2 \(2, -1\) outside",
        ),
        (lambda: ClassLabels(IDS, ("cat", "dog"), np.array([0, 1])), r"labels must have shape \(3,\), got \(2,\)"),
        (lambda: LabelMatrix(IDS, ("cat", "dog"), np.zeros((3, 1), int)), r"must have shape \(3, 2\), got \(3, 1\)"),
        (
            lambda: LabelMatrix(IDS, ("cat",), np.array([[1], [2], [0]])),
            r"1 \(present\), -1 \(absent\) or 0 \(unknown\), got 1 \(2\)",
        ),
        (lambda: Tags(IDS, ("red",), np.array([[0.2], [1.0], [0.0]])), "must hold truth values, got float64"),
        (lambda: Tags(IDS, ("red",), TAGS.holds[:, :1], ("colour", "place")), "one family each, got 2 for 1"),
        (lambda: TAGS.of_images([7, 3, 4]), r"it has 3 images and lacks 2 \(id 3, id 4\)"),
        (lambda: TAGS.columns(["red", "blue"]), r"it lacks 1 \(blue\); choose from 2 \(red, night\)"),
    ],
)
def test_a_table_that_breaks_a_rule_is_refused_in_one_sentence(build: Any, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        build()


@pytest.mark.parametrize("table", TABLES, ids=lambda table: type(table).__name__)
def test_rows_are_chosen_by_id_in_the_order_that_is_asked_for(table: Any) -> None:
    swapped = table.of_images([8, 7])
    assert swapped.image_ids.tolist() == [8, 7]
    values = {"ClassLabels": "labels", "LabelMatrix": "values"}.get(type(table).__name__, "holds")
    assert np.array_equal(getattr(swapped, values), getattr(table, values)[[2, 0]])
    assert swapped.of_images(np.array([7])) == table.of_images([7])


@pytest.mark.parametrize("table", TABLES, ids=lambda table: type(table).__name__)
def test_a_table_is_named_by_its_content_and_can_not_be_changed(table: Any) -> None:
    again = table.of_images(IDS)
    assert again == table
    assert hash(again) == hash(table)
    assert again.fingerprint == table.fingerprint
    assert table.of_images([9, 7, 8]) != table
    with pytest.raises(ValueError, match="read-only"):
        table.image_ids[0] = 1


def test_tables_of_one_content_and_two_meanings_differ() -> None:
    assert len({table.fingerprint for table in (*TABLES, Sentences(IDS, TAGS.names, TAGS.holds))}) == 5


def test_a_table_does_not_follow_the_array_that_it_was_made_of() -> None:
    values = np.array([[True], [False]])
    table = Tags(np.array([1, 2]), ("red",), values)
    values[:] = False
    assert table.counts.tolist() == [1]


def test_columns_keep_their_families() -> None:
    assert TAGS.columns(["night", "red"]).families == ("place", "colour")
    kept = TAGS.of_families(lambda family: family != "place")
    assert (kept.names, kept.families, kept.counts.tolist()) == (("red",), ("colour",), [2])


def test_the_known_fraction_of_no_images_is_undefined() -> None:
    assert np.isnan(MATRIX.of_images([]).known_fraction).all()
    assert MATRIX.known_fraction.tolist() == pytest.approx([2 / 3, 2 / 3])


def test_what_is_known_is_chosen_together() -> None:
    known = Known(labels=LABELS, tags=TAGS).of_images([9])
    assert known.labels == LABELS.of_images([9])
    assert known.tags == TAGS.of_images([9])
    assert known.label_matrix is known.sentences is None


@given(st.lists(st.integers(0, 50), unique=True, min_size=1, max_size=8), st.data())
def test_choosing_twice_is_choosing_once(ids: list[int], data: st.DataObject) -> None:
    table = ClassLabels(np.array(ids), ("a", "b"), np.arange(len(ids)) % 2)
    some = data.draw(st.lists(st.sampled_from(ids), unique=True))
    assert table.of_images(ids[::-1]).of_images(some) == table.of_images(some)
