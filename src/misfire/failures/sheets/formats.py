"""Files that a sheet can be: CSV, with or without a byte-order mark, and XLSX."""

import io
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

from typing_extensions import override

from misfire.core.errors import UsageError
from misfire.core.formula import guarded
from misfire.failures.taxonomy import Taxonomy

Cell = str | int | float | None
SheetTable = Sequence[Sequence[Cell]]
"""Rows of cells, the columns' names first."""

_WIDTHS = {"caption": 60, "text_sha256": 12, "failure_set": 12, "notes": 40}


class SheetFormat(ABC):
    """Makes a file of a table of cells; no cell of it is a formula to a spreadsheet."""

    @property
    @abstractmethod
    def suffix(self) -> str:
        """What the file's name ends in."""

    @abstractmethod
    def encode(self, table: SheetTable, taxonomy: Taxonomy) -> bytes:
        """The bytes of the file; a format that can offers the taxonomy's names to choose from."""


@final
@dataclass(frozen=True)
class CsvFormat(SheetFormat):
    """UTF-8 with commas; with ``bom`` Excel knows the encoding, which it otherwise guesses."""

    bom: bool = False

    @property
    @override
    def suffix(self) -> str:
        return ".csv"

    @override
    def encode(self, table: SheetTable, taxonomy: Taxonomy) -> bytes:
        return csv_text(table).encode("utf-8-sig" if self.bom else "utf-8")


@final
@dataclass(frozen=True)
class XlsxFormat(SheetFormat):
    """A workbook of one worksheet, texts as texts, with the taxonomy's names to choose from in the last columns."""

    @property
    @override
    def suffix(self) -> str:
        return ".xlsx"

    @override
    def encode(self, table: SheetTable, taxonomy: Taxonomy) -> bytes:
        # openpyxl is imported when a workbook is made: it takes a third of a second.
        from openpyxl import Workbook
        from openpyxl.styles import Alignment, Font

        book = Workbook()
        page = book.active
        page.title = "annotation"
        for row, cells in enumerate(table, start=1):
            for column, value in enumerate(cells, start=1):
                _fill(page.cell(row, column), value)
        page.freeze_panes = "A2"
        for column, name in enumerate(map(str, table[0]), start=1):
            heading = page.cell(1, column)
            heading.font = Font(bold=True)
            page.column_dimensions[heading.column_letter].width = _WIDTHS.get(name, 16)
            if name == "caption":
                for row in range(2, len(table) + 1):
                    page.cell(row, column).alignment = Alignment(wrap_text=True, vertical="top")
        _offer_names(page, [str(name) for name in table[0]], len(table), taxonomy)
        buffer = io.BytesIO()
        book.save(buffer)
        return buffer.getvalue()


SHEET_FORMATS: Mapping[str, SheetFormat] = {
    "csv": CsvFormat(),
    "csv_bom": CsvFormat(bom=True),
    "xlsx": XlsxFormat(),
}


def sheet_format(name: str) -> SheetFormat:
    """The format of that name.

    Raises:
        UsageError: If there is none.
    """
    if name not in SHEET_FORMATS:
        raise UsageError(f"a sheet's format must be one of {', '.join(SHEET_FORMATS)}, got {name!r}; choose one.")
    return SHEET_FORMATS[name]


def csv_text(table: SheetTable) -> str:
    """The table as CSV; a text that a spreadsheet would run has an apostrophe before it, which reading takes away."""
    return "".join(f"{','.join(map(_quoted, cells))}\n" for cells in table)


def _quoted(value: Cell) -> str:
    """A cell of CSV. The standard library's writer leaves a lone carriage return bare, which then ends the row."""
    text = guarded(value) if isinstance(value, str) else "" if value is None else str(value)
    needs_quotes = any(letter in text for letter in '",;\t\r\n') or text != text.strip()
    return '"' + text.replace('"', '""') + '"' if needs_quotes else text


def _fill(cell: object, value: Cell) -> None:
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
    from openpyxl.cell.cell import Cell as WorkbookCell

    if not isinstance(cell, WorkbookCell) or value is None or value == "":
        return
    if not isinstance(value, str):
        cell.value = value
        return
    cell.value = ILLEGAL_CHARACTERS_RE.sub("\N{REPLACEMENT CHARACTER}", value)
    # A text stays one, even where it begins like a formula, and even when somebody edits it.
    cell.data_type = "s"
    cell.quotePrefix = value != guarded(value)


def _offer_names(page: object, header: list[str], num_rows: int, taxonomy: Taxonomy) -> None:
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    subtypes = [subtype.name for category in taxonomy.categories for subtype in category.subtypes]
    for column, names in (("category", list(taxonomy.names)), ("ambiguous_subtype", subtypes)):
        listed = f'"{",".join(names)}"'
        is_expressible = names and len(listed) < 256 and not any('"' in name or "," in name for name in names)
        if column in header and num_rows > 1 and is_expressible:
            letter = get_column_letter(header.index(column) + 1)
            offer = DataValidation(type="list", formula1=listed, allow_blank=True)
            offer.add(f"{letter}2:{letter}{num_rows}")
            page.add_data_validation(offer)  # type: ignore[attr-defined]
