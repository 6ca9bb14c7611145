"""Paired pictures of failures: the target beside the image that was retrieved instead."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import wrap

from PIL import Image, ImageDraw, ImageFont

from misfire.core.errors import UsageError
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
_CAPTION_LINES = 3
_PAIR_WIDTH = 2 * _TILE + 3 * _MARGIN
_PAIR_HEIGHT = (2 + _CAPTION_LINES) * _LINE + _BAND + _TILE + 2 * _LINE + 2 * _MARGIN
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
    colour, and both ranks and scores below. Pages for annotators leave the categories out.

    Args:
        failure_set: What to draw.
        dataset: Where the images come from.
        layout: 20 pairs in 4 columns by default.
        show_oracle_categories: Whether to print the gold category of each failure.
    """
    layout = layout or ContactSheetLayout()
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
    columns = min(num_columns, len(failures))
    rows = -(-len(failures) // columns)
    # The title and its legend need about two pairs' width, whatever the number of columns.
    width = max(columns * _PAIR_WIDTH, 2 * _PAIR_WIDTH)
    page = Image.new("RGB", (width, _TITLE_HEIGHT + rows * _PAIR_HEIGHT), _PAPER)
    draw = ImageDraw.Draw(page)
    _draw_title(draw, title)
    images = {image.id: image for image in dataset.images}
    for place, failure in enumerate(failures):
        left = (place % columns) * _PAIR_WIDTH
        top = _TITLE_HEIGHT + (place // columns) * _PAIR_HEIGHT
        tiles = (
            _tile(images[failure.target_image_id].source.load()),
            _tile(images[failure.retrieved_image_id].source.load()),
        )
        _draw_pair(page, draw, (left, top), start + place, failure, tiles, show_categories)
    return page


def _draw_title(draw: ImageDraw.ImageDraw, title: str) -> None:
    draw.text((_MARGIN, _MARGIN // 2), title, fill=_INK, font=_font(16))
    legend = "Left, blue: TARGET, the image that the caption describes. Right, orange: RETRIEVED, the image at rank 1."
    draw.text((_MARGIN, _MARGIN // 2 + _LINE + 2), legend, fill=_FAINT, font=_font(14))


def _draw_pair(
    page: Image.Image,
    draw: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    index: int,
    failure: Failure,
    tiles: tuple[Image.Image, Image.Image],
    show_categories: bool,
) -> None:
    left, top = corner
    draw.rectangle((left + 4, top + 4, left + _PAIR_WIDTH - 4, top + _PAIR_HEIGHT - 4), outline=_RULE)
    x, y = left + _MARGIN, top + _MARGIN
    draw.text((x, y), _heading(index, failure, show_categories), fill=_FAINT, font=_font(13))
    y += _LINE
    for line in _wrapped(failure.caption):
        draw.text((x, y), line, fill=_INK, font=_font(15))
        y += _LINE
    y = top + _MARGIN + (1 + _CAPTION_LINES) * _LINE + _LINE // 2
    sides = (
        ("TARGET", _TARGET_COLOUR, tiles[0], failure.target_image_id, _target_rank(failure), failure.target_score),
        ("RETRIEVED", _RETRIEVED_COLOUR, tiles[1], failure.retrieved_image_id, "rank 1", failure.retrieved_score),
    )
    for place, (word, colour, tile, image_id, rank, score) in enumerate(sides):
        _draw_side(page, draw, (x + place * (_TILE + _MARGIN), y), word, colour, tile, image_id, rank, score)


def _draw_side(
    page: Image.Image,
    draw: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    word: str,
    colour: tuple[int, int, int],
    tile: Image.Image,
    image_id: int,
    rank: str,
    score: float,
) -> None:
    x, y = corner
    draw.rectangle((x, y, x + _TILE - 1, y + _BAND - 1), fill=colour)
    draw.text((x + 8, y + 4), word, fill=_PAPER, font=_font(15))
    y += _BAND
    page.paste(tile, (x, y))
    draw.rectangle((x, y, x + _TILE - 1, y + _TILE - 1), outline=colour, width=2)
    y += _TILE + 4
    draw.text((x, y), f"{rank}, score {score:.4f}", fill=_INK, font=_font(14))
    draw.text((x, y + _LINE), f"image {image_id}", fill=_FAINT, font=_font(13))


def _heading(index: int, failure: Failure, show_categories: bool) -> str:
    heading = f"idx {index}   query {failure.query_id}"
    if not show_categories:
        return heading
    subtype = f" ({failure.ambiguous_subtype})" if failure.ambiguous_subtype else ""
    return f"{heading}   {failure.category or 'not labelled'}{subtype}"


def _target_rank(failure: Failure) -> str:
    if failure.best_rank == failure.worst_rank:
        return f"rank {failure.rank}"
    return f"rank {failure.rank} (ties {failure.best_rank}-{failure.worst_rank})"


def _wrapped(caption: str) -> list[str]:
    font = _font(15)
    # An average letter's width gives the first guess; a line that is still too wide is wrapped tighter.
    width = 2 * _TILE + _MARGIN
    for num_letters in range(width // 6, 8, -1):
        lines = wrap(" ".join(caption.split()), num_letters, max_lines=_CAPTION_LINES, placeholder=" ...")
        if all(font.getlength(line) <= width for line in lines):
            break
    return lines


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


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()
