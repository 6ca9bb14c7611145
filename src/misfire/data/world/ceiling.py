"""What a perfect reader could reach: how many scenes each caption is true of."""

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
from jaxtyping import Bool, Float, Int

from misfire.data.world.facts import Action, Background, Colour, Kind, Relation, Scene, Size, Texture
from misfire.data.world.grammar import GroupMention, Mention

_CODES: dict[StrEnum, int] = {
    value: code
    for family in (Kind, Colour, Texture, Size, Action, Background, Relation)
    for code, value in enumerate(family)
}
_ABSENT = -1
_KIND, _COLOUR, _TEXTURE, _SIZE, _COUNT, _ACTION = range(6)


def num_satisfying_scenes(mentions: Sequence[Mention], scenes: Sequence[Scene]) -> Int[np.ndarray, " caption"]:
    """Number of scenes that violate nothing that a caption mentions.

    Example:
        >>> from misfire.data.world import World
        >>> world = World(num_images=50)
        >>> int(num_satisfying_scenes(world.mentions, world.scenes).min())
        1
    """
    table = _Table(scenes)
    return np.array([table.satisfies(mention).sum() for mention in mentions], dtype=np.int64)


def perfect_reader_hit_at_k(num_satisfying: Int[np.ndarray, " caption"], *, k: int) -> Float[np.ndarray, " caption"]:
    """Probability in (0, 1] that the target is among the first ``k`` if the satisfying scenes come first, shuffled.

    Example:
        >>> perfect_reader_hit_at_k(np.array([1, 4]), k=2).tolist()
        [1.0, 0.5]
    """
    return np.minimum(1.0, k / num_satisfying)


class _Table:
    """The facts of all scenes as columns."""

    def __init__(self, scenes: Sequence[Scene]) -> None:
        self._groups = np.full((len(scenes), 2, 6), _ABSENT)
        for row, scene in enumerate(scenes):
            for column, group in enumerate(scene.groups):
                values = (group.kind, group.colour, group.texture, group.size)
                codes = [*(_CODES[value] for value in values), group.count, _code(group.action)]
                self._groups[row, column] = codes
        self._backgrounds = np.array([_CODES[scene.background] for scene in scenes])
        self._relations = np.array([_code(scene.relation) for scene in scenes])

    def satisfies(self, mention: Mention) -> Bool[np.ndarray, " scene"]:
        fits = [[self._group_fits(said, column) for column in (0, 1)] for said in mention.groups]
        satisfied: Bool[np.ndarray, " scene"] = np.ones(len(self._backgrounds), dtype=np.bool_)
        if mention.background is not None:
            satisfied &= self._backgrounds == _CODES[mention.background]
        if mention.absent is not None:
            satisfied &= (self._groups[:, :, _KIND] != _CODES[mention.absent]).all(axis=1)
        if len(fits) == 1:
            satisfied &= fits[0][0] | fits[0][1]
            return satisfied
        as_drawn, swapped = fits[0][0] & fits[1][1], fits[0][1] & fits[1][0]
        if mention.relation is not None:
            as_drawn &= self._relations == _CODES[mention.relation]
            swapped &= self._relations == _CODES[mention.relation.inverse]
        satisfied &= as_drawn | swapped
        return satisfied

    def _group_fits(self, said: GroupMention, column: int) -> Bool[np.ndarray, " scene"]:
        facts = self._groups[:, column]
        fits: Bool[np.ndarray, " scene"] = facts[:, _KIND] == _CODES[said.kind]
        told = ((_COLOUR, said.colour), (_TEXTURE, said.texture), (_SIZE, said.size), (_ACTION, said.action))
        for fact, value in told:
            if value is not None:
                fits &= facts[:, fact] == _CODES[value]
        if said.count is not None:
            fits &= facts[:, _COUNT] == said.count
        if said.is_several:
            fits &= facts[:, _COUNT] >= 2
        return fits


def _code(value: StrEnum | None) -> int:
    return _ABSENT if value is None else _CODES[value]
