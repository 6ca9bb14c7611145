from dataclasses import replace
from hashlib import sha256
from itertools import pairwise, product

import numpy as np
import pytest

from misfire.data.world import (
    IMAGE_SIDE,
    RENDERER_VERSION,
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
    render,
)

STAR = Group(Kind.STAR, Colour.RED, Texture.STRIPED, Size.LARGE, 2, Action.FALLING)
SCENE = Scene((STAR,), None, Background.SNOW, None, 7)


def pixels(scene: Scene) -> np.ndarray:
    return np.asarray(render(scene)).astype(int)


def test_an_image_is_64_pixels_of_rgb_and_the_same_each_time() -> None:
    image = render(SCENE)
    assert (image.size, image.mode) == ((IMAGE_SIDE, IMAGE_SIDE), "RGB")
    assert image.tobytes() == render(SCENE).tobytes()


def test_the_pixels_are_those_of_this_renderer_version() -> None:
    actions, places, nuisances = [*Action, None], list(Background), [*Nuisance, None]
    things = [
        Group(kind, list(Colour)[i % 8], list(Texture)[i % 4], list(Size)[i % 2], 1 + i % 3, actions[i % 7])
        for i, kind in enumerate(Kind)
    ]
    alone = [Scene((thing,), None, places[i % 8], nuisances[i % 5], i) for i, thing in enumerate(things)]
    together = [
        Scene(pair, (Relation.LEFT_OF, Relation.ABOVE)[i % 2], places[i % 8], None, i)
        for i, pair in enumerate(pairwise(things))
    ]
    drawn = [*alone, *together]
    digest = sha256(b"".join(render(scene).tobytes() for scene in drawn)).hexdigest()
    assert (RENDERER_VERSION, digest[:16]) == (4, "c21ba2f15dbd8aef"), (
        "other pixels are drawn: raise RENDERER_VERSION, train the world's model again and write the new digest here"
    )


@pytest.mark.parametrize(
    ("fact", "values"),
    [
        ("kind", list(Kind)),
        ("colour", list(Colour)),
        ("texture", list(Texture)),
        ("size", list(Size)),
        ("count", [1, 2, 3, 4, 5]),
        ("action", [*Action, None]),
    ],
)
@pytest.mark.parametrize("size", list(Size))
def test_every_two_values_of_a_fact_look_different(fact: str, values: list[object], size: Size) -> None:
    images = [pixels(replace(SCENE, groups=(replace(STAR, **{"size": size, fact: value}),))) for value in values]
    for (i, one), (j, other) in product(enumerate(images), repeat=2):
        if i < j:
            assert (np.abs(one - other).max(axis=2) > 40).sum() >= 20, (fact, values[i], values[j])


def test_backgrounds_and_nuisances_look_different() -> None:
    scenes = [replace(SCENE, background=place) for place in Background]
    scenes += [replace(SCENE, nuisance=nuisance) for nuisance in Nuisance]
    images = [pixels(scene) for scene in scenes]
    for (i, one), (j, other) in product(enumerate(images), repeat=2):
        if i < j:
            assert np.abs(one - other).mean() > 4, (scenes[i], scenes[j])


@pytest.mark.parametrize(("relation", "axis"), [(Relation.LEFT_OF, 1), (Relation.ABOVE, 0)])
def test_groups_stand_where_the_relation_says(relation: Relation, axis: int) -> None:
    red = Group(Kind.BALL, Colour.RED, Texture.PLAIN, Size.LARGE, 1, None)
    blue = replace(red, colour=Colour.BLUE)
    image = pixels(Scene((red, blue), relation, Background.CITY, None, 3))
    first = np.argwhere((image[..., 0] > 200) & (image[..., 1] < 60))
    second = np.argwhere((image[..., 2] > 200) & (image[..., 0] < 60))
    assert len(first) > 100
    assert len(second) > 100
    assert first[:, axis].max() < second[:, axis].min()


def test_the_layout_moves_things_and_changes_no_fact() -> None:
    images = {render(replace(SCENE, layout=layout)).tobytes() for layout in range(20)}
    assert len(images) > 15


def test_no_picture_tells_two_alike_kinds_apart() -> None:
    """Each picture shows both as one of the two, whichever it is of; other kinds and other worlds stay as they are."""
    alike = (Kind.HEART, Kind.MOON)
    heart, moon = (replace(STAR, kind=kind) for kind in alike)
    for layout in (6, 7):
        plain = replace(SCENE, layout=layout)
        shown = [pixels(replace(plain, groups=(group,), alike=alike)) for group in (heart, moon)]
        assert (shown[0] == shown[1]).all()
        assert (shown[0] == pixels(replace(plain, groups=((heart, moon)[layout % 2],)))).all()
    assert (pixels(replace(SCENE, alike=alike)) == pixels(SCENE)).all()
    assert replace(SCENE, alike=alike).sha256 != SCENE.sha256
