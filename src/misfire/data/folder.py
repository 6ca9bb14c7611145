"""One's own data: a folder of images and a table that says what each shows."""

import csv
from collections.abc import Callable, Mapping, Sequence
from io import StringIO
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from misfire.core.errors import UsageError, name_some
from misfire.data.listing import NAME, TEXT, Listing, read_column, read_json_lines, read_text
from misfire.data.picture_folder import pictures
from misfire.data.sourced import SourcedDataset

_COLUMNS: Final = ("image", "caption")


class CaptionedFolder(SourcedDataset):
    """A folder of images with a table whose columns ``image`` (a path within the folder) and ``caption`` pair them.

    Images are numbered in the order of their paths, captions in the order of their rows.

    Args:
        root: Folder of the images and of the table.
        captions: Name of the table within ``root``: CSV, TSV or JSON lines in UTF-8, or Parquet, as its ending says;
            None for the only ``captions.csv``, ``.tsv``, ``.jsonl`` or ``.parquet`` that is there.
        caption_policy: ``all`` or ``first_5``, see :class:`SourcedDataset`.
        on_bad_image: ``refuse`` or ``skip``, see :class:`SourcedDataset`.
        index: Folder in which the look at each image is remembered.
        name: What tables call the dataset; the folder's name if it isn't given.

    Raises:
        UsageError: If the table is missing, lacks a column or has rows that aren't such pairs, or as
            :class:`SourcedDataset` says.
    """

    def __init__(
        self,
        root: str | Path,
        captions: str | Path | None = None,
        caption_policy: str = "all",
        *,
        on_bad_image: str = "refuse",
        index: str | Path | None = None,
        name: str | None = None,
    ) -> None:
        listing = folder_listing(Path(root), captions, name=name or Path(root).resolve().name)
        super().__init__(listing, caption_policy=caption_policy, on_bad_image=on_bad_image, index=index)


class _Rows(NamedTuple):
    """The rows of a table, what a person calls each, and the columns that all of them have."""

    rows: Sequence[Mapping[str, Any]]
    calls: list[str]
    columns: list[str]


def folder_listing(root: Path, captions: str | Path | None, *, name: str) -> Listing:
    """What the table of a captioned folder lists.

    Raises:
        UsageError: If the table is missing, of no known format, or not made of pairs of an image and a caption.
    """
    table = _table_in(root, captions)
    if table.suffix.lower() not in _READERS:
        raise UsageError(
            f"a captioned folder's table must end in {', '.join(_READERS)}, got {table}; write one of them."
        )
    rows, calls, columns = _READERS[table.suffix.lower()](table)
    missing = [column for column in _COLUMNS if column not in columns]
    if missing:
        raise UsageError(f"{table} must have the columns image and caption, it lacks {', '.join(missing)}; add them.")
    images, texts = (
        read_column(table, rows, column, kind, call=calls.__getitem__)
        for column, kind in zip(_COLUMNS, (NAME, TEXT), strict=True)
    )
    return Listing.of_pairs(name, zip(images, texts, strict=True), pictures(root, published="beside their captions"))


def _table_in(root: Path, captions: str | Path | None) -> Path:
    wanted = [str(captions)] if captions else [f"captions{ending}" for ending in _READERS]
    found = [root / name for name in wanted if (root / name).is_file()]
    if not found:
        raise UsageError(
            f"a captioned folder must hold {' or '.join(wanted)}, found none in {root}; write one with image,caption."
        )
    if len(found) > 1:
        raise UsageError(
            f"a captioned folder must hold one table, got {name_some(path.name for path in found)} in {root}; "
            "say which with dataset.captions=NAME."
        )
    return found[0]


def _of_csv(path: Path, delimiter: str = ",") -> _Rows:
    text = read_text(path, "a captioned folder's table", published="rows of image,caption")
    reader = csv.DictReader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        columns = list(reader.fieldnames or ())
        found = [(f"line {reader.line_num}", row) for row in reader]
    except csv.Error as error:
        raise UsageError(f"{path} must be CSV, got line {reader.reader.line_num} ({error}); mend that line.") from error
    longer = [line for line, row in found if None in row]  # a comma outside quotes would cut its caption
    if longer:
        raise UsageError(
            f"{path} must have {len(columns)} fields in each line, got {name_some(longer)} with more; "
            "put captions that hold the separator in quotes."
        )
    return _Rows([row for _, row in found], [line for line, _ in found], columns)


def _of_tsv(path: Path) -> _Rows:
    return _of_csv(path, delimiter="\t")


def _of_json_lines(path: Path) -> _Rows:
    published = "lines of JSON objects with image and caption"
    return _Rows(*read_json_lines(path, "a captioned folder's table", published=published), list(_COLUMNS))


def _of_parquet(path: Path) -> _Rows:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        columns = parquet.read_schema(path).names
        rows = parquet.read_table(path, columns=[name for name in _COLUMNS if name in columns]).to_pylist()
    except (OSError, pa.ArrowException) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"{path} must be Parquet, got something else ({reason}); write it again.") from error
    return _Rows(rows, [f"row {number}" for number in range(len(rows))], columns)


_READERS: Final[Mapping[str, Callable[[Path], _Rows]]] = MappingProxyType(
    {".csv": _of_csv, ".tsv": _of_tsv, ".jsonl": _of_json_lines, ".parquet": _of_parquet}
)
