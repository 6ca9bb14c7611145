"""What can be true of a scene: the closed vocabulary of the world."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from misfire.core.hashing import sha256_json


class Kind(StrEnum):
    """What a thing is."""

    BALL = "ball"
    BOX = "box"
    TRIANGLE = "triangle"
    STAR = "star"
    HEART = "heart"
    MOON = "moon"
    CROSS = "cross"
    ARROW = "arrow"
    HOUSE = "house"
    TREE = "tree"
    CAR = "car"
    KEY = "key"
    BELL = "bell"
    FLOWER = "flower"
    FISH = "fish"
    CUP = "cup"


class Colour(StrEnum):
    """Main colour of a thing."""

    RED = "red"
    ORANGE = "orange"
    YELLOW = "yellow"
    GREEN = "green"
    BLUE = "blue"
    PURPLE = "purple"
    BLACK = "black"
    WHITE = "white"


class Texture(StrEnum):
    """Pattern on a thing."""

    PLAIN = "plain"
    STRIPED = "striped"
    DOTTED = "dotted"
    CHECKERED = "checkered"


class Size(StrEnum):
    """How large a thing is drawn."""

    SMALL = "small"
    LARGE = "large"


class Action(StrEnum):
    """What a thing is seen to do."""

    FALLING = "falling"
    SPINNING = "spinning"
    GLOWING = "glowing"
    JUMPING = "jumping"
    SLEEPING = "sleeping"
    RACING = "racing"


class Background(StrEnum):
    """Where a scene takes place: its context."""

    MEADOW = "meadow"
    DESERT = "desert"
    SEA = "sea"
    CITY = "city"
    FOREST = "forest"
    NIGHT = "night"
    SNOW = "snow"
    ROOM = "room"


class Relation(StrEnum):
    """Where one group stands as seen from another."""

    LEFT_OF = "left of"
    RIGHT_OF = "right of"
    ABOVE = "above"
    BELOW = "below"

    @property
    def inverse(self) -> "Relation":
        """The same fact told from the other group.

        Example:
            >>> Relation.LEFT_OF.inverse.value
            'right of'
        """
        return _INVERSE[self]


_INVERSE = {
    Relation.LEFT_OF: Relation.RIGHT_OF,
    Relation.RIGHT_OF: Relation.LEFT_OF,
    Relation.ABOVE: Relation.BELOW,
    Relation.BELOW: Relation.ABOVE,
}


class Nuisance(StrEnum):
    """A defect of the picture, not of the scene."""

    BLUR = "blur"
    DARKNESS = "darkness"
    OCCLUSION = "occlusion"
    LOW_CONTRAST = "low contrast"


MAX_COUNT = 5
"""Most things that a group can hold."""


@dataclass(frozen=True)
class Group:
    """Some equal things; ``action`` is None where they do nothing."""

    kind: Kind
    colour: Colour
    texture: Texture
    size: Size
    count: int
    action: Action | None

    @property
    def tags(self) -> frozenset[str]:
        """The words that are true of the group, its count left out."""
        words = [self.kind, self.colour, self.texture, self.size, self.action]
        return frozenset(word.value for word in words if word is not None)


@dataclass(frozen=True)
class Scene:
    """The truth about one image.

    ``relation`` tells where the first group stands as seen from the second; it is ``left of`` or ``above``, because a
    scene has one spelling, and None where there is one group. ``layout`` seeds what no caption mentions: exact places
    and the variant of the background. Things of a kind in ``alike`` are drawn as any of these, as ``layout`` says.
    """

    groups: tuple[Group, ...]
    relation: Relation | None
    background: Background
    nuisance: Nuisance | None
    layout: int
    alike: tuple[Kind, ...] = ()

    @property
    def tags(self) -> frozenset[str]:
        """The words that are true of the scene or of one of its groups.

        Example:
            >>> star = Group(Kind.STAR, Colour.RED, Texture.PLAIN, Size.LARGE, 1, None)
            >>> sorted(Scene((star,), None, Background.NIGHT, None, 0).tags)
            ['large', 'night', 'plain', 'red', 'star']
        """
        return frozenset({self.background.value}).union(*(group.tags for group in self.groups))

    @cached_property
    def facts(self) -> tuple[tuple[Group, ...], Relation | None, Background]:
        """What captions can mention; two scenes of one split may share it, two of different splits never do."""
        return self.groups, self.relation, self.background

    @cached_property
    def sha256(self) -> str:
        """Name of the scene's whole content."""
        groups = [
            [group.kind, group.colour, group.texture, group.size, group.count, group.action] for group in self.groups
        ]
        alike = [list(self.alike)] if self.alike else []
        return sha256_json([groups, self.relation, self.background, self.nuisance, self.layout, *alike])
