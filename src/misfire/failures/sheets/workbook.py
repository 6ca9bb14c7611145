"""The worksheets of an XLSX file as texts."""

import io
import zipfile
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Final

from misfire.core.errors import UsageError, name_some
from misfire.core.expansion import check_expansion

_MOST_CELLS: Final = 5_000_000

Grid = list[tuple[int, tuple[str, ...]]]


def worksheets(path: Path, data: bytes) -> list[tuple[str, Grid, list[str]]]:
    """Name, rows and remarks of each worksheet; a formula counts as what it last showed.

    Raises:
        UsageError: If the file is no workbook, or a formula was never worked out.
    """
    book, shown = _opened(path, data, data_only=False), None
    found = []
    for page in book.worksheets:
        remarks = []
        _check_extent(path, page)
        if any(cell.data_type == "f" for row in page.iter_rows() for cell in row):
            shown = shown or _opened(path, data, data_only=True)
            _refuse_unknown(path, page, shown[page.title])
            page = shown[page.title]
            remarks.append("some cells are formulas; what they last showed was read")
        merged = [str(area) for area in page.merged_cells.ranges]
        if merged:
            remarks.append(f"cells are merged, {name_some(merged)}; only the first of each has the content")
        if page.sheet_state != "visible":
            remarks.append(f"worksheet {page.title!r} is hidden, and was read")
        rows = [(number, tuple(_text(cell.value) for cell in row)) for number, row in enumerate(page.iter_rows(), 1)]
        found.append((str(page.title), rows, remarks))
    return found


def _opened(path: Path, data: bytes, *, data_only: bool) -> Any:
    # openpyxl is imported when a workbook is read: it takes a third of a second.
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            check_expansion(path, sum(member.file_size for member in archive.infolist()), "a sheet")
        return load_workbook(io.BytesIO(data), data_only=data_only)
    except UsageError:
        raise
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError, SyntaxError, TypeError) as error:
        said = " ".join(str(error).split())
        raise UsageError(f"a sheet must be a whole XLSX file, got {path}: {said}; save it again.") from error


def _check_extent(path: Path, page: Any) -> None:
    """A single cell far to the right and below makes a rectangle of seventeen thousand million cells."""
    number = page.max_row * page.max_column
    if number > _MOST_CELLS:
        raise UsageError(
            f"a worksheet must have at most {_MOST_CELLS:,} cells, got {page.max_row:,} rows x {page.max_column:,} "
            f"columns in {path.name}; delete what stands far below or to the right."
        )


def _refuse_unknown(path: Path, formulas: Any, shown: Any) -> None:
    unknown = [
        cell.coordinate
        for row in formulas.iter_rows()
        for cell in row
        if cell.data_type == "f" and shown[cell.coordinate].value is None
    ]
    if unknown:
        raise UsageError(
            f"a formula in a sheet must have been worked out, got {name_some(unknown)} in {path.name} without a value; "
            "replace the formulas by their values, or open and save the file in a spreadsheet."
        )


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value)
