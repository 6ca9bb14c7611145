from dataclasses import replace
from itertools import chain, combinations, product

import numpy as np
import pytest
from scipy.stats import hypergeom

from misfire.core.errors import UsageError
from misfire.methods.modes.mode_significance import (
    error_p_values,
    explained_by,
    family_wise_p_values,
    necessity_p_values,
    null_num_modes,
    num_sets_searched,
    significance,
)
from misfire.methods.modes.tag_mode import Criteria, Mode, TaggedOutcomes, failure_modes

Table = tuple[np.ndarray, np.ndarray, np.ndarray]


def random_table(seed: int, *, num_images: int = 2000, num_tags: int = 8, planted: bool = False) -> Table:
    """Two classes, tags that depend on each other, and outcomes that depend on none of them unless one is planted."""
    rng = np.random.default_rng(seed)
    labels, scene = rng.integers(0, 2, num_images), rng.integers(0, 3, num_images)
    tags = rng.random((num_images, num_tags)) < rng.uniform(0.1, 0.6, (3, num_tags))[scene]
    accuracy = np.where(planted & (labels == 1) & tags[:, 2] & tags[:, 5], 0.4, 0.85)
    return rng.random(num_images) < accuracy, labels, tags


def some_mode(label: int, *tags: int) -> Mode:
    return Mode(label, tags, 0, 0, 0.0)


def test_p_values_are_hypergeometric() -> None:
    correct, labels, tags = random_table(0)
    modes = [some_mode(label, *chosen) for label in (0, 1) for chosen in [(0,), (1, 3), (2, 5, 6)]]
    expected = []
    for mode in modes:
        of_class = labels == mode.label
        members = of_class & tags[:, list(mode.tags)].all(axis=1)
        wrong = np.count_nonzero(~correct & members)
        expected.append(hypergeom.sf(wrong - 1, of_class.sum(), np.count_nonzero(~correct & of_class), members.sum()))
    assert error_p_values(modes, TaggedOutcomes(correct, labels, tags)) == pytest.approx(expected, rel=1e-9)


def test_a_tag_is_necessary_if_it_matters_among_the_images_of_the_others() -> None:
    correct, labels, tags = random_table(1)
    population = [(labels == 1) & tags[:, [3, 4]].all(axis=1), (labels == 1) & tags[:, [0, 4]].all(axis=1)]
    population.append((labels == 1) & tags[:, [0, 3]].all(axis=1))
    members = (labels == 1) & tags[:, [0, 3, 4]].all(axis=1)
    expected = [
        hypergeom.sf((~correct & members).sum() - 1, rows.sum(), (~correct & rows).sum(), members.sum())
        for rows in population
    ]
    images = TaggedOutcomes(correct, labels, tags)
    whole, single, pair = some_mode(1, 0, 3, 4), some_mode(1, 0), some_mode(1, 0, 4)
    told = necessity_p_values([whole, single], images)
    assert told[0] == pytest.approx(max(expected))
    assert told[1] == error_p_values([single], images)[0]
    asked = max(expected[0], expected[2], error_p_values([whole], images)[0])  # without tag 3 it is a mode, too
    assert necessity_p_values([whole, pair], images)[0] == pytest.approx(asked)


def test_p_values_within_a_fine_class_count_the_draws_of_each() -> None:
    """All ways to draw the mode's two images of the first breed and one of the second, one by one."""
    correct = np.array([False, True, True, False, False, True, True])
    strata = np.array([4, 4, 4, 4, 9, 9, 9])
    members = [0, 3, 4]  # all three wrong
    tags = np.isin(np.arange(7), members)[:, None]
    draws = list(product(combinations(range(4), 2), combinations(range(4, 7), 1)))
    as_bad = [all(not correct[image] for image in chain(*draw)) for draw in draws]
    labels = np.zeros(7, dtype=int)
    within = TaggedOutcomes(correct, labels, tags, strata)
    assert error_p_values([some_mode(0, 0)], within) == pytest.approx([np.mean(as_bad)])
    everything = [not correct[list(draw)].any() for draw in combinations(range(7), 3)]
    images = TaggedOutcomes(correct, labels, tags)
    assert error_p_values([some_mode(0, 0)], images) == pytest.approx([np.mean(everything)])


def test_a_tag_that_stands_for_a_hard_breed_is_significant_only_without_strata() -> None:
    rng = np.random.default_rng(1)
    breed = rng.integers(0, 2, 2000)
    correct = rng.random(2000) < np.where(breed == 1, 0.3, 0.95)
    tags = (rng.random(2000) < np.where(breed == 1, 0.9, 0.1))[:, None]
    images, criteria = TaggedOutcomes(correct, np.zeros(2000, dtype=int), tags), Criteria(min_drop=0.2)
    within = replace(images, strata=breed)
    modes = failure_modes(images, criteria)
    assert len(modes) == 1
    assert error_p_values(modes, images)[0] < 1e-50
    assert error_p_values(modes, within)[0] > 0.05
    assert family_wise_p_values(modes, within, criteria, num_permutations=99, rng=rng)[0] > 0.05
    assert family_wise_p_values(modes, images, criteria, num_permutations=99, rng=rng) == pytest.approx([0.01])


def test_p_values_far_in_the_tail_stay_above_zero() -> None:
    correct, tags = np.arange(6000) >= 3000, (np.arange(6000) < 3000)[:, None]
    p_value = error_p_values([some_mode(0, 0)], TaggedOutcomes(correct, np.zeros(6000, dtype=int), tags))[0]
    assert 0 < p_value < 1e-300


def test_sets_searched_are_all_that_enough_images_carry() -> None:
    correct, labels, tags = random_table(2, num_images=300)
    expected = sum(
        (tags[labels == label][:, list(chosen)].all(axis=1)).sum() >= 12
        for label in (0, 1)
        for size in (1, 2, 3)
        for chosen in combinations(range(8), size)
    )
    assert num_sets_searched(TaggedOutcomes(correct, labels, tags), Criteria(min_support=12, max_size=3)) == expected


@pytest.mark.parametrize("strata", [None, np.array([0, 0, 0, 0, 0, 1, 1, 1, 1])])
def test_family_wise_p_values_are_those_of_all_assignments(strata: np.ndarray | None) -> None:
    """Every way to place four errors among nine images (two of each stratum), each set of tags looked at by a loop."""
    tags = np.array(
        [[1, 1, 1, 1, 0, 0, 1, 0, 0], [1, 1, 0, 0, 1, 1, 1, 0, 0], [0, 0, 1, 1, 1, 0, 1, 1, 1]], dtype=bool
    ).T
    correct = np.array([False, False, True, True, True, True, False, False, True])
    criteria, labels = Criteria(min_support=2, min_drop=0.05, max_size=3), np.zeros(9, dtype=int)
    groups = np.zeros(9, dtype=int) if strata is None else strata

    def worst(wrong: tuple[int, ...]) -> dict[tuple[int, ...], float]:
        found = {}
        for size in (1, 2, 3):
            for chosen in combinations(range(3), size):
                members = np.flatnonzero(tags[:, list(chosen)].all(axis=1))
                num_wrong = len(set(members.tolist()) & set(wrong))
                if len(members) >= 2 and 1 - num_wrong / len(members) <= 5 / 9 - 0.05 + 1e-12:
                    mean = variance = 0.0
                    for group in set(groups.tolist()):
                        drawn, total = int((groups[members] == group).sum()), int((groups == group).sum())
                        errors = int((~correct & (groups == group)).sum())
                        mean += hypergeom(total, errors, drawn).mean()
                        variance += hypergeom(total, errors, drawn).var()
                    found[chosen] = (num_wrong - mean) / variance**0.5 if variance > 0 else 0.0
        return found

    assignments = [
        wrong
        for wrong in combinations(range(9), 4)
        if strata is None or sum(strata[image] for image in wrong) == (~correct & (strata == 1)).sum()
    ]
    observed = worst(tuple(np.flatnonzero(~correct).tolist()))
    largest = np.array([max(worst(wrong).values(), default=-np.inf) for wrong in assignments])
    modes, rng = [some_mode(0, *chosen) for chosen in observed], np.random.default_rng(0)
    assert len(modes) > 1
    images = TaggedOutcomes(correct, labels, tags, strata)
    p_values = family_wise_p_values(modes, images, criteria, num_permutations=2000, rng=rng)
    expected = [np.mean(largest >= observed[mode.tags] - 1e-9) for mode in modes]
    assert p_values == pytest.approx(expected, abs=0.04)


@pytest.mark.parametrize("seed", range(4))
def test_shuffled_outcomes_have_no_mode_that_survives(seed: int) -> None:
    correct, labels, tags = random_table(seed)
    correct = np.random.default_rng(seed).permutation(correct)
    images, criteria = TaggedOutcomes(correct, labels, tags), Criteria(min_support=10, min_drop=0.1)
    modes, rng = failure_modes(images, criteria), np.random.default_rng(seed)
    found = significance(modes, images, criteria, num_permutations=99, num_shuffles=5, rng=rng)
    assert (found.q_values > 0.05).all()
    assert (found.family_wise > 0.05).all()
    assert (found.p_values <= found.q_values).all()
    assert abs(len(modes) - found.expected_by_chance) < 6 * (1 + found.expected_by_chance) ** 0.5


def test_a_planted_mode_survives_and_chance_would_find_less() -> None:
    correct, labels, tags = random_table(5, num_images=4000, planted=True)
    images, criteria = TaggedOutcomes(correct, labels, tags), Criteria(min_drop=0.2)
    modes, rng = failure_modes(images, criteria), np.random.default_rng(0)
    found = significance(modes, images, criteria, num_permutations=199, num_shuffles=5, rng=rng)
    assert len(modes) > 1  # subsets and neighbours of the planted set drop, too
    assert [mode.tags for mode, stays in zip(modes, found.survives(), strict=True) if stays] == [(2, 5)]
    assert found.family_wise[[mode.tags for mode in modes].index((2, 5))] == 1 / 200
    assert found.expected_by_chance < len(modes)
    assert found.num_sets == num_sets_searched(images, criteria)


def test_a_mode_whose_errors_lie_in_another_is_explained_by_it() -> None:
    """Grass that is mostly dry fails as dry grass does, so do leaves that lie on it; water and fog by themselves."""
    number = np.arange(600)
    grass, dry, leaves = number < 100, number < 70, (number >= 20) & (number < 80)
    water, fog = (number >= 300) & (number < 400), (number >= 390) & (number < 460)
    correct = np.ones(600, dtype=bool)
    correct[:68] = correct[300:380] = correct[390:450] = False
    tags = np.stack([grass, dry, leaves, water, fog], axis=1)
    images = TaggedOutcomes(correct, np.zeros(600, dtype=int), tags)
    modes = [some_mode(0, *chosen) for chosen in [(0,), (0, 1), (2,), (3,), (4,), (3, 4)]]
    p_values, everything = error_p_values(modes, images), np.ones(6, dtype=bool)
    explained = explained_by(modes, images, p_values, among=everything, level=1e-6)
    assert explained.tolist() == [1, -1, 1, -1, -1, 3]
    none = explained_by(modes, images, p_values, among=~everything, level=1e-6)
    assert none.tolist() == [-1] * 6


def test_bad_input_is_refused_with_its_remedy() -> None:
    correct, labels, tags = random_table(0, num_images=20)
    images, rng, criteria = TaggedOutcomes(correct, labels, tags), np.random.default_rng(0), Criteria()
    with pytest.raises(UsageError, match=r"a mode must have images, got none of class 7 with tags \(0,\)"):
        error_p_values([some_mode(7, 0)], images)
    with pytest.raises(UsageError, match=r"strata must be a whole number an image, got float64 of shape \(20,\)"):
        TaggedOutcomes(correct, labels, tags, labels * 0.5)
    with pytest.raises(UsageError, match=r"num_permutations must be >= 1, got 0"):
        family_wise_p_values([], images, criteria, num_permutations=0, rng=rng)
    with pytest.raises(UsageError, match=r"num_shuffles must be >= 0, got -1"):
        null_num_modes(images, criteria, num_shuffles=-1, rng=rng)
