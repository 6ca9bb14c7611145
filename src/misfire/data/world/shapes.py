"""Silhouettes of the 16 kinds and the ink of the 6 actions, drawn large and reduced."""

from collections.abc import Callable
from functools import cache
from math import cos, pi, sin

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from misfire.data.world.facts import Action, Colour, Kind, Texture

_ENLARGED = 4
_OUTLINE = 1

RGB = tuple[int, int, int]
Unit = float | int
Point = tuple[Unit, Unit]

COLOURS: dict[Colour, RGB] = {
    Colour.RED: (222, 30, 38),
    Colour.ORANGE: (250, 135, 20),
    Colour.YELLOW: (250, 222, 40),
    Colour.GREEN: (30, 165, 60),
    Colour.BLUE: (40, 85, 220),
    Colour.PURPLE: (145, 50, 190),
    Colour.BLACK: (22, 22, 22),
    Colour.WHITE: (252, 252, 252),
}
_BLACK: RGB = (15, 15, 15)
_WHITE: RGB = (250, 250, 250)
_GREY: RGB = (140, 140, 146)
_PATTERN: dict[Colour, RGB] = {
    Colour.RED: _WHITE,
    Colour.ORANGE: _BLACK,
    Colour.YELLOW: _BLACK,
    Colour.GREEN: _WHITE,
    Colour.BLUE: _WHITE,
    Colour.PURPLE: _WHITE,
    Colour.BLACK: _GREY,
    Colour.WHITE: _GREY,
}


class _Pen:
    """Draws on a mask in units: x to the right and y down, both from -1 to 1."""

    def __init__(self, side: int) -> None:
        self.mask = Image.new("L", (side, side), 0)
        self._draw = ImageDraw.Draw(self.mask)
        self._half = (side - 1) / 2

    def polygon(self, points: list[Point], *, fill: int = 255) -> None:
        self._draw.polygon([(self._at(x), self._at(y)) for x, y in points], fill=fill)

    def disc(self, x: Unit, y: Unit, radius: Unit, *, fill: int = 255) -> None:
        self.ellipse(x - radius, y - radius, x + radius, y + radius, fill=fill)

    def ellipse(self, left: Unit, top: Unit, right: Unit, bottom: Unit, *, fill: int = 255) -> None:
        self._draw.ellipse([self._at(left), self._at(top), self._at(right), self._at(bottom)], fill=fill)

    def rectangle(self, left: Unit, top: Unit, right: Unit, bottom: Unit, *, fill: int = 255) -> None:
        self._draw.rectangle([self._at(left), self._at(top), self._at(right), self._at(bottom)], fill=fill)

    def _at(self, unit: Unit) -> float:
        return self._half * (1 + unit)


def _ball(pen: _Pen) -> None:
    pen.disc(0, 0, 0.95)


def _box(pen: _Pen) -> None:
    pen.rectangle(-0.88, -0.88, 0.88, 0.88)


def _triangle(pen: _Pen) -> None:
    pen.polygon([(0, -0.95), (0.98, 0.85), (-0.98, 0.85)])


def _star(pen: _Pen) -> None:
    radii = [1.0, 0.42] * 5
    pen.polygon([(r * sin(i * pi / 5), 0.06 - r * cos(i * pi / 5)) for i, r in enumerate(radii)])


def _heart(pen: _Pen) -> None:
    pen.disc(-0.48, -0.4, 0.5)
    pen.disc(0.48, -0.4, 0.5)
    pen.polygon([(-0.94, -0.22), (0, -0.3), (0.94, -0.22), (0, 0.95)])


def _moon(pen: _Pen) -> None:
    pen.disc(0, 0, 0.97)
    pen.disc(0.45, -0.12, 0.78, fill=0)


def _cross(pen: _Pen) -> None:
    pen.rectangle(-0.32, -0.95, 0.32, 0.95)
    pen.rectangle(-0.95, -0.32, 0.95, 0.32)


def _arrow(pen: _Pen) -> None:
    pen.rectangle(-0.97, -0.3, 0.15, 0.3)
    pen.polygon([(0.05, -0.9), (0.98, 0), (0.05, 0.9)])


def _house(pen: _Pen) -> None:
    pen.rectangle(-0.72, -0.1, 0.72, 0.92)
    pen.polygon([(0, -0.97), (0.98, 0.02), (-0.98, 0.02)])
    pen.rectangle(-0.18, 0.35, 0.2, 0.92, fill=0)


def _tree(pen: _Pen) -> None:
    pen.polygon([(0, -0.97), (0.6, -0.1), (-0.6, -0.1)])
    pen.polygon([(0, -0.5), (0.85, 0.52), (-0.85, 0.52)])
    pen.rectangle(-0.2, 0.5, 0.2, 0.97)


def _car(pen: _Pen) -> None:
    pen.polygon([(-0.5, -0.6), (0.35, -0.6), (0.62, -0.05), (-0.72, -0.05)])
    pen.rectangle(-0.97, -0.08, 0.97, 0.42)
    pen.disc(-0.52, 0.42, 0.28)
    pen.disc(0.52, 0.42, 0.28)


def _key(pen: _Pen) -> None:
    pen.disc(-0.5, 0, 0.48)
    pen.disc(-0.55, 0, 0.17, fill=0)
    pen.rectangle(-0.1, -0.16, 0.97, 0.16)
    pen.rectangle(0.35, 0.1, 0.55, 0.5)
    pen.rectangle(0.77, 0.1, 0.97, 0.5)


def _bell(pen: _Pen) -> None:
    pen.ellipse(-0.58, -0.85, 0.58, 0.5)
    pen.polygon([(-0.58, -0.15), (0.58, -0.15), (0.95, 0.6), (-0.95, 0.6)])
    pen.disc(0, 0.68, 0.26)
    pen.disc(0, -0.82, 0.15)


def _flower(pen: _Pen) -> None:
    for petal in range(5):
        angle = 2 * pi * petal / 5
        pen.disc(0.55 * sin(angle), -0.55 * cos(angle), 0.42)
    pen.disc(0, 0, 0.4)
    pen.disc(0, 0, 0.2, fill=0)


def _fish(pen: _Pen) -> None:
    pen.ellipse(-0.97, -0.55, 0.5, 0.55)
    pen.polygon([(0.25, 0), (0.97, -0.65), (0.97, 0.65)])
    pen.disc(-0.58, -0.12, 0.13, fill=0)


def _cup(pen: _Pen) -> None:
    pen.ellipse(0.1, -0.5, 0.97, 0.42)
    pen.ellipse(0.33, -0.26, 0.74, 0.18, fill=0)
    pen.polygon([(-0.9, -0.8), (0.5, -0.8), (0.38, 0.85), (-0.78, 0.85)])


_SILHOUETTES: dict[Kind, Callable[[_Pen], None]] = {
    Kind.BALL: _ball,
    Kind.BOX: _box,
    Kind.TRIANGLE: _triangle,
    Kind.STAR: _star,
    Kind.HEART: _heart,
    Kind.MOON: _moon,
    Kind.CROSS: _cross,
    Kind.ARROW: _arrow,
    Kind.HOUSE: _house,
    Kind.TREE: _tree,
    Kind.CAR: _car,
    Kind.KEY: _key,
    Kind.BELL: _bell,
    Kind.FLOWER: _flower,
    Kind.FISH: _fish,
    Kind.CUP: _cup,
}


@cache
def thing(kind: Kind, colour: Colour, texture: Texture, side: int) -> Image.Image:
    """A thing of ``side`` by ``side`` pixels in RGBA, with an outline that stands out on any background."""
    inner, outer = _masks(kind, side)
    outline = _WHITE if colour is Colour.BLACK else _BLACK
    sprite = Image.new("RGB", (side, side), outline)
    sprite.paste(_fill(colour, texture, side), (0, 0), inner)
    sprite.putalpha(outer)
    return sprite


@cache
def _masks(kind: Kind, side: int) -> tuple[Image.Image, Image.Image]:
    border = _OUTLINE * _ENLARGED
    pen = _Pen(side * _ENLARGED - 2 * border)
    _SILHOUETTES[kind](pen)
    inner = Image.new("L", (side * _ENLARGED, side * _ENLARGED), 0)
    inner.paste(pen.mask, (border, border))
    outer = inner.filter(ImageFilter.MaxFilter(2 * border + 1))
    return inner.reduce(_ENLARGED), outer.reduce(_ENLARGED)


@cache
def _fill(colour: Colour, texture: Texture, side: int) -> Image.Image:
    base = Image.new("RGB", (side, side), COLOURS[colour])
    base.paste(Image.new("RGB", (side, side), _PATTERN[colour]), (0, 0), _pattern(texture, side))
    return base


@cache
def _pattern(texture: Texture, side: int) -> Image.Image:
    large = side * _ENLARGED
    mask = Image.new("L", (large, large), 0)
    draw = ImageDraw.Draw(mask)
    if texture is Texture.STRIPED:
        period = max(4.5, side / 5) * _ENLARGED
        for start in range(-20, 40):
            x = start * period
            draw.polygon(
                [(x, 0), (x + period * 0.45, 0), (x + period * 0.45 - large, large), (x - large, large)], fill=255
            )
    elif texture is Texture.DOTTED:
        period = max(4.2, side / 6) * _ENLARGED
        radius = period * 0.27
        for row in range(-1, 12):
            for column in range(-1, 12):
                x, y = (column + (row % 2) / 2) * period, row * period
                draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=255)
    elif texture is Texture.CHECKERED:
        step = max(3.0, side / 7) * _ENLARGED
        for row in range(20):
            for column in range(row % 2, 20, 2):
                draw.rectangle([column * step, row * step, (column + 1) * step - 1, (row + 1) * step - 1], fill=255)
    return mask.reduce(_ENLARGED)


MARGIN = 0.55
"""How far an action's ink reaches beyond a thing, as a share of its side."""


@cache
def action_ink(action: Action, side: int, *, is_dark: bool) -> Image.Image:
    """What is drawn behind a thing of ``side`` pixels to show its action, in RGBA, wider by the margin on each side."""
    width = side + 2 * round(MARGIN * side)
    pen = _Pen(width * _ENLARGED)
    unit = side / width  # the thing's half side in the pen's units
    line = max(1.3, side / 16) / width  # half the thickness of a line
    ink: RGB = _WHITE if is_dark else _BLACK
    if action is Action.GLOWING:
        return _halo(width, unit)
    _ACTIONS[action](pen, unit, line)
    image = Image.new("RGB", (width, width), ink)
    image.putalpha(pen.mask.reduce(_ENLARGED))
    return image


def _falling(pen: _Pen, unit: float, line: float) -> None:
    for x in (-0.6, 0, 0.6):
        pen.rectangle(x * unit - line, -1, x * unit + line, -unit - line if x else -unit * 1.25)


def _racing(pen: _Pen, unit: float, line: float) -> None:
    for y in (-0.55, 0, 0.55):
        pen.rectangle(-1, y * unit - line, -unit - line, y * unit + line)


def _jumping(pen: _Pen, unit: float, line: float) -> None:
    pen.ellipse(-unit * 0.9, unit * 1.3, unit * 0.9, unit * 1.3 + max(4 * line, unit * 0.35))


def _spinning(pen: _Pen, unit: float, line: float) -> None:
    radius = unit * 1.42
    pen.disc(0, 0, radius)
    pen.disc(0, 0, radius - 2.2 * line, fill=0)
    for sign in (-1, 1):
        pen.polygon([(0, 0), (-sign * 2, sign * 0.35), (-sign * 2, sign * 2), (0, sign * 2)], fill=0)


def _sleeping(pen: _Pen, unit: float, line: float) -> None:
    _letter_z(pen, unit * 0.55, -unit * 1.0, max(unit * 0.62, 6 * line), line)
    _letter_z(pen, unit * 1.15, -min(unit * 1.75, 0.99), max(unit * 0.5, 5 * line), line)


def _letter_z(pen: _Pen, left: float, top: float, width: float, line: float) -> None:
    right, bottom = left + width, top + width
    pen.rectangle(left, top, right, top + 1.6 * line)
    pen.rectangle(left, bottom - 1.6 * line, right, bottom)
    pen.polygon([(right - 2 * line, top), (right, top), (left + 2 * line, bottom), (left, bottom)])


_ACTIONS: dict[Action, Callable[[_Pen, float, float], None]] = {
    Action.FALLING: _falling,
    Action.RACING: _racing,
    Action.JUMPING: _jumping,
    Action.SPINNING: _spinning,
    Action.SLEEPING: _sleeping,
}


def _halo(width: int, unit: float) -> Image.Image:
    outer, inner = _Pen(width * _ENLARGED), _Pen(width * _ENLARGED)
    outer.disc(0, 0, min(unit * 1.5, 0.99))
    inner.disc(0, 0, min(unit * 1.5, 0.99) - 2.4 / width)
    image = Image.new("RGB", (width, width), (250, 150, 40))
    image.paste((255, 244, 130), (0, 0), inner.mask.reduce(_ENLARGED))
    image.putalpha(ImageChops.lighter(outer.mask, inner.mask).reduce(_ENLARGED))
    return image
