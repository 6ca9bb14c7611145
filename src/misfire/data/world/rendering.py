"""Pixels of a scene."""

from collections.abc import Iterator
from random import Random

from PIL import Image, ImageDraw, ImageFilter

from misfire.data.world import shapes
from misfire.data.world.backgrounds import DARK, NUM_VARIANTS, background
from misfire.data.world.facts import Group, Nuisance, Relation, Scene, Size

RENDERER_VERSION = 4
"""Part of every image's content hash; raise it whenever a pixel of any scene changes."""

IMAGE_SIDE = 64
"""Width and height of an image in pixels."""

_Box = tuple[float, float, float, float]

# Things in each row of a group, from the top, given the group's count.
_ROWS_WHOLE = {1: (1,), 2: (2,), 3: (2, 1), 4: (2, 2), 5: (3, 2)}
_ROWS_TALL = {1: (1,), 2: (1, 1), 3: (1, 1, 1), 4: (2, 2), 5: (2, 1, 2)}
_ROWS_WIDE = {1: (1,), 2: (2,), 3: (3,), 4: (2, 2), 5: (3, 2)}

_HAZES = tuple(
    Image.new("RGB", (IMAGE_SIDE, IMAGE_SIDE), colour)
    for colour in ("#969ba0", "#c9a877", "#7fa9c9", "#8f86b0", "#86a886", "#b98d80", "#5a6378")
)
_MOST_HAZE = 0.8
_SMALL_SIDE = 15
_MARGIN = 2


def render(scene: Scene) -> Image.Image:
    """The image of a scene in RGB, 64 by 64 pixels, the same on each call."""
    rng = Random(scene.layout)
    place = background(scene.background, rng.randrange(NUM_VARIANTS), IMAGE_SIDE)
    image = Image.blend(place, rng.choice(_HAZES), rng.uniform(0, _MOST_HAZE))  # some places are hard to name
    is_dark = scene.background in DARK
    placed = [(group, spot) for group, box, rows in _regions(scene) for spot in _places(group, box, rows, rng)]
    for group, spot in placed:  # all ink lies behind all things, so that no halo hides a neighbour
        _draw_action(image, group, *spot, is_dark=is_dark)
    for group, (left, top, side) in placed:
        kind = scene.alike[scene.layout % len(scene.alike)] if group.kind in scene.alike else group.kind
        sprite = shapes.thing(kind, group.colour, group.texture, side)
        image.paste(sprite, (left, top), sprite)
    return image if scene.nuisance is None else _spoil(image, scene.nuisance, rng)


def _regions(scene: Scene) -> Iterator[tuple[Group, _Box, tuple[int, ...]]]:
    none, half, whole = 0.0, IMAGE_SIDE / 2, float(IMAGE_SIDE)
    if scene.relation is None:
        boxes: list[_Box] = [(none, none, whole, whole)]
        rows = _ROWS_WHOLE
    elif scene.relation is Relation.LEFT_OF:
        boxes = [(none, none, half, whole), (half, none, whole, whole)]
        rows = _ROWS_TALL
    else:
        boxes = [(none, none, whole, half), (none, half, whole, whole)]
        rows = _ROWS_WIDE
    for group, box in zip(scene.groups, boxes, strict=True):
        yield group, box, rows[group.count]


def _places(group: Group, box: _Box, rows: tuple[int, ...], rng: Random) -> Iterator[tuple[int, int, int]]:
    """Left, top and side of each thing."""
    left, top, right, bottom = box
    cell_height = (bottom - top) / len(rows)
    cell_width = (right - left) / max(rows)
    side = _side(group, min(cell_width, cell_height)) - rng.randrange(2)
    slack_x, slack_y = max(0.0, cell_width - side - _MARGIN), max(0.0, cell_height - side - _MARGIN)
    for row, in_row in enumerate(rows):
        for column in range(in_row):
            x = (left + right) / 2 + (column - in_row / 2 + 0.5) * cell_width - side / 2
            y = top + (row + 0.5) * cell_height - side / 2
            dx, dy = rng.uniform(-0.35, 0.35) * slack_x, rng.uniform(-0.3, 0.3) * slack_y
            yield round(x + dx), round(y + dy), side


def _side(group: Group, room: float) -> int:
    if group.size is Size.SMALL:
        return _SMALL_SIDE
    share = 0.92 if group.action is None else 0.76
    return min(max(round(room * share), _SMALL_SIDE + 4), 40)


def _draw_action(image: Image.Image, group: Group, left: int, top: int, side: int, *, is_dark: bool) -> None:
    if group.action is None:
        return
    ink = shapes.action_ink(group.action, side, is_dark=is_dark)
    offset = (ink.width - side) // 2
    image.paste(ink, (left - offset, top - offset), ink)


def _spoil(image: Image.Image, nuisance: Nuisance, rng: Random) -> Image.Image:
    if nuisance is Nuisance.BLUR:
        return image.filter(ImageFilter.GaussianBlur(2.2))
    if nuisance is Nuisance.DARKNESS:
        return image.point([value // 5 for value in range(256)] * 3)
    if nuisance is Nuisance.LOW_CONTRAST:
        return Image.blend(image, Image.new("RGB", image.size, (128, 128, 128)), 0.8)
    return _occlude(image, rng)


def _occlude(image: Image.Image, rng: Random) -> Image.Image:
    covered = image.copy()
    draw = ImageDraw.Draw(covered)
    for x in range(-rng.randrange(12), IMAGE_SIDE, 14):
        draw.rectangle([x, 0, x + 7, IMAGE_SIDE], fill=(90, 90, 95))
    return covered
