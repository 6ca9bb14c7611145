"""Annotation sheets: written for people to fill in, and read as people send them back."""

from misfire.failures.sheets.acceptance import Acceptance, acceptance
from misfire.failures.sheets.columns import EXTRA_COLUMNS, SHEET_COLUMNS
from misfire.failures.sheets.formats import SHEET_FORMATS, CsvFormat, SheetFormat, XlsxFormat, csv_text, sheet_format
from misfire.failures.sheets.reading import Proposal, Sheet, Sheets, label_name, read_sheets
from misfire.failures.sheets.row import Place, SheetRow, text_key
from misfire.failures.sheets.writing import SheetEntry, answer_table, sheet_table, sheet_text

__all__ = [
    "EXTRA_COLUMNS",
    "SHEET_COLUMNS",
    "SHEET_FORMATS",
    "Acceptance",
    "CsvFormat",
    "Place",
    "Proposal",
    "Sheet",
    "SheetEntry",
    "SheetFormat",
    "SheetRow",
    "Sheets",
    "XlsxFormat",
    "acceptance",
    "answer_table",
    "csv_text",
    "label_name",
    "read_sheets",
    "sheet_format",
    "sheet_table",
    "sheet_text",
    "text_key",
]
