"""Scenes out of a seed, and the rule that keeps the splits apart."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import count

import numpy as np
from jaxtyping import Bool, Int64, UInt64

from misfire.core.seeding import generator
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

_CHUNK = 4096
_SHARE_ACTING = 0.75
_MOST_THINGS_IN_TWO_GROUPS = 6
_MOST_LARGE_THINGS_BESIDE_A_GROUP = 3
_COUNT_WEIGHTS = np.array([0.36, 0.2, 0.18, 0.14, 0.12])

_KINDS, _COLOURS, _TEXTURES, _SIZES = tuple(Kind), tuple(Colour), tuple(Texture), tuple(Size)
_ACTIONS: tuple[Action | None, ...] = (*Action, None)
_BACKGROUNDS, _NUISANCES = tuple(Background), tuple(Nuisance)
_AXES = (Relation.LEFT_OF, Relation.ABOVE)


class Split(StrEnum):
    """Part of the world; a scene's facts belong to exactly one."""

    TRAIN = "train"
    DEV = "dev"
    TEST = "test"


_SPLIT_OF_REMAINDER = (Split.TEST, Split.DEV, *[Split.TRAIN] * 6)


class SpuriousContext(StrEnum):
    """What of a scene goes with its first group's kind, where anything does; a kind has one of eight values."""

    BACKGROUND = "background"
    COLOUR = "colour"


@dataclass(frozen=True)
class Knobs:
    """What a user may plant.

    Args:
        nuisance: Probability that a scene gets a random nuisance.
        spurious_correlation: Probability that the context is the one tied to the first group's kind.
        spurious_context: What is tied: the scene's background, or the colour of its first group.
        second_group: Probability that a second group is drawn beside the first; not all that are drawn have room.
        hard_combinations: Sets of tags; a scene that has all tags of one set always gets a nuisance.
        alike: Two kinds whose things are drawn as either of them, so that no picture tells them apart; or none.
    """

    nuisance: float = 0.0
    spurious_correlation: float = 0.0
    spurious_context: SpuriousContext = SpuriousContext.BACKGROUND
    second_group: float = 0.5
    hard_combinations: tuple[frozenset[str], ...] = ()
    alike: tuple[Kind, ...] = ()


def scene_stream(seed: int, split: Split, *, knobs: Knobs | None = None, first_chunk: int = 0) -> Iterator[Scene]:
    """Endless scenes of one split, the same for the same arguments; a shorter run is a prefix of a longer one.

    A scene is followed by none to three twins, each of which differs from it in one fact that is no kind: the near
    misses that make a gallery hard. Splits are kept apart by construction: all that captions can mention of a scene is
    hashed, and the hash says to which split every scene with these facts belongs.
    """
    knobs = Knobs() if knobs is None else knobs
    remainders = [remainder for remainder, owner in enumerate(_SPLIT_OF_REMAINDER) if owner is split]
    for chunk in count(first_chunk):
        rng = generator(seed, "world", split.value, chunk)
        drawn = _draw(rng, knobs)
        bases = drawn[_is_in(drawn, remainders)]
        rows = _with_nuisances(_with_twins(bases, rng, knobs, remainders), rng, knobs)
        for row in rows.tolist():
            yield _with_alike_kinds(_with_hard_combinations(_decode(row), knobs), knobs)


def split_of(scene: Scene) -> Split:
    """The one split in which scenes with these facts occur."""
    return _SPLIT_OF_REMAINDER[int(_split_remainders(np.array([_encode(scene)]))[0])]


def tied_background(kind: Kind) -> Background:
    """The background that ``spurious_correlation`` ties to a kind.

    Example:
        >>> tied_background(Kind.BALL).value
        'meadow'
    """
    return _BACKGROUNDS[_KINDS.index(kind) % _NUM_CONTEXTS]


def tied_colour(kind: Kind) -> Colour:
    """The colour that ``spurious_correlation`` ties to a kind, where colours are the context.

    Example:
        >>> tied_colour(Kind.BALL).value
        'red'
    """
    return _COLOURS[_KINDS.index(kind) % _NUM_CONTEXTS]


# A row of codes: two groups of (kind, colour, texture, size, count, action), then axis, background, nuisance, layout.
# An absent second group, axis or nuisance is -1.
_GROUP_WIDTH = 6
_COLOUR, _AXIS, _BACKGROUND, _NUISANCE, _LAYOUT = 1, 12, 13, 14, 15
_NUM_CONTEXTS = 8  # as many backgrounds as colours
_CONTEXT_COLUMNS = {SpuriousContext.BACKGROUND: _BACKGROUND, SpuriousContext.COLOUR: _COLOUR}

_MOST_TWINS = 3
_TRIES_FOR_TWINS = 32
_EXCHANGE_PLACES, _EXCHANGE_COLOURS = -1, -2
_BOTH_COLOURS = [1, 1 + _GROUP_WIDTH]
# How often a twin differs in a column of its row, or in the places or colours of its two groups.
_CHANGES = {
    1: 0.06,
    2: 0.12,
    3: 0.04,
    4: 0.14,
    5: 0.17,
    _BACKGROUND: 0.22,
    _EXCHANGE_PLACES: 0.2,
    _EXCHANGE_COLOURS: 0.05,
}
# Column, lowest code and number of codes of the facts that a twin can have otherwise.
_CHANGEABLE = (
    (1, 0, len(_COLOURS)),
    (2, 0, len(_TEXTURES)),
    (3, 0, len(_SIZES)),
    (4, 1, MAX_COUNT),
    (5, 0, len(_ACTIONS)),
    (_BACKGROUND, 0, len(_BACKGROUNDS)),
)


def _draw(rng: np.random.Generator, knobs: Knobs) -> Int64[np.ndarray, "scene code"]:
    groups = [_draw_group(rng), _draw_group(rng)]
    rows = np.concatenate([*groups, np.empty((_CHUNK, 4), dtype=np.int64)], axis=1)
    has_two = rng.random(_CHUNK) < knobs.second_group
    rows[:, _AXIS] = np.where(has_two, rng.integers(len(_AXES), size=_CHUNK), -1)
    is_tied = rng.random(_CHUNK) < knobs.spurious_correlation
    rows[:, _BACKGROUND] = rng.integers(len(_BACKGROUNDS), size=_CHUNK)
    rows[is_tied, _CONTEXT_COLUMNS[knobs.spurious_context]] = rows[is_tied, 0] % _NUM_CONTEXTS
    rows[:, _NUISANCE] = -1
    rows[:, _LAYOUT] = rng.integers(2**31, size=_CHUNK)
    rows[~has_two, _GROUP_WIDTH : 2 * _GROUP_WIDTH] = -1
    drawable: Int64[np.ndarray, "scene code"] = rows[_is_drawable(rows)]
    return drawable


def _draw_group(rng: np.random.Generator) -> Int64[np.ndarray, "scene code"]:
    columns = [rng.integers(len(values), size=_CHUNK) for values in (_KINDS, _COLOURS, _TEXTURES, _SIZES)]
    counts = rng.choice(np.arange(1, 6), size=_CHUNK, p=_COUNT_WEIGHTS)
    acts = rng.random(_CHUNK) < _SHARE_ACTING
    action = np.where(acts, rng.integers(len(Action), size=_CHUNK), len(Action))
    return np.stack([*columns, counts, action], axis=1)


def _with_nuisances(
    rows: Int64[np.ndarray, "scene code"], rng: np.random.Generator, knobs: Knobs
) -> Int64[np.ndarray, "scene code"]:
    is_spoilt = rng.random(len(rows)) < knobs.nuisance
    rows[:, _NUISANCE] = np.where(is_spoilt, rng.integers(len(_NUISANCES), size=len(rows)), -1)
    return rows


def _with_twins(
    bases: Int64[np.ndarray, "base code"], rng: np.random.Generator, knobs: Knobs, remainders: list[int]
) -> Int64[np.ndarray, "scene code"]:
    """Each base, then its twins; a base for which too few tries are drawable and in the split gets fewer."""
    tries = np.repeat(bases, _TRIES_FOR_TWINS, axis=0)
    twins = _changed_in_one_fact(tries, rng)
    is_twin = (
        _is_drawable(twins) & _is_in(twins, remainders) & (twins[:, :_NUISANCE] != tries[:, :_NUISANCE]).any(axis=1)
    )
    unties = _is_tied(tries, knobs) & ~_is_tied(twins, knobs)
    is_twin &= ~unties | (rng.random(len(tries)) < _share_of_untying_twins(knobs.spurious_correlation))
    is_twin = is_twin.reshape(len(bases), _TRIES_FOR_TWINS)
    wanted = rng.integers(_MOST_TWINS + 1, size=(len(bases), 1))
    is_kept = np.concatenate([np.ones_like(wanted, dtype=bool), is_twin & (is_twin.cumsum(axis=1) <= wanted)], axis=1)
    families = np.concatenate([bases[:, None], twins.reshape(len(bases), _TRIES_FOR_TWINS, -1)], axis=1)
    scenes: Int64[np.ndarray, "scene code"] = families[is_kept]
    return scenes


def _is_tied(rows: Int64[np.ndarray, "scene code"], knobs: Knobs) -> Bool[np.ndarray, " scene"]:
    column = _CONTEXT_COLUMNS[knobs.spurious_context]
    tied: Bool[np.ndarray, " scene"] = rows[:, column] == rows[:, 0] % _NUM_CONTEXTS
    return tied


def _share_of_untying_twins(strength: float) -> float:
    """Share of the twins that lose the tied context to keep, so that as many lose it as come by it by chance."""
    others = _NUM_CONTEXTS - 1
    tied = strength + (1 - strength) / (others + 1)
    return (1 - tied) / (others * tied)


def _changed_in_one_fact(
    rows: Int64[np.ndarray, "scene code"], rng: np.random.Generator
) -> Int64[np.ndarray, "scene code"]:
    """Rows with another layout and one other fact; a change that needs two groups leaves a single one as it is."""
    rows, every = rows.copy(), np.arange(len(rows))
    has_two = rows[:, _AXIS] >= 0
    change = rng.choice(list(_CHANGES), size=len(rows), p=list(_CHANGES.values()))
    group = np.where(has_two, rng.integers(2, size=len(rows)), 0)
    for column, lowest, num_values in _CHANGEABLE:
        chosen = every[change == column]
        where = column + _GROUP_WIDTH * (group[chosen] if column < _GROUP_WIDTH else 0)
        step = rng.integers(1, num_values, size=len(chosen))
        rows[chosen, where] = lowest + (rows[chosen, where] - lowest + step) % num_values
    exchanged = (change == _EXCHANGE_PLACES) & has_two
    rows[exchanged, : 2 * _GROUP_WIDTH] = np.roll(rows[exchanged, : 2 * _GROUP_WIDTH], _GROUP_WIDTH, axis=1)
    recoloured = (change == _EXCHANGE_COLOURS) & has_two
    rows[np.ix_(recoloured, _BOTH_COLOURS)] = rows[np.ix_(recoloured, _BOTH_COLOURS[::-1])]
    rows[:, _LAYOUT] = rng.integers(2**31, size=len(rows))
    return rows


def _is_in(rows: Int64[np.ndarray, "scene code"], remainders: list[int]) -> Bool[np.ndarray, " scene"]:
    return np.isin(_split_remainders(rows), remainders)


def _is_drawable(rows: Int64[np.ndarray, "scene code"]) -> Bool[np.ndarray, " scene"]:
    """Whether everything stays recognisable at 64 pixels, and the two groups differ in kind or colour."""
    first, second = rows[:, :_GROUP_WIDTH], rows[:, _GROUP_WIDTH : 2 * _GROUP_WIDTH]
    is_large = _SIZES.index(Size.LARGE)
    crowded = first[:, 4] + second[:, 4] > _MOST_THINGS_IN_TWO_GROUPS
    for group in (first, second):
        crowded |= (group[:, 3] == is_large) & (group[:, 4] > _MOST_LARGE_THINGS_BESIDE_A_GROUP)
    same = (first[:, :2] == second[:, :2]).all(axis=1)
    drawable: Bool[np.ndarray, " scene"] = (rows[:, _AXIS] < 0) | ~(crowded | same)
    return drawable


def _split_remainders(rows: Int64[np.ndarray, "scene code"]) -> Int64[np.ndarray, " scene"]:
    mixed = np.zeros(len(rows), dtype=np.uint64)
    for column in range(_NUISANCE):
        mixed = _mix(mixed ^ (rows[:, column] + 2).astype(np.uint64))
    remainders: Int64[np.ndarray, " scene"] = (mixed % np.uint64(len(_SPLIT_OF_REMAINDER))).astype(np.int64)
    return remainders


def _mix(values: UInt64[np.ndarray, " scene"]) -> UInt64[np.ndarray, " scene"]:
    """SplitMix64's step, wrapping around at 64 bits."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: UInt64[np.ndarray, " scene"] = values ^ (values >> np.uint64(31))
    return mixed


def _decode(row: list[int]) -> Scene:
    groups = [_decode_group(row[:_GROUP_WIDTH])]
    if row[_AXIS] >= 0:
        groups.append(_decode_group(row[_GROUP_WIDTH : 2 * _GROUP_WIDTH]))
    return Scene(
        groups=tuple(groups),
        relation=_AXES[row[_AXIS]] if row[_AXIS] >= 0 else None,
        background=_BACKGROUNDS[row[_BACKGROUND]],
        nuisance=_NUISANCES[row[_NUISANCE]] if row[_NUISANCE] >= 0 else None,
        layout=row[_LAYOUT],
    )


def _decode_group(code: list[int]) -> Group:
    kind, colour, texture, size, number, action = code
    return Group(_KINDS[kind], _COLOURS[colour], _TEXTURES[texture], _SIZES[size], number, _ACTIONS[action])


def _encode(scene: Scene) -> list[int]:
    groups = [_encode_group(group) for group in scene.groups] + [[-1] * _GROUP_WIDTH] * (2 - len(scene.groups))
    axis = -1 if scene.relation is None else _AXES.index(scene.relation)
    nuisance = -1 if scene.nuisance is None else _NUISANCES.index(scene.nuisance)
    return [*groups[0], *groups[1], axis, _BACKGROUNDS.index(scene.background), nuisance, scene.layout]


def _encode_group(group: Group) -> list[int]:
    attributes = [_KINDS.index(group.kind), _COLOURS.index(group.colour), _TEXTURES.index(group.texture)]
    return [*attributes, _SIZES.index(group.size), group.count, _ACTIONS.index(group.action)]


def _with_hard_combinations(scene: Scene, knobs: Knobs) -> Scene:
    if not any(combination <= scene.tags for combination in knobs.hard_combinations):
        return scene
    nuisance = _NUISANCES[scene.layout % len(_NUISANCES)]
    return Scene(scene.groups, scene.relation, scene.background, nuisance, scene.layout)


def _with_alike_kinds(scene: Scene, knobs: Knobs) -> Scene:
    is_alike = any(group.kind in knobs.alike for group in scene.groups)
    return replace(scene, alike=knobs.alike) if is_alike else scene
