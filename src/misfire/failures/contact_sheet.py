"""Paired pictures of failures: the target beside the image that was retrieved instead."""

import io
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from PIL import Image, ImageDraw, ImageFont

from misfire.core.errors import UsageError
from misfire.core.font import font_runs, missing_letters, missing_letters_note
from misfire.core.progress import say
from misfire.data import Dataset
from misfire.failures.failure_set import Failure, FailureSet

# Blue and orange are told apart in every common colour blindness; the words say the same.
_TARGET_COLOUR = (0, 90, 181)
_RETRIEVED_COLOUR = (200, 80, 0)
_INK = (25, 25, 25)
_FAINT = (90, 90, 90)
_PAPER = (255, 255, 255)
_RULE = (205, 205, 205)

_TILE = 192
_MARGIN = 16
_LINE = 20
_BAND = 26
_CAPTION_SIZE = 14
_MOST_CAPTION_LINES = 8
_TEXT_WIDTH = 2 * _TILE + _MARGIN
_PAIR_WIDTH = _TEXT_WIDTH + 2 * _MARGIN
_TITLE_HEIGHT = 2 * _LINE + _MARGIN


@dataclass(frozen=True)
class ContactSheetLayout:
    """How many pairs stand on a page, and in how many columns.

    Raises:
        UsageError: If either is below 1.
    """

    pairs_per_page: int = 20
    num_columns: int = 4

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value < 1:
                raise UsageError(f"{name} must be at least 1, got {value}; the defaults are 20 pairs in 4 columns.")


def contact_sheets(
    failure_set: FailureSet,
    dataset: Dataset,
    *,
    layout: ContactSheetLayout | None = None,
    show_oracle_categories: bool,
) -> Iterator[tuple[str, bytes]]:
    """Name and PNG bytes of each page, in the failure set's order.

    A pair has the caption above, the target on the left and the retrieved image on the right, named in words and in
    colour. Pages for annotators leave categories, ranks and scores out, as the annotation page does: an image is judged
    by what it shows. Letters that the font we ship hasn't are drawn in a font of the system that has them; if there
    is none, one line says which.

    Args:
        failure_set: What to draw.
        dataset: Where the images come from.
        layout: 20 pairs in 4 columns by default.
        show_oracle_categories: Whether to print each failure's gold category, ranks and scores.
    """
    layout = layout or ContactSheetLayout()
    main = _font_file()
    missing = missing_letters((failure.caption for failure in failure_set.failures), main) if main else ""
    if missing:
        say(missing_letters_note(missing))
    starts = range(0, len(failure_set), layout.pairs_per_page)
    for page, start in enumerate(starts, start=1):
        origin = f"Top-1 failures of {failure_set.dataset_name}, failure set {failure_set.digest[:12]}"
        failures = failure_set.failures[start : start + layout.pairs_per_page]
        picture = _page(
            f"{origin}, page {page} of {len(starts)}",
            start,
            failures,
            dataset,
            layout.num_columns,
            show_oracle_categories,
        )
        yield f"page_{page:0{len(str(len(starts)))}d}.png", _png(picture)


def _page(
    title: str, start: int, failures: tuple[Failure, ...], dataset: Dataset, num_columns: int, show_categories: bool
) -> Image.Image:
    pairs = [_pair(start + place, failure, dataset, show_categories) for place, failure in enumerate(failures)]
    columns = min(num_columns, len(pairs))
    rows = [pairs[first : first + columns] for first in range(0, len(pairs), columns)]
    # The title and its legend need about two pairs' width, whatever the number of columns.
    width = max(columns * _PAIR_WIDTH, 2 * _PAIR_WIDTH)
    page = Image.new("RGB", (width, _TITLE_HEIGHT + sum(_row_height(row) for row in rows)), _PAPER)
    draw = ImageDraw.Draw(page)
    _draw_title(draw, title)
    top = _TITLE_HEIGHT
    for row in rows:
        for column, pair in enumerate(row):
            _draw_pair(page, draw, (column * _PAIR_WIDTH, top), _row_height(row), pair)
        top += _row_height(row)
    return page


@dataclass(frozen=True)
class _Side:
    """One of a pair's two images, with what is written around it."""

    word: str
    colour: tuple[int, int, int]
    tile: Image.Image
    lines: tuple[str, ...]


@dataclass(frozen=True)
class _Pair:
    heading: str
    caption: list[str]
    sides: tuple[_Side, _Side]


def _pair(index: int, failure: Failure, dataset: Dataset, show_categories: bool) -> _Pair:
    target = _Side(
        "TARGET",
        _TARGET_COLOUR,
        _tile(_load(dataset, failure.target_image_id)),
        _below(failure.target_image_id, _target_rank(failure), failure.target_score, show_categories),
    )
    retrieved = _Side(
        "RETRIEVED",
        _RETRIEVED_COLOUR,
        _tile(_load(dataset, failure.retrieved_image_id)),
        _below(failure.retrieved_image_id, "rank 1", failure.retrieved_score, show_categories),
    )
    return _Pair(_heading(index, failure, show_categories), _wrapped(failure.caption), (target, retrieved))


def _below(image_id: int, rank: str, score: float, shows_model: bool) -> tuple[str, ...]:
    """What stands below an image: what the model made of it only for eyes that don't annotate."""
    return (rank, f"score {score:.4f}, image {image_id}") if shows_model else (f"image {image_id}",)


def _load(dataset: Dataset, image_id: int) -> Image.Image:
    # Images stand in the order of their ids.
    position = bisect_left(dataset.images, image_id, key=lambda image: image.id)
    return dataset.images[position].source.load()


def _row_height(row: list[_Pair]) -> int:
    num_lines = 1 + max(len(pair.caption) for pair in row)
    return 2 * _MARGIN + num_lines * _LINE + _LINE // 2 + _BAND + _TILE + 2 * _LINE + 4


def _draw_title(draw: ImageDraw.ImageDraw, title: str) -> None:
    draw.text((_MARGIN, _MARGIN // 2), title, fill=_INK, font=_font(16))
    legend = "Left, blue: TARGET, the image that the caption describes. Right, orange: RETRIEVED, the image at rank 1."
    draw.text((_MARGIN, _MARGIN // 2 + _LINE + 2), legend, fill=_FAINT, font=_font(14))


def _draw_pair(page: Image.Image, draw: ImageDraw.ImageDraw, corner: tuple[int, int], height: int, pair: _Pair) -> None:
    left, top = corner
    draw.rectangle((left + 4, top + 4, left + _PAIR_WIDTH - 4, top + height - 4), outline=_RULE)
    x, y = left + _MARGIN, top + _MARGIN
    draw.text((x, y), pair.heading, fill=_FAINT, font=_font(13))
    for number, line in enumerate(pair.caption, start=1):
        _draw_caption(draw, (x, y + number * _LINE), line)
    y = top + height - _MARGIN - 2 * _LINE - 4 - _TILE - _BAND
    for place, side in enumerate(pair.sides):
        _draw_side(page, draw, (x + place * (_TILE + _MARGIN), y), side)


def _draw_caption(draw: ImageDraw.ImageDraw, corner: tuple[int, int], line: str) -> None:
    """One line, each piece in a font that has its letters, all on the main font's base line."""
    x, y = float(corner[0]), corner[1]
    main = _font(_CAPTION_SIZE)
    for piece, path in _runs(line):
        font = _font(_CAPTION_SIZE, path)
        if font is main:
            draw.text((x, y), piece, fill=_INK, font=font)
        else:
            draw.text((x, y + main.getmetrics()[0]), piece, fill=_INK, font=font, anchor="ls")
        x += font.getlength(piece)


def _draw_side(page: Image.Image, draw: ImageDraw.ImageDraw, corner: tuple[int, int], side: _Side) -> None:
    x, y = corner
    draw.rectangle((x, y, x + _TILE - 1, y + _BAND - 1), fill=side.colour)
    draw.text((x + 8, y + 4), side.word, fill=_PAPER, font=_font(14))
    y += _BAND
    page.paste(side.tile, (x, y))
    draw.rectangle((x, y, x + _TILE - 1, y + _TILE - 1), outline=side.colour, width=2)
    y += _TILE + 4
    for number, line in enumerate(side.lines):
        draw.text((x, y + number * _LINE), line, fill=_INK, font=_font(13))


def _heading(index: int, failure: Failure, show_categories: bool) -> str:
    heading = f"idx {index}   query {failure.query_id}"
    if not show_categories:
        return heading
    subtype = f" ({failure.ambiguous_subtype})" if failure.ambiguous_subtype else ""
    return f"{heading}   {failure.category or 'not labelled'}{subtype}"


def _target_rank(failure: Failure) -> str:
    if failure.best_rank == failure.worst_rank:
        return f"rank {failure.rank}"
    return f"rank {failure.rank}, tied {failure.best_rank} to {failure.worst_rank}"


def _wrapped(caption: str) -> list[str]:
    """A caption's lines: broken at blanks, between letters of scripts that have none, and within what is too long."""
    lines = [""]
    for word in caption.split():
        for place, piece in enumerate(_unbroken(word)):
            longer = f"{lines[-1]} {piece}".strip() if place == 0 else lines[-1] + piece
            if _length(longer) <= _TEXT_WIDTH:
                lines[-1] = longer
                continue
            if lines[-1]:
                lines.append("")
            for letters in _clusters(piece):
                if lines[-1] and _length(lines[-1] + letters) > _TEXT_WIDTH:
                    lines.append("")
                lines[-1] += letters
            if len(lines) > _MOST_CAPTION_LINES + 1:  # the rest isn't drawn, however long it is
                return [*lines[: _MOST_CAPTION_LINES - 1], "... (the sheet has the whole caption)"]
    if len(lines) > _MOST_CAPTION_LINES:
        return [*lines[: _MOST_CAPTION_LINES - 1], "... (the sheet has the whole caption)"]
    return lines


def _unbroken(word: str) -> list[str]:
    """What of a word stays on one line: all of it, but for letters as wide as high, which may each begin one.

    A mark that closes something stays with the letter before it.
    """
    pieces: list[str] = []
    was_wide = True
    for letter in word:
        is_wide = unicodedata.east_asian_width(letter) in "WF"
        begins = (is_wide or was_wide) and unicodedata.category(letter) not in ("Mn", "Me", "Cf", "Pe", "Pf", "Po")
        if begins or not pieces:
            pieces.append(letter)
        else:
            pieces[-1] += letter
        was_wide = is_wide
    return pieces


def _clusters(text: str) -> list[str]:
    """The letters of a text, each with its marks and joiners."""
    clusters: list[str] = []
    for letter in text:
        if clusters and (unicodedata.category(letter) in ("Mn", "Me", "Mc", "Cf") or clusters[-1].endswith("\u200d")):
            clusters[-1] += letter
        else:
            clusters.append(letter)
    return clusters


def _length(line: str) -> float:
    return sum(_font(_CAPTION_SIZE, path).getlength(piece) for piece, path in _runs(line))


def _runs(line: str) -> list[tuple[str, Path | None]]:
    main = _font_file()
    return [(line, None)] if main is None else font_runs(line, main)


def _tile(image: Image.Image) -> Image.Image:
    """The image centred in a square tile: small ones grow by a whole factor without smoothing, large ones shrink."""
    factor = _TILE // max(image.size)
    if factor >= 1:
        scaled = image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    else:
        scaled = image.copy()
        scaled.thumbnail((_TILE, _TILE), Image.Resampling.LANCZOS)
    tile = Image.new("RGB", (_TILE, _TILE), _PAPER)
    tile.paste(scaled, ((_TILE - scaled.width) // 2, (_TILE - scaled.height) // 2))
    return tile


@cache
def _font(size: int, path: Path | None = None) -> ImageFont.FreeTypeFont:
    """A font of the system, or the one we draw with."""
    main = _font_file()
    if path not in (None, main):
        return ImageFont.truetype(str(path), size)
    return _main_font(size, main)


@cache
def _main_font(size: int, main: Path | None) -> ImageFont.FreeTypeFont:
    if main is None:
        return cast(ImageFont.FreeTypeFont, ImageFont.load_default(size=size))  # of a size there is no other kind
    return ImageFont.truetype(str(main), size)


@cache
def _font_file() -> Path | None:
    # Pillow's own font has no letter beyond ASCII; matplotlib ships one that has, and needn't be imported for it.
    package = find_spec("matplotlib")
    folders = (package.submodule_search_locations or ()) if package else ()
    paths = [Path(folder) / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf" for folder in folders]
    return next((path for path in paths if path.is_file()), None)


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()
