"""Flickr8k and Flickr30k as their authors and Kaggle publish them: a line for each caption."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple, final

from misfire.core.errors import UsageError, name_some
from misfire.data.decoding import MAX_PIXELS
from misfire.data.listing import Listing, read_text, refuse_repeated_columns
from misfire.data.picture_folder import picture_names, pictures
from misfire.data.sourced import SourcedDataset

_CAPTIONS: Final = "Flickr8k.token.txt is in Flickr8k_text.zip, results_20130124.token in flickr30k.tar.gz"
_PICTURES: Final = "Flickr8k_Dataset.zip or flickr30k-images.tar.gz, with their authors"
_TOKEN: Final = re.compile(r"(?P<image>[^\t]+)#(?P<number>[0-9]{1,9})\t(?P<text>.*)")
_NUMBER: Final = re.compile("[0-9]{1,9}")
_HEADERS: Final = MappingProxyType(
    {
        ("image", "caption"): False,
        ("image_name", "comment"): False,
        ("image_name", "comment_number", "comment"): True,  # the caption's number stands between
    }
)


class FlickrLine(NamedTuple):
    """One caption: the image it describes, its number among that image's captions, and its text."""

    image: str
    number: int
    text: str


@final
class FlickrTokens(SourcedDataset):
    """Flickr8k or Flickr30k out of a token file (``NAME.jpg#N<TAB>caption``) or one of Kaggle's tables.

    Images are numbered in the order of their names, captions in the order of their image's name and of their N.

    Args:
        annotations: ``Flickr8k.token.txt``, ``results_20130124.token``, or a table whose header is ``image,caption``,
            ``image_name,comment_number,comment`` or ``image_name| comment_number| comment``.
        images: Folder of the pictures; None to open captions alone.
        split_list: A file with one image's name a line, such as ``Flickr_8k.testImages.txt``; None takes all images
            that have captions or lie in ``images``.
        caption_policy: ``all`` or ``first_5``.
        name: What tables call it; made of the files' names if it isn't given.
        on_bad_image: ``refuse`` or ``skip``, see :class:`SourcedDataset`. (Flickr8k's token file names
            ``2258277193_586949ec62.jpg.1``, a picture that was never published.)
        gallery: ``all`` or ``captioned``, see :class:`SourcedDataset`.
        follow_links: Whether symbolic links may lead to pictures outside the folder.
        max_image_pixels: The most pixels that a picture may have; None for any number.
        index: Folder in which the look at each picture is remembered, or None.

    Raises:
        UsageError: If a line isn't in its format, a caption's number stands twice, the list names an image that neither
            has captions nor lies in ``images``, or a rule of :class:`SourcedDataset` is broken.

    Reference:
        Young, Lai, Hodosh and Hockenmaier, "From image descriptions to visual denotations", TACL 2014.
    """

    def __init__(
        self,
        annotations: str | Path,
        images: str | Path | None = None,
        split_list: str | Path | None = None,
        caption_policy: str = "all",
        *,
        name: str | None = None,
        on_bad_image: str = "refuse",
        gallery: str = "all",
        follow_links: bool = False,
        max_image_pixels: int | None = MAX_PIXELS,
        index: str | Path | None = None,
    ) -> None:
        path, of_split = Path(annotations), None if split_list is None else Path(split_list)
        lines = sorted(read_lines(path), key=lambda line: (line.image, line.number))
        picture = pictures(images, published=_PICTURES, follow_links=follow_links, max_pixels=max_image_pixels)
        there = set() if images is None else set(picture_names(Path(images), follow_links=follow_links))
        if of_split is not None:
            there = read_split_list(of_split, {line.image for line in lines} | there)
            lines = [line for line in lines if line.image in there]
        listing = Listing.of_pairs(
            name or (path if of_split is None else of_split).stem,
            [(line.image, line.text) for line in lines],
            picture,
            others=there,
        )
        super().__init__(
            listing, caption_policy=caption_policy, on_bad_image=on_bad_image, gallery=gallery, index=index
        )


def read_lines(path: Path) -> list[FlickrLine]:
    """The captions of a token file or of a table, in the order of its lines.

    Raises:
        UsageError: If it is neither, lines are malformed, or an image has two captions with one number.
    """
    text = read_text(path, "the captions", published=_CAPTIONS)
    wrong: list[str] = []
    first = text.partition("\n")[0]
    lines = list(_token_lines(text, wrong) if _TOKEN.fullmatch(first.rstrip("\r")) else _table(path, text, wrong))
    if wrong:
        raise UsageError(
            f"{path}: every line must hold an image, its number and a caption, got {name_some(wrong)}; "
            "add the separator that is missing, or drop those lines."
        )
    times = Counter((line.image, line.number) for line in lines)
    twice = [f"{image}#{number}" for (image, number), count in times.items() if count > 1]
    if twice:
        raise UsageError(
            f"{path}: an image's captions must have different numbers, got {name_some(twice)} more than "
            "once; mend or drop those lines."
        )
    return lines


def read_split_list(path: Path, known: set[str]) -> set[str]:
    """The images that a list names, each as the captions or the folder call it (lists may leave ``.jpg`` out).

    Raises:
        UsageError: If it is missing or empty, or names are repeated or not known.
    """
    text = read_text(path, "the list of a split", published="Flickr_8k.testImages.txt is in Flickr8k_text.zip")
    listed = [line.strip() for line in text.split("\n") if line.strip()]
    names = [name if name in known else f"{name}.jpg" for name in listed]
    unknown = [one for one, name in zip(listed, names, strict=True) if name not in known]
    broken = {
        "must be in the captions' file or the pictures' folder": unknown,
        "must be named once": [name for name, count in Counter(names).items() if count > 1],
    }
    for rule, offenders in broken.items():
        if offenders:
            raise UsageError(f"{path}: every image {rule}, got {name_some(offenders)}; mend or drop those lines.")
    if not names:
        raise UsageError(f"{path} must name the images of a split, one a line, it is empty; restore it.")
    return set(names)


def _token_lines(text: str, wrong: list[str]) -> Iterator[FlickrLine]:
    for number, line in enumerate(text.split("\n"), start=1):
        found = _TOKEN.fullmatch(line.rstrip("\r"))
        if found:
            yield FlickrLine(found["image"], int(found["number"]), found["text"])
        elif line.strip():
            wrong.append(_shown(number, line))


def _table(path: Path, text: str, wrong: list[str]) -> Iterator[FlickrLine]:
    rows = _piped(text) if "|" in text.partition("\n")[0] else _comma_separated(path, text)
    _, header = next(rows, (0, []))
    named = tuple(column.strip().lower() for column in header)
    refuse_repeated_columns(path, named)
    if named not in _HEADERS:
        raise UsageError(
            f"{path} must hold lines NAME.jpg#N<TAB>caption or begin with {' or '.join(map(','.join, _HEADERS))}, "
            f"it begins with {','.join(header)[:60]!r}; is it another file?"
        )
    counts: Counter[str] = Counter()
    for line, row in rows:
        image = row[0].strip()
        number = row[1].strip() if _HEADERS[named] and len(row) > 1 else str(counts[image])
        if len(row) < len(named) or not image or not _NUMBER.fullmatch(number):
            wrong.append(_shown(line, "|".join(row)))
            continue
        counts[image] += 1
        # A caption whose commas nobody quoted is spread over several fields.
        yield FlickrLine(image, int(number), ",".join(row[len(named) - 1 :]).strip())


def _piped(text: str) -> Iterator[tuple[int, Sequence[str]]]:
    """Rows of a table whose header has bars; quotes mean nothing there, and the caption may hold a bar itself."""
    lines = text.split("\n")
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield number, line.rstrip("\r").split("|", lines[0].count("|"))


def _comma_separated(path: Path, text: str) -> Iterator[tuple[int, Sequence[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        yield from ((reader.line_num, row) for row in reader if row)
    except csv.Error as error:
        raise UsageError(
            f"{path} must be a table in CSV, got line {reader.line_num} ({error}); mend its quotes."
        ) from error


def _shown(number: int, line: str) -> str:
    text = line.strip()
    return f"line {number}: {text if len(text) <= 60 else text[:57] + '...'}"
