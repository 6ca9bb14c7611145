"""A sheet's file as rows of texts, whatever program saved it: CSV of any delimiter and encoding, or XLSX."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from misfire.core.errors import UsageError, name_some
from misfire.core.text_file import SEPARATORS, decoded
from misfire.failures.sheets.columns import is_header, recognised

_ZIP, _OLD_OFFICE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_MOST_LINES_ABOVE = 20


@dataclass(frozen=True)
class RawTable:
    """Cells as texts under a header; ``rows`` have the number that the reader's spreadsheet shows, from 1.

    ``part`` is the worksheet's name where the file has several with annotations. ``remarks`` say what was odd.
    """

    path: Path
    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    remarks: tuple[str, ...] = ()
    part: str = ""

    @property
    def name(self) -> str:
        """The file's name, with the worksheet's where there are several."""
        return f"{self.path.name} [{self.part}]" if self.part else self.path.name


def raw_tables(path: Path) -> list[RawTable]:
    """The tables with annotations that a file holds: one, or one a worksheet.

    Raises:
        UsageError: If the file can't be read, or no row names the columns.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"a sheet must be a readable file, got {path}: {error.strerror}; check its name.") from error
    if data.startswith(_OLD_OFFICE):
        raise UsageError(f"a sheet must be CSV or XLSX, got an old or locked Office file {path}; save it as .xlsx.")
    if data.startswith(_ZIP):
        from misfire.failures.sheets.workbook import worksheets

        grids = worksheets(path, data)
        found = [(name, grid, remarks) for name, grid, remarks in grids if _header_place(grid) is not None]
        if not found:
            raise _no_header(path, [cells for _, grid, _ in grids for _, cells in grid])
        parts = [name if len(found) > 1 else "" for name, _, _ in found]
        return [_table(path, grid, remarks, part) for part, (_, grid, remarks) in zip(parts, found, strict=True)]
    read = decoded(data, path, "a sheet")
    return [_table(path, _delimited(path, read.text), read.remarks, "")]


def _table(path: Path, grid: Sequence[tuple[int, tuple[str, ...]]], remarks: Sequence[str], part: str) -> RawTable:
    place = _header_place(grid)
    if place is None:
        raise _no_header(path, [cells for _, cells in grid])
    header = grid[place][1]
    rows = [(number, cells) for number, cells in grid[place + 1 :] if any(cell.strip() for cell in cells)]
    wide = [number for number, cells in rows if any(cell.strip() for cell in cells[len(header) :])]
    if wide:
        raise UsageError(
            f"a row of {path.name} must have at most the {len(header)} cells of the header, got {name_some(wide)} by "
            "row number with more; put quotes around a caption that holds the delimiter."
        )
    padded = [(number, (cells + ("",) * len(header))[: len(header)]) for number, cells in rows]
    again = [number for number, cells in padded if is_header(cells)]
    kept = [(number, cells) for number, cells in padded if number not in again]
    said = [*remarks, *(f"row {number} repeats the columns' names and is left out" for number in again)]
    return RawTable(path, tuple(cell.strip() for cell in header), tuple(kept), tuple(said), part)


def _header_place(grid: Sequence[tuple[int, tuple[str, ...]]]) -> int | None:
    return next((place for place, (_, cells) in enumerate(grid[:_MOST_LINES_ABOVE]) if is_header(cells)), None)


def _no_header(path: Path, rows: Sequence[Sequence[str]]) -> UsageError:
    first = next((cells for cells in rows if any(cell.strip() for cell in cells)), ())
    return UsageError(
        "a sheet must have a row that names its columns, category and caption or query_id among them, got "
        f"{name_some([repr(cell) for cell in first if cell], most=12)} in the first row of {path.name}; name them so."
    )


def _delimited(path: Path, text: str) -> list[tuple[int, tuple[str, ...]]]:
    lines_above = 0
    first = text.split("\n", 1)[0].strip().strip('"').lower()
    declared = first[4:5] if first.startswith("sep=") and len(first) <= 5 else ""
    if declared:
        text, lines_above = text.partition("\n")[2], 1
    delimiter = declared or _likely_delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        return [(number, tuple(cells)) for number, cells in enumerate(reader, start=1 + lines_above)]
    except csv.Error as error:
        raise UsageError(
            f"a sheet must be whole CSV, got {path.name}: {error} near line {reader.line_num + lines_above}; mend the "
            "quotes there, or save it again from the spreadsheet."
        ) from error


def _likely_delimiter(text: str) -> str:
    """The delimiter under which some line near the top names most columns."""
    lines = [line for line in io.StringIO(text, newline="") if line.strip()][:_MOST_LINES_ABOVE]

    def num_columns(delimiter: str) -> int:
        split = (line.strip().split(delimiter) for line in lines)
        return max(
            (len({name for name in recognised([c.strip('" ') for c in cells]) if name}) for cells in split), default=0
        )

    return max(SEPARATORS, key=num_columns)
