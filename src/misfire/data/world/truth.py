"""The known cause of a failure: which fact of a caption the retrieved scene violates."""

from enum import StrEnum
from itertools import permutations

from misfire.data.world.facts import Group, Relation, Scene
from misfire.data.world.grammar import GroupMention, Mention


class Cause(StrEnum):
    """Kinds of fact in the order in which a violation is named; ambiguous where none is violated."""

    OBJECT = "object"
    ATTRIBUTE = "attribute"
    ACTION = "action"
    COUNT = "count"
    CONTEXT = "context"
    SPATIAL = "spatial"
    AMBIGUOUS = "ambiguous"


_PRIORITY = {cause: position for position, cause in enumerate(Cause)}

NEAR_DUPLICATE = "near_duplicate"
UNDERSPECIFIED = "underspecified"
_MOST_DIFFERENT_FACTS = 2


def oracle_category(mention: Mention, retrieved: Scene) -> Cause:
    """The first kind of fact in ``mention`` that ``retrieved`` violates, in the order of :class:`Cause`.

    Mentioned groups may be any of the scene's groups, each a different one; the assignment that is violated latest in
    the order counts. A mentioned group that the scene has no group left for violates ``object``, and so does a kind
    that is said to be absent and is there.

    Example:
        >>> from misfire.data.world.facts import Action, Background, Colour, Kind, Size, Texture
        >>> star = Group(Kind.STAR, Colour.RED, Texture.PLAIN, Size.LARGE, 1, Action.FALLING)
        >>> scene = Scene((star,), None, Background.SNOW, None, 0)
        >>> said = GroupMention(Kind.STAR, Colour.BLUE, None, None, 1, False, Action.GLOWING)
        >>> oracle_category(Mention((said,), None, None), scene).value
        'attribute'
    """
    if len(mention.groups) > len(retrieved.groups) or any(one.kind is mention.absent for one in retrieved.groups):
        return Cause.OBJECT
    indices = range(len(retrieved.groups))
    assignments = permutations(indices, len(mention.groups))
    return max((_first_violation(mention, retrieved, order) for order in assignments), key=_PRIORITY.__getitem__)


def oracle_subtype(target: Scene, retrieved: Scene) -> str:
    """Why an ambiguous failure is ambiguous: ``near_duplicate`` where the two scenes differ in at most two facts."""
    return NEAR_DUPLICATE if num_different_facts(target, retrieved) <= _MOST_DIFFERENT_FACTS else UNDERSPECIFIED


def num_different_facts(first: Scene, second: Scene) -> int:
    """In how many facts two scenes differ, a missing group counting for six."""
    differences = int(first.background is not second.background) + int(first.relation is not second.relation)
    differences += 6 * abs(len(first.groups) - len(second.groups))
    for one, other in zip(first.groups, second.groups, strict=False):
        differences += sum(a != b for a, b in zip(_values(one), _values(other), strict=True))
    return differences


def _first_violation(mention: Mention, scene: Scene, order: tuple[int, ...]) -> Cause:
    pairs = [(said, scene.groups[index]) for said, index in zip(mention.groups, order, strict=True)]
    violated = {
        Cause.OBJECT: any(said.kind is not seen.kind for said, seen in pairs),
        Cause.ATTRIBUTE: any(_violates_attribute(said, seen) for said, seen in pairs),
        Cause.ACTION: any(said.action is not None and said.action is not seen.action for said, seen in pairs),
        Cause.COUNT: any(_violates_count(said, seen) for said, seen in pairs),
        Cause.CONTEXT: mention.background is not None and mention.background is not scene.background,
        Cause.SPATIAL: mention.relation is not None and mention.relation is not _relation(scene, order),
    }
    return next((cause for cause, is_violated in violated.items() if is_violated), Cause.AMBIGUOUS)


def _violates_attribute(said: GroupMention, seen: Group) -> bool:
    pairs = ((said.colour, seen.colour), (said.texture, seen.texture), (said.size, seen.size))
    return any(told is not None and told is not true for told, true in pairs)


def _violates_count(said: GroupMention, seen: Group) -> bool:
    return (said.is_several and seen.count < 2) or (said.count is not None and said.count != seen.count)


def _relation(scene: Scene, order: tuple[int, ...]) -> Relation | None:
    """Where the group assigned first stands as seen from the one assigned second."""
    if scene.relation is None or order[0] == 0:
        return scene.relation
    return scene.relation.inverse


def _values(group: Group) -> tuple[object, ...]:
    return group.kind, group.colour, group.texture, group.size, group.count, group.action
