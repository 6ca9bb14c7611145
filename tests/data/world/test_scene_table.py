"""The world's labels, tags and sentences against its scenes, read one by one."""

import numpy as np
import pytest

from misfire.data import image_sample
from misfire.data.world import Kind, Scene, World

WORLD = World(num_images=400, nuisance=0.3, captions_per_image=1)


def test_the_label_is_the_kind_of_the_first_group() -> None:
    labels = WORLD.labels
    assert labels.names == tuple(Kind)
    assert [labels.names[label] for label in labels.labels] == [scene.groups[0].kind for scene in WORLD.scenes]
    assert labels.image_ids.tolist() == [image.id for image in WORLD.images]


def test_two_kinds_made_alike_are_classes_named_after_both() -> None:
    labels = World(num_images=5, alike=["moon", "heart"]).labels
    names = dict(zip(Kind, labels.names, strict=True))
    assert (names.pop(Kind.HEART), names.pop(Kind.MOON)) == ("heart-moon", "moon-heart")
    assert all(kind == name for kind, name in names.items())


def test_the_matrix_says_which_kinds_a_scene_shows() -> None:
    for scene, row in zip(WORLD.scenes, WORLD.label_matrix.values, strict=True):
        shown = {name for name, value in zip(WORLD.label_matrix.names, row, strict=True) if value == 1}
        assert shown == {group.kind for group in scene.groups}
    assert (WORLD.label_matrix.known_fraction == 1).all()


def words_of(scene: Scene) -> set[str]:
    counts = {("one", "two", "three", "four", "five")[group.count - 1] for group in scene.groups}
    return set(scene.tags) | counts | {str(fact) for fact in (scene.relation, scene.nuisance) if fact is not None}


def test_the_tags_are_all_facts() -> None:
    tags = WORLD.tags
    for scene, row in zip(WORLD.scenes, tags.holds, strict=True):
        assert {tag for tag, holds in zip(tags.names, row, strict=True) if holds} == words_of(scene)
    assert len(tags.names) == 16 + 8 + 4 + 2 + 6 + 5 + 8 + 2 + 4
    assert set(tags.families[-4:]) == {"nuisance"}
    assert (tags.counts > 0).all()


def test_a_sentence_is_true_where_one_group_is_all_that_it_says() -> None:
    sentences = WORLD.sentences
    place = {text: column for column, text in enumerate(sentences.names)}
    for index, scene in enumerate(WORLD.scenes):
        for kind in ("star", "arrow", "fish"):
            own = [group for group in scene.groups if group.kind == kind]
            told = {
                f"{'an' if kind == 'arrow' else 'a'} {kind}": bool(own),
                f"a red {kind}": any(group.colour == "red" for group in own),
                f"a dotted {kind}": any(group.texture == "dotted" for group in own),
                f"a large {kind}": any(group.size == "large" for group in own),
                f"three {'fish' if kind == 'fish' else kind + 's'}": any(group.count == 3 for group in own),
                f"one {kind}": any(group.count == 1 for group in own),
                f"{'an' if kind == 'arrow' else 'a'} {kind} jumping": any(group.action == "jumping" for group in own),
                f"{'an' if kind == 'arrow' else 'a'} {kind} at night": bool(own) and scene.background == "night",
            }
            found = {text: bool(sentences.holds[index, place[text]]) for text in told}
            assert found == told
        assert sentences.holds[index, place["a dark picture"]] == (scene.nuisance == "darkness")
        assert sentences.holds[index, place["at sea"]] == (scene.background == "sea")
    assert len(sentences.names) == len(set(sentences.names)) == 16 * (1 + 8 + 4 + 2 + 6 + 5 + 8) + 8 + 4


def test_a_smaller_world_knows_the_beginning_of_a_larger_one() -> None:
    small = World(num_images=50, nuisance=0.3, captions_per_image=1)
    assert small.tags == WORLD.tags.of_images(range(50))
    assert small.labels.fingerprint == WORLD.labels.of_images(range(50)).fingerprint


def test_a_sample_keeps_what_is_known_of_its_images() -> None:
    sample = image_sample(WORLD, 20, rng=np.random.default_rng(0))
    ids = sample.image_set.ids
    assert sample.labels == WORLD.labels.of_images(ids)
    assert sample.tags == WORLD.tags.of_images(ids)
    assert sample.sentences is not None
    assert sample.sentences.image_ids.tolist() == ids.tolist()


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_planted_context_can_be_read_from_labels_and_tags(share: float) -> None:
    world = World(num_images=600, spurious_correlation=share, captions_per_image=1)
    backgrounds = world.tags.of_families(lambda family: family == "background")
    counts = np.stack([backgrounds.holds[world.labels.labels == label].sum(axis=0) for label in range(16)])
    most = (counts.max(axis=1) / counts.sum(axis=1)).mean()
    assert (most > 0.9) == (share == 1.0)
