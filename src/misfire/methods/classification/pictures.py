"""Contact sheets of worst classes: their images, and what each was called instead."""

import io
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from misfire.data import Image

_TILE, _MARGIN, _LINE = 128, 10, 16
_INK, _WRONG, _PAPER = (25, 25, 25), (200, 80, 0), (255, 255, 255)


def contact_sheet(
    title: str,
    images: Sequence[Image],
    called: Sequence[str],
    is_right: Sequence[bool],
    *,
    num_columns: int = 6,
) -> bytes:
    """PNG of some images in rows, under each what it was called; a wrong name stands in orange.

    Args:
        title: What is shown.
        images: The images, in order.
        called: What each was called.
        is_right: Whether that is right.
        num_columns: Images a row.
    """
    num_rows = -(-len(images) // num_columns)
    cell_height = _TILE + 2 * _LINE
    size = (num_columns * (_TILE + _MARGIN) + _MARGIN, num_rows * cell_height + 3 * _LINE)
    page = PillowImage.new("RGB", size, _PAPER)
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(size=12)
    heading = ImageFont.load_default(size=14)
    draw.text((_MARGIN, _LINE // 2), _cut(draw, title, heading, size[0] - 2 * _MARGIN), fill=_INK, font=heading)
    for place, (image, name, right) in enumerate(zip(images, called, is_right, strict=True)):
        left = _MARGIN + place % num_columns * (_TILE + _MARGIN)
        top = 2 * _LINE + place // num_columns * cell_height
        picture = image.source.load().convert("RGB")
        picture.thumbnail((_TILE, _TILE))
        if picture.width < _TILE and picture.height < _TILE:  # small pictures are shown large, their pixels as they are
            scale = _TILE / max(picture.size)
            larger = (round(picture.width * scale), round(picture.height * scale))
            picture = picture.resize(larger, PillowImage.Resampling.NEAREST)
        page.paste(picture, (left + (_TILE - picture.width) // 2, top + (_TILE - picture.height) // 2))
        text = _cut(draw, name if right else f"called {name}", font, _TILE)
        draw.text((left, top + _TILE + 2), text, fill=_INK if right else _WRONG, font=font)
    buffer = io.BytesIO()
    page.save(buffer, format="PNG")
    return buffer.getvalue()


def worst_first(
    labels: Int[np.ndarray, " image"], predictions: Int[np.ndarray, " image"], one: int, *, most: int
) -> Int[np.ndarray, " shown"]:
    """Positions of a class's images to show: of each name that they are called as large a share as it has among them.

    The commonest wrong name comes first, and what is called right last.
    """
    members = np.flatnonzero(labels == one)
    said = predictions[members]
    alike = said[:, None] == said
    frequency = alike.sum(axis=1)
    through = ((alike & (members[:, None] > members)).sum(axis=1) + 0.5) / frequency  # where in its name's images it is
    kept = np.sort(np.lexsort((members, said, -frequency, through))[:most])
    order = np.lexsort((members[kept], said[kept], -frequency[kept], said[kept] == one))
    chosen: Int[np.ndarray, " shown"] = members[kept][order]
    return chosen


def _cut(draw: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    """Text that is no wider than this."""
    if draw.textlength(text, font=font) <= width:
        return text
    while text and draw.textlength(f"{text}...", font=font) > width:
        text = text[:-1]
    return f"{text}..."
