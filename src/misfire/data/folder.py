"""One's own data: a folder of images, and a table that says what they show if there is one."""

import csv
import posixpath
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from misfire.core.errors import UsageError, name_some
from misfire.core.text_file import likely_separator
from misfire.data.decoding import MAX_PIXELS
from misfire.data.listing import (
    NAME,
    TEXT_OR_NULL,
    Listing,
    read_column,
    read_json_lines,
    read_text,
    refuse_repeated_columns,
)
from misfire.data.picture_folder import picture_names, pictures
from misfire.data.sourced import SourcedDataset

_NAMED_SEPARATORS: Final = MappingProxyType({"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"})


class CaptionedFolder(SourcedDataset):
    """A folder of images, with a table whose columns ``image`` (a path within the folder) and ``caption`` pair them.

    Every picture below the folder is in the gallery, also those that the table doesn't name. Without a table it is a
    set of images for methods that read no captions. Images are numbered in the order of their paths, captions in the
    order of their rows.

    Args:
        root: Folder of the images and of the table.
        captions: Name of the table within ``root``: CSV, TSV or JSON lines in UTF-8, or Parquet, as its ending says;
            None for the only ``captions.csv``, ``.tsv``, ``.jsonl`` or ``.parquet`` that is there, or for none.
        image_column: The column of the images' paths.
        caption_column: The column of the captions.
        separator: What stands between the fields of CSV and TSV: a mark, or ``comma``, ``semicolon``, ``tab`` or
            ``bar``; None for the one under which the header names both columns.
        caption_policy: ``all`` or ``first_5``, see :class:`SourcedDataset`.
        on_bad_image: ``refuse`` or ``skip``, see :class:`SourcedDataset`.
        gallery: ``all`` or ``captioned``, see :class:`SourcedDataset`.
        follow_links: Whether symbolic links may lead to pictures outside the folder.
        max_image_pixels: The most pixels that a picture may have; None for any number.
        index: Folder in which the look at each image is remembered.
        name: What tables call the dataset; the folder's name if it isn't given.

    Raises:
        UsageError: If a table is named and missing, lacks a column or has rows that aren't such pairs, or as
            :class:`SourcedDataset` says.
    """

    def __init__(
        self,
        root: str | Path,
        captions: str | Path | None = None,
        caption_policy: str = "all",
        *,
        image_column: str = "image",
        caption_column: str = "caption",
        separator: str | None = None,
        on_bad_image: str = "refuse",
        gallery: str = "all",
        follow_links: bool = False,
        max_image_pixels: int | None = MAX_PIXELS,
        index: str | Path | None = None,
        name: str | None = None,
    ) -> None:
        columns = PairColumns(image_column, caption_column, separator)
        listing = folder_listing(
            Path(root),
            captions,
            name=name or Path(root).resolve().name,
            columns=columns,
            follow_links=follow_links,
            max_image_pixels=max_image_pixels,
        )
        super().__init__(
            listing, caption_policy=caption_policy, on_bad_image=on_bad_image, gallery=gallery, index=index
        )


@dataclass(frozen=True)
class PairColumns:
    """Where a table has an image and its caption.

    Raises:
        UsageError: If both are one column, or the separator is more than one mark.
    """

    image: str = "image"
    caption: str = "caption"
    separator: str | None = None

    def __post_init__(self) -> None:
        if self.image == self.caption:
            raise UsageError(
                f"image_column and caption_column must differ, got {self.image!r} for both; name one column each."
            )
        if self.separator is not None and len(self.mark or "") != 1:
            raise UsageError(
                f"separator must be one mark or {', '.join(_NAMED_SEPARATORS)}, got {self.separator!r}; leave it out, "
                "and it's found."
            )

    @property
    def mark(self) -> str | None:
        """The separator as it stands in the file."""
        return None if self.separator is None else _NAMED_SEPARATORS.get(self.separator, self.separator)

    @property
    def names(self) -> tuple[str, str]:
        """Both columns."""
        return self.image, self.caption


class _Rows(NamedTuple):
    """The rows of a table that has the columns which are wanted, and what a person calls each row."""

    rows: Sequence[Mapping[str, Any]]
    calls: list[str]


def folder_listing(
    root: Path,
    captions: str | Path | None,
    *,
    name: str,
    columns: PairColumns | None = None,
    follow_links: bool = False,
    max_image_pixels: int | None = MAX_PIXELS,
) -> Listing:
    """What a folder of pictures and its table list; arguments are those of :class:`CaptionedFolder`.

    Raises:
        UsageError: If a table is named and missing, of no known format, or not made of pairs of an image and a caption.
    """
    picture = pictures(root, published="beside their captions", follow_links=follow_links, max_pixels=max_image_pixels)
    wanted = columns or PairColumns()
    table = _table_in(root, captions, wanted)
    pairs, calls = ([], []) if table is None else _pairs(table, wanted)
    named = {posixpath.normpath(image) for image, _ in pairs}
    others = [file for file in picture_names(root, follow_links=follow_links) if file not in named]
    return Listing.of_pairs(name, pairs, picture, calls=calls, others=others)


def _pairs(table: Path, columns: PairColumns) -> tuple[list[tuple[str, str | None]], list[str]]:
    """Image and caption of each row, and what a person calls the row."""
    if table.suffix.lower() not in _READERS:
        raise UsageError(
            f"a captioned folder's table must end in {', '.join(_READERS)}, got {table}; write one of them."
        )
    rows, calls = _READERS[table.suffix.lower()](table, columns)
    images, texts = (
        read_column(table, rows, column, kind, call=calls.__getitem__)
        for column, kind in zip(columns.names, (NAME, TEXT_OR_NULL), strict=True)
    )
    return list(zip(images, texts, strict=True)), [f"{table.name} {call}" for call in calls]


def _table_in(root: Path, captions: str | Path | None, columns: PairColumns) -> Path | None:
    wanted = [str(captions)] if captions else [f"captions{ending}" for ending in _READERS]
    found = [root / name for name in wanted if (root / name).is_file()]
    if not found and captions:
        raise UsageError(
            f"a captioned folder must hold {captions}, found none in {root}; write one with {','.join(columns.names)}."
        )
    if len(found) > 1:
        raise UsageError(
            f"a captioned folder must hold one table, got {name_some(path.name for path in found)} in {root}; "
            "say which with dataset.captions=NAME."
        )
    return found[0] if found else None


def _of_csv(path: Path, columns: PairColumns) -> _Rows:
    text = read_text(path, "a captioned folder's table", published=f"rows of {','.join(columns.names)}")
    separator = columns.mark or likely_separator(text.partition("\n")[0], columns.names)
    reader = csv.DictReader(StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        names = list(reader.fieldnames or ())
        _refuse_other_columns(path, names, columns)
        found = [(f"line {reader.line_num}", row) for row in reader]
    except csv.Error as error:
        raise UsageError(f"{path} must be CSV, got line {reader.reader.line_num} ({error}); mend that line.") from error
    longer = [line for line, row in found if None in row]  # a comma outside quotes would cut its caption
    if longer:
        raise UsageError(
            f"{path} must have {len(names)} fields in each line, got {name_some(longer)} with more; "
            "put captions that hold the separator in quotes."
        )
    shorter = [line for line, row in found if row[columns.caption] is None]
    if shorter:
        raise UsageError(
            f"{path} must have {len(names)} fields in each line, got {name_some(shorter)} with fewer; mend those lines."
        )
    return _Rows([row for _, row in found], [line for line, _ in found])


def _refuse_other_columns(path: Path, names: Sequence[str], wanted: PairColumns) -> None:
    refuse_repeated_columns(path, names)
    missing = [column for column in wanted.names if column not in names]
    if missing:
        raise UsageError(
            f"{path} must have the columns {' and '.join(wanted.names)}, it lacks {', '.join(missing)}; add them, or "
            "name yours with dataset.image_column and dataset.caption_column."
        )


def _of_json_lines(path: Path, columns: PairColumns) -> _Rows:
    published = f"lines of JSON objects with {' and '.join(columns.names)}"
    rows, calls = read_json_lines(path, "a captioned folder's table", published=published)
    return _Rows([{columns.caption: None, **row} for row in rows], calls)


def _of_parquet(path: Path, columns: PairColumns) -> _Rows:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        names = parquet.read_schema(path).names
        _refuse_other_columns(path, names, columns)
        rows = parquet.read_table(path, columns=list(columns.names)).to_pylist()
    except (OSError, pa.ArrowException) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"{path} must be Parquet, got something else ({reason}); write it again.") from error
    return _Rows(rows, [f"row {number}" for number in range(len(rows))])


_READERS: Final[Mapping[str, Callable[[Path, PairColumns], _Rows]]] = MappingProxyType(
    {".csv": _of_csv, ".tsv": _of_csv, ".jsonl": _of_json_lines, ".parquet": _of_parquet}
)
