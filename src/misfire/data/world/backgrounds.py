"""The 8 places, each with a few variants, drawn large and reduced."""

from collections.abc import Callable
from functools import cache
from random import Random

from PIL import Image, ImageDraw

from misfire.data.world.facts import Background

NUM_VARIANTS = 8
_ENLARGED = 4

Draw = ImageDraw.ImageDraw

DARK = frozenset({Background.NIGHT, Background.FOREST})
"""Backgrounds on which white ink is seen better than black ink."""


@cache
def background(place: Background, variant: int, side: int) -> Image.Image:
    """A place of ``side`` by ``side`` pixels in RGB; never draw on it, it is shared."""
    large = side * _ENLARGED
    image = Image.new("RGB", (large, large))
    rng = Random(f"{place.value}/{variant}")
    horizon = large * rng.uniform(0.56, 0.68)
    _PLACES[place](ImageDraw.Draw(image), large, horizon, rng)
    return image.reduce(_ENLARGED)


def _halves(draw: Draw, side: int, horizon: float, sky: str, ground: str) -> None:
    draw.rectangle([0, 0, side, horizon], fill=sky)
    draw.rectangle([0, horizon, side, side], fill=ground)


def _meadow(draw: Draw, side: int, horizon: float, rng: Random) -> None:
    _halves(draw, side, horizon, "#a5d8f5", "#8cc66a")
    for _ in range(22):
        x, y = rng.uniform(0, side), rng.uniform(horizon + 8, side)
        draw.line([x, y, x + 3, y - 10], fill="#5f9c44", width=3)


def _desert(draw: Draw, side: int, horizon: float, rng: Random) -> None:
    _halves(draw, side, horizon, "#fbe3b5", "#dfb573")
    x = rng.uniform(0.1, 0.8) * side
    draw.ellipse([x - 70, horizon - 26, x + 90, horizon + 60], fill="#dfb573")
    for _ in range(3):
        y = rng.uniform(horizon + 10, side)
        draw.arc([rng.uniform(-40, 150), y, rng.uniform(160, 300), y + 20], 190, 350, fill="#bf9150", width=4)
    draw.ellipse([side - 46, 10, side - 12, 44], fill="#f6b03c")


def _sea(draw: Draw, side: int, horizon: float, rng: Random) -> None:
    _halves(draw, side, horizon, "#cdeaf7", "#4d9bc9")
    for row in range(8):
        y = horizon + 8 + row * 14
        start = rng.uniform(-30, 0)
        for x in range(10):
            draw.arc([start + x * 30, y, start + x * 30 + 30, y + 12], 0, 180, fill="#d5eefa", width=3)


def _city(draw: Draw, side: int, horizon: float, rng: Random) -> None:
    _halves(draw, side, horizon, "#c2c4cc", "#85858d")
    x = -10.0
    while x < side:
        width, top = rng.uniform(30, 52), horizon - rng.uniform(40, 125)
        draw.rectangle([x, top, x + width, horizon], fill=rng.choice(["#9b9dab", "#a9a4ae"]))
        for window in range(int((horizon - top) // 22)):
            draw.rectangle([x + 8, top + 8 + window * 22, x + 16, top + 17 + window * 22], fill="#e9dfa6")
            draw.rectangle([x + 20, top + 8 + window * 22, x + 28, top + 17 + window * 22], fill="#e9dfa6")
        x += width + 2


def _forest(draw: Draw, side: int, horizon: float, rng: Random) -> None:
    _halves(draw, side, horizon, "#7fa588", "#466b4a")
    x = rng.uniform(-30, 0)
    while x < side:
        width, top = rng.uniform(36, 60), rng.uniform(0, 60)
        draw.polygon([(x, horizon + 4), (x + width / 2, top), (x + width, horizon + 4)], fill="#2f5238")
        x += width * 0.8


def _night(draw: Draw, side: int, horizon: float, rng: Random) -> None:
    _halves(draw, side, horizon, "#171a4d", "#4a4a66")
    for _ in range(26):
        x, y = rng.uniform(0, side), rng.uniform(0, horizon - 6)
        draw.rectangle([x, y, x + 4, y + 4], fill="#f4f1d0")


def _snow(draw: Draw, side: int, horizon: float, rng: Random) -> None:
    _halves(draw, side, horizon, "#bccbdb", "#eef3f8")
    for _ in range(30):
        x, y = rng.uniform(0, side), rng.uniform(0, side)
        draw.ellipse([x, y, x + 6, y + 6], fill="#ffffff" if y < horizon else "#c9d6e4")


def _room(draw: Draw, side: int, horizon: float, rng: Random) -> None:
    _halves(draw, side, horizon, "#ecd3c3", "#a9754f")
    for x in range(0, side, 36):
        draw.line([x, horizon, x - 14, side], fill="#8a5c3b", width=3)
    left, top = rng.choice([14, 96, 176]), 16
    draw.rectangle([left, top, left + 64, top + 64], fill="#bfe3f2", outline="#8a5c3b", width=6)
    draw.line([left + 32, top, left + 32, top + 64], fill="#8a5c3b", width=5)
    draw.line([left, top + 32, left + 64, top + 32], fill="#8a5c3b", width=5)


_PLACES: dict[Background, Callable[[Draw, int, float, Random], None]] = {
    Background.MEADOW: _meadow,
    Background.DESERT: _desert,
    Background.SEA: _sea,
    Background.CITY: _city,
    Background.FOREST: _forest,
    Background.NIGHT: _night,
    Background.SNOW: _snow,
    Background.ROOM: _room,
}
