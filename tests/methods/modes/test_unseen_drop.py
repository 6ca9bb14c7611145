from itertools import combinations

import numpy as np
import pytest

from misfire.core.errors import UsageError
from misfire.methods.modes.tag_mode import Mode, TaggedOutcomes, prime
from misfire.methods.modes.unseen_drop import drops_by_num_tags, generalisation, random_halves, subset_lattice

CORRECT = np.array([True, False, True, True, False, True, True, True])
LABELS = np.array([0, 0, 0, 0, 0, 0, 1, 1])
TAGS = np.array([[1, 1, 1, 1, 1, 0, 0, 0], [0, 1, 0, 0, 1, 1, 0, 0], [0, 0, 0, 1, 1, 1, 0, 0]], dtype=bool).T
IMAGES = TaggedOutcomes(CORRECT, LABELS, TAGS)


def test_drops_on_unseen_images_are_counted_by_hand() -> None:
    modes = [
        Mode(0, (0, 1), 40, 10, 0.8),
        Mode(0, (2,), 40, 20, 0.8),
        Mode(1, (0,), 40, 30, 0.9),
        Mode(5, (0,), 9, 0, 0.5),
    ]
    held = generalisation(modes, IMAGES)
    assert held.unseen_support.tolist() == [2, 3, 0, 0]
    assert held.unseen_correct.tolist() == [0, 2, 0, 0]
    assert held.found_drop == pytest.approx([0.55, 0.3, 0.15, 0.5])
    assert held.unseen_drop == pytest.approx([4 / 6, 0.0, np.nan, np.nan], nan_ok=True)
    assert held.correlation == pytest.approx(1.0)
    assert held.share_with_drop(0.25) == 0.5
    assert held.shrinkage == pytest.approx((0.55 + 0.3 - 4 / 6) / 2)
    assert "the 2 modes drop by 30 to 55 points (42.5 in the mean); on unseen images by 0 to 67 (33.3)" in held.in_words
    assert held.in_words.endswith("2 more have no unseen image.")


def test_nothing_measured_is_nan_and_said() -> None:
    held = generalisation([Mode(1, (0,), 40, 30, 0.9)], IMAGES)
    assert np.isnan([held.correlation, held.shrinkage, held.share_with_drop(0.1)]).all()
    assert held.in_words.startswith("None of the 1 modes has an unseen image")


def test_a_share_counts_a_drop_that_lies_on_the_bound() -> None:
    correct, tags = np.array([True] * 9 + [False]), np.ones((10, 1), dtype=bool)
    tags[:8] = False
    held = generalisation([Mode(0, (0,), 40, 10, 0.8)], TaggedOutcomes(correct, np.zeros(10, dtype=int), tags))
    assert held.unseen_drop == pytest.approx([0.4])
    assert held.share_with_drop(0.4) == 1.0


def test_halves_split_each_class_and_lose_no_image() -> None:
    labels = np.repeat([0, 1, 2, 3], [7, 10, 1, 200])
    searched, held_out = random_halves(labels, rng=np.random.default_rng(0))
    assert sorted([*searched, *held_out]) == list(range(len(labels)))
    for label in range(4):
        sizes = [(labels[rows] == label).sum() for rows in (searched, held_out)]
        assert abs(sizes[0] - sizes[1]) <= 1


def test_chosen_modes_shrink_on_the_other_half() -> None:
    """Outcomes that no tag explains: what is found on one half is nothing on the other."""
    rng = np.random.default_rng(4)
    labels, tags = np.zeros(4000, dtype=int), rng.random((4000, 20)) < 0.3
    correct = rng.random(4000) < 0.8
    searched, unseen = random_halves(labels, rng=rng)
    modes = prime(correct[searched], labels[searched], tags[searched], min_drop=0.1)
    held = generalisation(modes, TaggedOutcomes(correct[unseen], labels[unseen], tags[unseen]))
    assert len(modes) > 5
    assert held.shrinkage > 0.08
    assert abs(np.nanmean(held.unseen_drop)) < 0.05


def test_drops_by_number_of_tags_match_a_loop() -> None:
    rng = np.random.default_rng(1)
    labels, tags, correct = rng.integers(0, 2, 300), rng.random((300, 6)) < 0.5, rng.random(300) < 0.7
    modes = [Mode(label, chosen, 0, 0, 0.0) for label in (0, 1) for chosen in combinations(range(4), 3)]
    modes.append(Mode(0, (0, 5), 0, 0, 0.0))
    expected = []
    for least in (1, 2, 3):
        drops = []
        for mode in modes[:-1]:
            of_class = [i for i in range(300) if labels[i] == mode.label]
            members = [i for i in of_class if sum(tags[i][tag] for tag in mode.tags) >= least]
            drops.append(np.mean(correct[of_class]) - np.mean(correct[members]))
        expected.append(np.mean(drops))
    images = TaggedOutcomes(correct, labels, tags)
    assert drops_by_num_tags(modes, images) == pytest.approx(expected)
    assert np.isnan(drops_by_num_tags(modes, images, size=4)).all()


def test_the_lattice_goes_from_the_class_to_all_tags() -> None:
    lattice = subset_lattice(Mode(0, (0, 2), 2, 1, 4 / 6), IMAGES)
    assert [(node.tags, node.support, node.num_correct) for node in lattice] == [
        ((), 6, 4),
        ((0,), 5, 3),
        ((2,), 3, 2),
        ((0, 2), 2, 1),
    ]
    assert np.isnan(subset_lattice(Mode(1, (0,), 1, 1, 1.0), IMAGES)[1].accuracy)


def test_bad_input_is_refused_with_its_remedy() -> None:
    with pytest.raises(UsageError, match=r"got \(9,\) for 3 columns; give the images the same columns"):
        generalisation([Mode(0, (9,), 1, 1, 1.0)], IMAGES)
    with pytest.raises(UsageError, match=r"size must be >= 1, got 0"):
        drops_by_num_tags([], IMAGES, size=0)
