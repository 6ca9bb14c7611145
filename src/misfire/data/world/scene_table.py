"""What the world knows of its images: kinds as classes, facts as tags, and sentences about facts with their truth."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from jaxtyping import Bool, Int

from misfire.data.image_table import ClassLabels, LabelMatrix, Sentences, Tags
from misfire.data.world.facts import (
    MAX_COUNT,
    Action,
    Background,
    Colour,
    Group,
    Kind,
    Nuisance,
    Relation,
    Scene,
    Size,
    Texture,
)
from misfire.data.world.grammar import number_word, place_phrase, plural

_MOST_GROUPS: Final = 2
_COUNTS: Final = tuple(number_word(count) for count in range(1, MAX_COUNT + 1))
_FAMILIES: Final[Mapping[str, tuple[str, ...]]] = {
    "kind": tuple(Kind),
    "colour": tuple(Colour),
    "texture": tuple(Texture),
    "size": tuple(Size),
    "action": tuple(Action),
    "count": _COUNTS,
    "background": tuple(Background),
    "relation": (Relation.LEFT_OF.value, Relation.ABOVE.value),  # a scene has one spelling
    "nuisance": tuple(Nuisance),
}
_NUISANCE_SENTENCES: Final = (
    "a blurred picture",
    "a dark picture",
    "a picture of which a part is hidden",
    "a picture of low contrast",
)


@dataclass(frozen=True, eq=False)
class SceneFacts:
    """The facts of some scenes as truth values, a family an array: of each of two groups, or of the whole scene.

    Args:
        groups: For ``kind``, ``colour``, ``texture``, ``size``, ``action`` and ``count``: whether a group has a value.
        whole: For ``background``, ``relation`` and ``nuisance``: whether the scene has a value.
    """

    groups: Mapping[str, Bool[np.ndarray, "image group _"]]
    whole: Mapping[str, Bool[np.ndarray, "image _"]]

    def somewhere(self, family: str) -> Bool[np.ndarray, "image value"]:
        """Whether a value of a family is true of the scene or of one of its groups."""
        return self.whole[family] if family in self.whole else _of_any(self.groups[family])

    def together(self, family: str) -> Bool[np.ndarray, "image pair"]:
        """Whether one group, or for facts of the whole scene the scene, has a kind and a value: kinds vary slowest."""
        kinds: np.ndarray = self.groups["kind"]
        if family in self.whole:
            pairs: np.ndarray = _of_any(kinds)[:, :, None] & self.whole[family][:, None, :]
        else:
            pairs = _of_any(kinds[:, :, :, None] & self.groups[family][:, :, None, :])
        return pairs.reshape(len(kinds), -1)


def scene_facts(scenes: Sequence[Scene]) -> SceneFacts:
    """The facts of some scenes."""
    slots = [
        [scene.groups[slot] if slot < len(scene.groups) else None for scene in scenes] for slot in range(_MOST_GROUPS)
    ]
    of_group: Mapping[str, Callable[[Group], str | None]] = {
        "kind": lambda group: group.kind,
        "colour": lambda group: group.colour,
        "texture": lambda group: group.texture,
        "size": lambda group: group.size,
        "action": lambda group: group.action,
        "count": lambda group: _COUNTS[group.count - 1],
    }
    return SceneFacts(
        groups={
            family: np.stack(
                [_one_hot([None if group is None else value(group) for group in slot], family) for slot in slots],
                axis=1,
            )
            for family, value in of_group.items()
        },
        whole={
            "background": _one_hot([scene.background for scene in scenes], "background"),
            "relation": _one_hot([scene.relation for scene in scenes], "relation"),
            "nuisance": _one_hot([scene.nuisance for scene in scenes], "nuisance"),
        },
    )


def main_kinds(
    image_ids: Int[np.ndarray, " image"], scenes: Sequence[Scene], *, alike: Sequence[Kind] = ()
) -> ClassLabels:
    """The kind of each scene's main group, its first, among all kinds: the one that the planted context goes with.

    Two kinds made alike are named after both, each with its own name first.
    """
    place = {kind: position for position, kind in enumerate(Kind)}
    labels = np.array([place[scene.groups[0].kind] for scene in scenes], dtype=np.int64)
    named = dict(zip(alike, ("-".join(alike), "-".join(reversed(alike))), strict=False))
    return ClassLabels(image_ids, tuple(named.get(kind, kind.value) for kind in Kind), labels)


def present_kinds(image_ids: Int[np.ndarray, " image"], facts: SceneFacts) -> LabelMatrix:
    """Which kinds a scene shows; all is known, so no value is 0."""
    return LabelMatrix(image_ids, _FAMILIES["kind"], np.where(facts.somewhere("kind"), 1, -1))


def fact_tags(image_ids: Int[np.ndarray, " image"], facts: SceneFacts) -> Tags:
    """Every fact of a scene as a word, what is true of one of its groups included; the picture's defects too."""
    return Tags(
        image_ids,
        tuple(str(word) for words in _FAMILIES.values() for word in words),
        np.concatenate([facts.somewhere(family) for family in _FAMILIES], axis=1),
        tuple(family for family, words in _FAMILIES.items() for _ in words),
    )


def fact_sentences(image_ids: Int[np.ndarray, " image"], facts: SceneFacts) -> Sentences:
    """Sentences about one fact, and about a kind with one more fact of its group or of the scene, with their truth.

    Their words are those of the captions, but for the picture's defects, which no caption mentions.
    """
    told: list[tuple[str, list[str], np.ndarray]] = [
        ("kind", [_article(kind) for kind in Kind], facts.somewhere("kind")),
        ("background", [place_phrase(background) for background in Background], facts.somewhere("background")),
        ("nuisance", list(_NUISANCE_SENTENCES), facts.somewhere("nuisance")),
    ]
    of_pair: Mapping[str, Callable[[str, str], str]] = {
        "colour": lambda kind, colour: _article(f"{colour} {kind}"),
        "texture": lambda kind, texture: _article(f"{texture} {kind}"),
        "size": lambda kind, size: _article(f"{size} {kind}"),
        "action": lambda kind, action: f"{_article(kind)} {action}",
        "count": lambda kind, count: f"{count} {kind if count == _COUNTS[0] else plural(kind)}",
        "background": lambda kind, background: f"{_article(kind)} {place_phrase(Background(background))}",
    }
    for family, sentence in of_pair.items():
        pairs = [sentence(kind, word) for kind, word in product(_FAMILIES["kind"], _FAMILIES[family])]
        told.append((f"kind and {family}", pairs, facts.together(family)))
    return Sentences(
        image_ids,
        tuple(text for _, texts, _ in told for text in texts),
        np.concatenate([holds for _, _, holds in told], axis=1),
        tuple(family for family, texts, _ in told for _ in texts),
    )


def _of_any(of_groups: Bool[np.ndarray, "image group ..."]) -> Bool[np.ndarray, "image ..."]:
    """Whether something is true of any group."""
    return np.logical_or.reduce(of_groups, axis=1)  # type: ignore[no-any-return]


def _one_hot(values: Sequence[str | None], family: str) -> Bool[np.ndarray, "image value"]:
    words = _FAMILIES[family]
    place = {word: position for position, word in enumerate(words)}
    position = np.array([-1 if value is None else place[value] for value in values], dtype=np.int64)
    return np.equal.outer(position, np.arange(len(words)))


def _article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
