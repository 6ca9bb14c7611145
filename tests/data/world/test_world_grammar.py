from collections import Counter
from itertools import islice
from random import Random

import pytest

from misfire.data.world import (
    Description,
    Kind,
    Scene,
    Split,
    describe,
    num_satisfying_scenes,
    oracle_category,
    scene_stream,
)
from misfire.data.world.grammar import (
    GroupMention,
    Mention,
    presence_and_absence,
    vocabulary,
    with_absence,
    words_of_absence,
)

# Written down again, apart from the grammar, so that text and facts are held against each other.
WORDS_OF_KIND = {
    "ball": "ball circle", "box": "box square", "triangle": "triangle", "star": "star", "heart": "heart",
    "moon": "moon crescent",
    "cross": "cross plus", "arrow": "arrow", "house": "house home", "tree": "tree pine", "car": "car auto",
    "key": "key",
    "bell": "bell", "flower": "flower blossom", "fish": "fish", "cup": "cup mug",
}  # fmt: skip
WORDS_OF_FACT = {
    "red": "red scarlet", "purple": "purple violet", "plain": "plain solid", "striped": "striped lined",
    "dotted": "dotted spotted", "checkered": "checkered checked",
    "small": "small little tiny", "large": "large big huge",
    "falling": "falling dropping", "spinning": "spinning turning", "glowing": "glowing shining",
    "jumping": "jumping hopping", "sleeping": "sleeping asleep", "racing": "racing speeding",
    "meadow": "meadow grass", "desert": "desert sand", "sea": "sea water", "city": "city street",
    "forest": "forest woods",
    "night": "night starry", "snow": "snow winter", "room": "room indoors",
}  # fmt: skip
COUNT_WORDS = {1: "a an one single", 2: "two pair", 3: "three", 4: "four", 5: "five"}


@pytest.fixture(scope="module")
def told() -> list[tuple[Scene, Description]]:
    rng = Random(0)
    return [(scene, describe(scene, rng)) for scene in islice(scene_stream(0, Split.DEV), 3000)]


def test_a_caption_is_true_of_its_own_scene(told: list[tuple[Scene, Description]]) -> None:
    assert {oracle_category(one.mention, scene).value for scene, one in told} == {"ambiguous"}


def test_the_text_says_what_the_facts_say(told: list[tuple[Scene, Description]]) -> None:
    for _, one in told:
        words = one.text.replace(",", "").split()
        assert any(word in words for word in WORDS_OF_FACT.get(one.mention.background or "", "").split()) == (
            one.mention.background is not None
        )
        for group in one.mention.groups:
            stems = WORDS_OF_KIND[group.kind].split()
            assert any(word.startswith(stem) for word in words for stem in stems), one.text
            for fact in (group.colour, group.texture, group.size, group.action):
                if fact is not None:
                    assert any(word in WORDS_OF_FACT.get(fact.value, fact.value).split() for word in words), one.text
            if group.count is not None:
                assert any(word in COUNT_WORDS[group.count].split() for word in words), one.text
            if group.is_several:
                assert "some" in words or "several" in words


def test_number_and_noun_agree(told: list[tuple[Scene, Description]]) -> None:
    for _, one in told:
        if len(one.mention.groups) == 1:
            group = one.mention.groups[0]
            plurals = {f"{stem}{end}" for stem in WORDS_OF_KIND[group.kind].split() for end in ("s", "es")} | {"fish"}
            is_plural = any(word in plurals for word in one.text.replace(",", "").split())
            assert group.kind.value == "fish" or is_plural == (group.count != 1), one.text
        for vowel_word in one.text.split(" an ")[1:]:
            assert vowel_word[0] in "aeiou"


def test_some_captions_are_underspecified_and_captions_are_short(told: list[tuple[Scene, Description]]) -> None:
    silent = Counter(
        fact
        for _, one in told
        for group in one.mention.groups
        for fact in ("colour", "texture", "size", "count", "action")
        if getattr(group, fact) is None
    )
    assert all(silent[fact] > 100 for fact in ("colour", "texture", "size", "count", "action"))
    lengths = [len(one.text.split()) for _, one in told]
    assert max(lengths) <= 22
    assert sum(length <= 16 for length in lengths) / len(lengths) > 0.97


def test_the_vocabulary_holds_every_word(told: list[tuple[Scene, Description]]) -> None:
    assert {word for _, one in told for word in one.text.replace(",", " , ").split()} <= vocabulary()


def test_a_caption_can_say_what_isnt_there(told: list[tuple[Scene, Description]]) -> None:
    rng = Random(1)
    denied = [(scene, one, with_absence(one, scene, rng)) for scene, one in told[:1500]]
    scenes = [scene for scene, _ in told[:1500]]
    vague = GroupMention(Kind.STAR, None, None, None, None, False, None)
    has = [{group.kind for group in scene.groups} for scene in scenes]
    some_star, lone_star = num_satisfying_scenes(
        [Mention((vague,), None, None), Mention((vague,), None, None, absent=Kind.TREE)], scenes
    )
    assert some_star == sum(Kind.STAR in kinds for kinds in has)
    assert lone_star == sum(Kind.STAR in kinds and Kind.TREE not in kinds for kinds in has) < some_star
    for scene, one, more in denied:
        absent = more.mention.absent
        assert absent not in {None, *(group.kind for group in scene.groups)}
        said = more.text.removeprefix(one.text).split()
        assert {"without", "no"} & set(said)
        assert any(said[-1].startswith(stem) for stem in WORDS_OF_KIND[absent].split())
        assert oracle_category(more.mention, scene) == "ambiguous"
        for other in scenes:
            if absent in {group.kind for group in other.groups}:
                assert oracle_category(more.mention, other) == "object"
                break
        assert set(said[:-1]) <= words_of_absence() | {"a", "an"}


def test_presence_and_absence_differ_in_what_they_say_alone() -> None:
    rng = Random(2)
    for kind in Kind:
        for _ in range(20):
            presence, absence = presence_and_absence(kind, rng)
            assert set(presence.split()) <= vocabulary() | {"with", "one"}
            assert {"without", "no"} & set(absence.split())
            assert set(absence.split()) <= vocabulary() | words_of_absence()
            nouns = presence.split()[-1], absence.split()[-1]
            assert nouns[0] == nouns[1]
