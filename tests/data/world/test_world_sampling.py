from itertools import islice, pairwise

import pytest

from misfire.data.world import (
    Background,
    Knobs,
    Scene,
    Split,
    SpuriousContext,
    num_different_facts,
    scene_stream,
    split_of,
    tied_background,
    tied_colour,
)
from misfire.data.world.facts import MAX_COUNT, Relation, Size


def scenes(split: Split, number: int, seed: int = 0, **knobs: object) -> list[Scene]:
    return list(islice(scene_stream(seed, split, knobs=Knobs(**knobs)), number))  # type: ignore[arg-type]


def test_the_splits_share_no_facts_whatever_the_seed() -> None:
    facts = {split: {scene.facts for seed in (0, 1) for scene in scenes(split, 6000, seed)} for split in Split}
    for split in Split:
        for other in set(Split) - {split}:
            assert not facts[split] & facts[other]


@pytest.mark.parametrize("split", list(Split))
def test_every_scene_knows_its_split(split: Split) -> None:
    assert {split_of(scene) for scene in scenes(split, 300, spurious_correlation=0.5, nuisance=0.5)} == {split}


def test_a_shorter_stream_is_a_prefix_and_another_seed_is_another_world() -> None:
    assert scenes(Split.TEST, 1000)[:50] == scenes(Split.TEST, 50)
    assert not set(scenes(Split.TEST, 1000)) & set(scenes(Split.TEST, 1000, seed=1))


def test_every_fact_occurs_and_every_scene_is_drawable() -> None:
    drawn = scenes(Split.TEST, 3000)
    groups = [group for scene in drawn for group in scene.groups]
    number_of_values = {"kind": 16, "colour": 8, "texture": 4, "size": 2, "count": MAX_COUNT, "action": 7}
    for fact, number in number_of_values.items():
        assert len({getattr(group, fact) for group in groups}) == number
    assert {scene.background for scene in drawn} == set(Background)
    assert {scene.relation for scene in drawn} == {None, Relation.LEFT_OF, Relation.ABOVE}
    assert all((scene.relation is None) == (len(scene.groups) == 1) for scene in drawn)
    for scene in drawn:
        if len(scene.groups) == 2:
            assert sum(group.count for group in scene.groups) <= 6
            assert all(group.count <= 3 for group in scene.groups if group.size is Size.LARGE)
            assert len({(group.kind, group.colour) for group in scene.groups}) == 2


def test_most_scenes_have_a_near_miss_beside_them() -> None:
    drawn = scenes(Split.TEST, 3000)
    differences = [num_different_facts(one, other) for one, other in pairwise(drawn)]
    assert sum(number <= 2 for number in differences) / len(differences) > 0.4
    single = [pair for pair in pairwise(drawn) if {len(scene.groups) for scene in pair} == {1}]
    changed = {
        fact
        for one, other in single
        if num_different_facts(one, other) == 1
        for fact in ("kind", "colour", "texture", "size", "count", "action")
        if getattr(one.groups[0], fact) != getattr(other.groups[0], fact)
    }
    assert changed == {"colour", "texture", "size", "count", "action"}


def test_a_spurious_correlation_ties_the_background_to_the_first_kind() -> None:
    def share_tied(strength: float) -> float:
        drawn = scenes(Split.TEST, 4000, spurious_correlation=strength)
        return sum(scene.background is tied_background(scene.groups[0].kind) for scene in drawn) / len(drawn)

    assert share_tied(0.0) == pytest.approx(1 / 8, abs=0.03)
    assert share_tied(0.6) == pytest.approx(0.6 + 0.4 / 8, abs=0.05)  # near-miss twins shift it a little
    assert share_tied(1.0) == 1.0


def test_colours_can_be_the_context_instead() -> None:
    colours = {"spurious_correlation": 0.6, "spurious_context": SpuriousContext.COLOUR, "second_group": 0.0}
    drawn = scenes(Split.TEST, 4000, **colours)
    tied = sum(scene.groups[0].colour is tied_colour(scene.groups[0].kind) for scene in drawn) / len(drawn)
    assert tied == pytest.approx(0.6 + 0.4 / 8, abs=0.05)
    tied = sum(scene.background is tied_background(scene.groups[0].kind) for scene in drawn) / len(drawn)
    assert tied == pytest.approx(1 / 8, abs=0.03)
    assert {len(scene.groups) for scene in drawn} == {1}


def test_nuisances_come_with_their_probability_and_always_with_a_hard_combination() -> None:
    drawn = scenes(Split.TEST, 4000, nuisance=0.25)
    assert sum(scene.nuisance is not None for scene in drawn) / 4000 == pytest.approx(0.25, abs=0.03)
    planted = scenes(Split.TEST, 4000, hard_combinations=(frozenset({"star", "night"}),))
    assert any(scene.nuisance is not None for scene in planted)
    for scene in planted:
        assert (scene.nuisance is not None) == ({"star", "night"} <= scene.tags)
