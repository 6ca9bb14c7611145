"""English captions of a scene, each with the facts that it mentions."""

from dataclasses import dataclass, replace
from random import Random
from typing import TypeVar

from misfire.data.world.facts import Action, Background, Colour, Group, Kind, Relation, Scene, Size, Texture

Fact = TypeVar("Fact")


@dataclass(frozen=True)
class GroupMention:
    """What a caption says of one group; None where it is silent.

    ``count`` is exact; ``is_several`` says two or more ("some stars").
    """

    kind: Kind
    colour: Colour | None
    texture: Texture | None
    size: Size | None
    count: int | None
    is_several: bool
    action: Action | None


@dataclass(frozen=True)
class Mention:
    """What a caption says; ``relation`` tells where the first mentioned group stands as seen from the second.

    ``absent`` is a kind of which the caption says that it isn't there.
    """

    groups: tuple[GroupMention, ...]
    relation: Relation | None
    background: Background | None
    absent: Kind | None = None


@dataclass(frozen=True)
class Description:
    """A caption's text beside the facts that it mentions."""

    text: str
    mention: Mention


_SINGULARS: dict[Kind, tuple[str, ...]] = {
    Kind.BALL: ("ball", "ball", "circle"),
    Kind.BOX: ("box", "box", "square"),
    Kind.TRIANGLE: ("triangle",),
    Kind.STAR: ("star",),
    Kind.HEART: ("heart",),
    Kind.MOON: ("moon", "moon", "crescent"),
    Kind.CROSS: ("cross", "cross", "plus"),
    Kind.ARROW: ("arrow",),
    Kind.HOUSE: ("house", "house", "home"),
    Kind.TREE: ("tree", "tree", "pine"),
    Kind.CAR: ("car", "car", "auto"),
    Kind.KEY: ("key",),
    Kind.BELL: ("bell",),
    Kind.FLOWER: ("flower", "flower", "blossom"),
    Kind.FISH: ("fish",),
    Kind.CUP: ("cup", "cup", "mug"),
}
_IRREGULAR_PLURALS = {"box": "boxes", "cross": "crosses", "plus": "pluses", "fish": "fish"}
_TEXTURES: dict[Texture, tuple[str, ...]] = {
    Texture.PLAIN: ("plain", "solid"),
    Texture.STRIPED: ("striped", "striped", "lined"),
    Texture.DOTTED: ("dotted", "dotted", "spotted"),
    Texture.CHECKERED: ("checkered", "checkered", "checked"),
}
_SIZES: dict[Size, tuple[str, ...]] = {
    Size.SMALL: ("small", "small", "little", "tiny"),
    Size.LARGE: ("large", "large", "big", "huge"),
}
_COLOURS: dict[Colour, tuple[str, ...]] = {colour: (colour.value,) for colour in Colour} | {
    Colour.RED: ("red", "red", "scarlet"),
    Colour.PURPLE: ("purple", "purple", "violet"),
}
_NUMBERS = {1: ("one", "a single"), 2: ("two", "two", "a pair of"), 3: ("three",), 4: ("four",), 5: ("five",)}
_ACTIONS: dict[Action, tuple[str, ...]] = {
    Action.FALLING: ("falling", "falling", "dropping"),
    Action.SPINNING: ("spinning", "spinning", "turning"),
    Action.GLOWING: ("glowing", "glowing", "shining"),
    Action.JUMPING: ("jumping", "jumping", "hopping"),
    Action.SLEEPING: ("sleeping", "sleeping", "asleep"),
    Action.RACING: ("racing", "racing", "speeding"),
}
_PLACES: dict[Background, tuple[str, ...]] = {
    Background.MEADOW: ("in a meadow", "on the grass"),
    Background.DESERT: ("in the desert", "in the desert", "on the sand"),
    Background.SEA: ("at sea", "by the sea", "on the water"),
    Background.CITY: ("in the city", "in the city", "on a street"),
    Background.FOREST: ("in the forest", "in the forest", "in the woods"),
    Background.NIGHT: ("at night", "at night", "under a starry sky"),
    Background.SNOW: ("in the snow", "in the snow", "in winter"),
    Background.ROOM: ("in a room", "in a room", "indoors"),
}
_RELATIONS: dict[Relation, tuple[str, ...]] = {
    Relation.LEFT_OF: ("left of", "to the left of"),
    Relation.RIGHT_OF: ("right of", "to the right of"),
    Relation.ABOVE: ("above", "above", "over"),
    Relation.BELOW: ("below", "below", "under"),
}

_ABSENCES = ("without {some}", "without {some}", "without any {nouns}", "with no {noun}", "but no {noun}")
_PRESENCES = ("with {some}", "with {some}", "with some {nouns}", "with one {noun}", "and {some}")  # their twins


@dataclass(frozen=True)
class _Shares:
    """How often a fact is mentioned, where there is one."""

    colour: float
    texture: float
    size: float
    count: float
    action: float
    background: float
    relation: float = 0.75
    second_group: float = 0.85


_ONE_GROUP = _Shares(colour=0.94, texture=0.85, size=0.55, count=0.85, action=0.92, background=0.75)
_TWO_GROUPS = _Shares(colour=0.9, texture=0.6, size=0.25, count=0.8, action=0.75, background=0.5, relation=0.8)


def describe(scene: Scene, rng: Random) -> Description:
    """One caption: a random part of the scene's facts in random words."""
    shares = _ONE_GROUP if len(scene.groups) == 1 else _TWO_GROUPS
    groups, relation = scene.groups, scene.relation
    if relation is not None and rng.random() < 0.5:
        groups, relation = groups[::-1], relation.inverse
    if len(groups) == 2 and rng.random() >= shares.second_group:
        groups, relation, shares = groups[:1], None, _ONE_GROUP
    told = relation if rng.random() < shares.relation else None
    place = scene.background if rng.random() < shares.background else None
    mentions = tuple(_mention_group(group, shares, rng) for group in groups)
    mention = Mention(mentions, told, place)
    return Description(_sentence(mention, rng), mention)


def with_absence(description: Description, scene: Scene, rng: Random) -> Description:
    """The same caption, which says last of a kind that the scene doesn't show that it isn't there.

    Args:
        description: A caption of the scene.
        scene: The scene.
        rng: Which kind, and in which words.

    Example:
        >>> from misfire.data.world import World
        >>> (scene,) = World(num_images=1).scenes
        >>> told = with_absence(describe(scene, Random(0)), scene, Random(0))
        >>> told.mention.absent in [group.kind for group in scene.groups], told.mention.absent.value in told.text
        (False, True)
    """
    shown = {group.kind for group in scene.groups}
    absent = rng.choice([kind for kind in Kind if kind not in shown])
    phrase = _about(rng.choice(_SINGULARS[absent]), rng.choice(_ABSENCES))
    return Description(f"{description.text} {phrase}", replace(description.mention, absent=absent))


def presence_and_absence(kind: Kind, rng: Random) -> tuple[str, str]:
    """Two phrases about a kind that differ in nothing but what they say: that it is there, and that it isn't.

    Example:
        >>> presence_and_absence(Kind.STAR, Random(0))
        ('with one star', 'with no star')
    """
    noun, form = rng.choice(_SINGULARS[kind]), rng.randrange(len(_ABSENCES))
    return _about(noun, _PRESENCES[form]), _about(noun, _ABSENCES[form])


def _about(noun: str, phrase: str) -> str:
    article = "an" if noun[0] in "aeiou" else "a"
    return phrase.format(some=f"{article} {noun}", noun=noun, nouns=plural(noun))


def plural(noun: str) -> str:
    """A noun for two or more.

    Example:
        >>> plural("star"), plural("box"), plural("fish")
        ('stars', 'boxes', 'fish')
    """
    return _IRREGULAR_PLURALS.get(noun, noun + "s")


def number_word(count: int) -> str:
    """The plain word for a count of things."""
    return _NUMBERS[count][0]


def place_phrase(background: Background) -> str:
    """The plain words for where a scene takes place."""
    return _PLACES[background][0]


def _mention_group(group: Group, shares: _Shares, rng: Random) -> GroupMention:
    random = rng.random
    is_counted = random() < shares.count or group.count == 1
    return GroupMention(
        kind=group.kind,
        colour=group.colour if random() < shares.colour else None,
        texture=group.texture if random() < shares.texture else None,
        size=group.size if random() < shares.size else None,
        count=group.count if is_counted else None,
        is_several=not is_counted,
        action=group.action if random() < shares.action else None,
    )


def _sentence(mention: Mention, rng: Random) -> str:
    phrases = [_noun_phrase(group, rng) for group in mention.groups]
    if len(phrases) == 1:
        body = phrases[0]
    else:
        link = "and" if mention.relation is None else rng.choice(_RELATIONS[mention.relation])
        body = f"{phrases[0]} {link} {phrases[1]}"
    if mention.background is None:
        return body
    place = rng.choice(_PLACES[mention.background])
    return f"{place}, {body}" if rng.random() < 0.2 else f"{body} {place}"


def _noun_phrase(group: GroupMention, rng: Random) -> str:
    noun = rng.choice(_SINGULARS[group.kind])
    if group.count != 1:
        noun = plural(noun)
    adjectives = [
        rng.choice(words)
        for words in (_words(_SIZES, group.size), _words(_COLOURS, group.colour), _words(_TEXTURES, group.texture))
        if words
    ]
    if group.colour is not None and group.texture is not None and rng.random() < 0.3:
        adjectives[-2:] = adjectives[:-3:-1]
    action = None if group.action is None else rng.choice(_ACTIONS[group.action])
    if action is not None and action != "asleep" and rng.random() < 0.2:
        words = [action, *adjectives, noun]
    else:
        words = [*adjectives, noun] if action is None else [*adjectives, noun, action]
    return " ".join([_determiner(group, words[0], rng), *words])


def _words(table: dict[Fact, tuple[str, ...]], value: Fact | None) -> tuple[str, ...]:
    return () if value is None else table[value]


def _determiner(group: GroupMention, next_word: str, rng: Random) -> str:
    if group.is_several or group.count is None:
        return rng.choice(("some", "several"))
    if group.count == 1 and rng.random() < 0.7:
        return "an" if next_word[0] in "aeiou" else "a"
    return rng.choice(_NUMBERS[group.count])


def words_of_absence() -> frozenset[str]:
    """The words, beside those of the vocabulary, that say what isn't there."""
    return frozenset(word for phrase in _ABSENCES for word in phrase.split() if "{" not in word)


def vocabulary() -> frozenset[str]:
    """Every word that a caption can hold that says what is there."""
    nouns = [noun for words in _SINGULARS.values() for noun in words]
    plurals = [plural(noun) for noun in nouns]
    tables = (_TEXTURES, _SIZES, _COLOURS, _NUMBERS, _ACTIONS, _PLACES, _RELATIONS)
    phrases = [phrase for table in tables for words in table.values() for phrase in words]
    texts = [*nouns, *plurals, *phrases, "a", "an", "some", "several", "and", ","]
    return frozenset(word for text in texts for word in text.split())
