from dataclasses import replace

import pytest

from misfire.data.world import (
    Action,
    Background,
    Cause,
    Colour,
    Group,
    GroupMention,
    Kind,
    Mention,
    Relation,
    Scene,
    Size,
    Texture,
    num_different_facts,
    oracle_category,
    oracle_subtype,
)

STAR = Group(Kind.STAR, Colour.RED, Texture.PLAIN, Size.LARGE, 2, Action.FALLING)
CUP = Group(Kind.CUP, Colour.BLUE, Texture.DOTTED, Size.SMALL, 1, None)
SCENE = Scene((STAR, CUP), Relation.LEFT_OF, Background.SNOW, None, 0)
SAID_STAR = GroupMention(Kind.STAR, Colour.RED, Texture.PLAIN, Size.LARGE, 2, False, Action.FALLING)
SAID_CUP = GroupMention(Kind.CUP, None, None, None, 1, False, None)
SAID = Mention((SAID_STAR, SAID_CUP), Relation.LEFT_OF, Background.SNOW)


def said(star: GroupMention = SAID_STAR, **changes: object) -> Mention:
    return replace(SAID, groups=(star, SAID_CUP), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("mention", "cause"),
    [
        (said(), "ambiguous"),
        (said(replace(SAID_STAR, kind=Kind.KEY)), "object"),
        (said(replace(SAID_STAR, colour=Colour.BLUE)), "attribute"),
        (said(replace(SAID_STAR, texture=Texture.STRIPED)), "attribute"),
        (said(replace(SAID_STAR, size=Size.SMALL)), "attribute"),
        (said(replace(SAID_STAR, action=Action.SLEEPING)), "action"),
        (said(replace(SAID_STAR, count=3)), "count"),
        (said(background=Background.SEA), "context"),
        (said(relation=Relation.RIGHT_OF), "spatial"),
        (said(relation=Relation.ABOVE), "spatial"),
        (said(replace(SAID_STAR, colour=None, texture=None, action=None), relation=None, background=None), "ambiguous"),
        # several violations: the first kind in the order is named
        (said(replace(SAID_STAR, kind=Kind.KEY, colour=Colour.BLUE, count=3)), "object"),
        (said(replace(SAID_STAR, action=Action.SLEEPING, count=3), background=Background.SEA), "action"),
        (said(replace(SAID_STAR, count=3), relation=Relation.ABOVE), "count"),
    ],
)
def test_the_first_violated_fact_is_the_cause(mention: Mention, cause: str) -> None:
    assert oracle_category(mention, SCENE) == Cause(cause)


def test_the_order_of_mention_does_not_matter() -> None:
    swapped = Mention((SAID_CUP, SAID_STAR), Relation.RIGHT_OF, None)
    assert oracle_category(swapped, SCENE) is Cause.AMBIGUOUS
    assert oracle_category(replace(swapped, relation=Relation.LEFT_OF), SCENE) is Cause.SPATIAL


def test_one_mentioned_group_may_be_any_group() -> None:
    assert oracle_category(Mention((SAID_CUP,), None, None), SCENE) is Cause.AMBIGUOUS


def test_a_mentioned_group_that_is_missing_is_an_object_failure() -> None:
    assert oracle_category(SAID, Scene((STAR,), None, Background.SNOW, None, 0)) is Cause.OBJECT


def test_two_groups_of_one_kind_are_matched_in_the_best_way() -> None:
    red, blue = replace(STAR, count=1), replace(STAR, count=1, colour=Colour.BLUE)
    scene = Scene((red, blue), Relation.ABOVE, Background.SNOW, None, 0)
    star = replace(SAID_STAR, count=1, colour=Colour.BLUE)
    assert oracle_category(Mention((star,), None, None), scene) is Cause.AMBIGUOUS
    plain = replace(star, colour=None)
    assert oracle_category(Mention((star, plain), Relation.BELOW, None), scene) is Cause.AMBIGUOUS
    assert oracle_category(Mention((star, plain), Relation.ABOVE, None), scene) is Cause.SPATIAL


@pytest.mark.parametrize(("count", "cause"), [(1, "count"), (2, "ambiguous"), (5, "ambiguous")])
def test_several_means_two_or_more(count: int, cause: str) -> None:
    scene = Scene((replace(STAR, count=count),), None, Background.SNOW, None, 0)
    several = replace(SAID_STAR, count=None, is_several=True)
    assert oracle_category(Mention((several,), None, None), scene) == Cause(cause)


def test_subtypes_count_different_facts() -> None:
    near = replace(SCENE, background=Background.SEA, layout=9)
    far = replace(SCENE, groups=(replace(STAR, kind=Kind.KEY, count=1), CUP), background=Background.SEA)
    assert (num_different_facts(SCENE, SCENE), num_different_facts(SCENE, near), num_different_facts(SCENE, far)) == (
        0,
        1,
        3,
    )
    assert oracle_subtype(SCENE, near) == "near_duplicate"
    assert oracle_subtype(SCENE, far) == "underspecified"
