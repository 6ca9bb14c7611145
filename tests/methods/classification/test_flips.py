"""What flipped between two classifiers, against loops over the images."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.methods.classification.flips import BROKEN, FIXED, MOVED, class_flips, image_flips
from misfire.stats import mcnemar

outcomes = st.lists(st.tuples(*[st.integers(0, 3)] * 3), max_size=60)


@settings(max_examples=25, deadline=None)
@given(outcomes)
def test_flips_are_those_of_a_loop(rows: list[tuple[int, int, int]]) -> None:
    label, before, after = (np.array([row[i] for row in rows], dtype=np.int64) for i in range(3))
    images = np.array([f"image {index}" for index in range(len(rows))])
    flips = image_flips(images, label, before, after)
    expected = [
        (f"image {index}", FIXED if now == true else BROKEN if was == true else MOVED)
        for index, (true, was, now) in enumerate(rows)
        if was != now
    ]
    assert list(zip(flips.image, flips.flip, strict=True)) == expected
    num_images = np.bincount(label, minlength=4)
    table = class_flips(flips, num_images)
    assert table.gain[num_images > 0].to_numpy() == pytest.approx(
        [((after == label)[label == one].mean() - (before == label)[label == one].mean()) for one in np.unique(label)]
    )
    for one, row in enumerate(table.itertuples()):
        lost = [now for true, was, now in rows if true == one == was != now]
        won = [true for true, was, now in rows if now == one != true == was]
        assert row.broken == len(lost)
        assert row.num_taken_by == (max(map(lost.count, lost)) if lost else 0)
        assert row.num_taken_from == (max(map(won.count, won)) if won else 0)
        if lost:
            assert row.taken_by == min(set(lost), key=lambda other: (-lost.count(other), other))
        if row.fixed + row.broken:
            assert row.p_exact == mcnemar(int(row.fixed), int(row.broken)).p_exact
        else:
            assert np.isnan(row.p_exact)
            assert row.taken_by == -1


def test_under_several_right_answers_right_to_right_is_no_flip() -> None:
    label, before, after = np.array([0, 0]), np.array([1, 2]), np.array([2, 1])
    hits = (np.array([True, False]), np.array([True, True]))
    flips = image_flips(np.array(["a", "b"]), label, before, after, hits=hits)
    assert flips.image.tolist() == ["b"]
    assert flips.flip.tolist() == [FIXED]


def test_predictions_of_other_images_are_refused() -> None:
    from tests.scoring.unchecked import without_shape_checks

    one, two = np.array([0]), np.array([0, 1])
    with without_shape_checks(), pytest.raises(UsageError, match="of the same images, got 1, 1, 1 and 2"):
        image_flips(one, one, one, two)
