"""A table as data, and its forms as text."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import final

from misfire.core.errors import UsageError
from misfire.core.formula import guarded

_SIGNED_NUMBER = re.compile(r"[+-]?[0-9.]*")

Raw = str | int | float | bool | None


@final
@dataclass(frozen=True)
class Column:
    """One printed column.

    Args:
        header: What stands above it, short.
        keys: Names of the unrounded values behind each of its cells, for the CSV file.
        group: A header shared with its neighbours, or nothing.
        is_number: Whether it is set flush right.
        is_printed: Whether a reader sees it; otherwise it stands in the CSV file only.
    """

    header: str
    keys: tuple[str, ...]
    group: str = ""
    is_number: bool = True
    is_printed: bool = True

    @property
    def full_header(self) -> str:
        """The header where there is no room for a shared one."""
        return f"{self.group}: {self.header}" if self.group and self.header else self.group or self.header


@final
@dataclass(frozen=True)
class Entry:
    """What is printed, the unrounded values behind it, and a remark for whoever points at it."""

    text: str
    raw: tuple[Raw, ...]
    remark: str = ""


@final
@dataclass(frozen=True)
class Source:
    """A finished cell that numbers come from, and by what a list of such cells tells it from others."""

    cell_id: str
    run_url: str | None
    label: Mapping[str, str] = field(default_factory=dict)

    @property
    def short_id(self) -> str:
        """The first twelve digits of the cell's content address."""
        return self.cell_id[:12]


@final
@dataclass(frozen=True)
class Table:
    """Rows of cells under columns; blocks of rows with an equal first cell are set apart.

    Args:
        name: File name without a suffix.
        title: One sentence: what is in it.
        columns: Its columns.
        rows: Its rows, each as long as ``columns``.
        note: How to read it and how it was made.
        sources: The finished cells it was made from.

    Raises:
        UsageError: If a row doesn't fit the columns.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Entry, ...], ...]
    note: str
    sources: tuple[Source, ...] = ()

    def __post_init__(self) -> None:
        for row in self.rows:
            if [len(cell.raw) for cell in row] != [len(column.keys) for column in self.columns]:
                raise UsageError(f"each row of table {self.name} must fill its columns, got {row}; mend the table.")

    @property
    def origin(self) -> str:
        """Which records it was made from, in words."""
        ids = ", ".join(source.short_id for source in self.sources)
        noun = "cell" if len(self.sources) == 1 else "cells"
        return f"Made from the records of {len(self.sources)} {noun}: {ids}." if self.sources else ""

    @property
    def printed_columns(self) -> list[Column]:
        """The columns that a reader sees."""
        return [column for column in self.columns if column.is_printed]

    def column_groups(self) -> list[tuple[str, int]]:
        """Shared headers with the number of neighbouring printed columns under each."""
        groups = groupby(column.group for column in self.printed_columns)
        return [(group, len(list(columns))) for group, columns in groups]

    def blocks(self) -> Iterator[list[list[Entry]]]:
        """Printed cells of neighbouring rows with an equal first cell."""
        for _, block in groupby(self.rows, key=lambda row: row[0].text):
            yield [self._printed(row) for row in block]

    def _printed(self, row: tuple[Entry, ...]) -> list[Entry]:
        return [cell for cell, column in zip(row, self.columns, strict=True) if column.is_printed]


def to_markdown(table: Table) -> str:
    """A pipe table with its title above and its note below."""
    headers = [column.full_header for column in table.printed_columns]
    rule = ["---:" if column.is_number else ":---" for column in table.printed_columns]
    lines = [headers, rule, *([cell.text for cell in row] for block in table.blocks() for row in block)]
    piped = ["| " + " | ".join(entry.replace("|", r"\|") for entry in line) + " |" for line in lines]
    below = [paragraph for paragraph in (table.note, table.origin) if paragraph]
    return "\n\n".join([f"**{table.title}**", "\n".join(piped), *below]) + "\n"


def to_text(table: Table) -> str:
    """The printed columns, aligned with blanks: for a terminal, without title and note.

    Example:
        >>> columns = (Column("Pooling", ("pooling",), is_number=False), Column("Gain", ("gain",), group="pp"))
        >>> told = (("max", "+4.00"), ("mean", "0.00"))
        >>> rows = tuple((Entry(name, (name,)), Entry(gain, (float(gain),))) for name, gain in told)
        >>> print(to_text(Table("gains", "Gains.", columns, rows, note="")))
        Pooling     pp
                  Gain
        max      +4.00
        mean      0.00
    """
    columns = table.printed_columns
    has_groups = any(column.group for column in columns)
    above = [[column.group or column.header for column in columns]] if has_groups else []
    headers = [column.header if column.group or not has_groups else "" for column in columns]
    # Of neighbours that share a header the first has it.
    for place in range(len(columns) - 1, 0, -1):
        if has_groups and columns[place].group and columns[place].group == columns[place - 1].group:
            above[0][place] = ""
    lines = [*above, headers, *([cell.text for cell in row] for block in table.blocks() for row in block)]
    # A shared header may reach over its neighbours; it is the last to widen a column.
    widths = [max(len(line[place]) for line in lines[len(above) :]) for place in range(len(columns))]
    for place, column in enumerate(columns):
        if has_groups and (not column.group or [one.group for one in columns].count(column.group) == 1):
            widths[place] = max(widths[place], len(above[0][place]))
    return "\n".join(_aligned(line, columns, widths) for line in lines)


def _aligned(line: Sequence[str], columns: Sequence[Column], widths: Sequence[int]) -> str:
    told = ""
    start = 0
    for text, column, width in zip(line, columns, widths, strict=True):
        # What is wider than its column, a shared header, takes the room of those after it.
        told = told.ljust(start) + (text.rjust(width) if column.is_number and len(text) <= width else text)
        start += width + 2
    return told.rstrip()


def to_csv(table: Table) -> str:
    """The unrounded values behind the table, a header line first; an undefined value is an empty field.

    A text that a spreadsheet would run, as a class that somebody called ``=1+1``, has an apostrophe before it.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([key for column in table.columns for key in column.keys])
    writer.writerows([_as_text(value) for cell in row for value in cell.raw] for row in table.rows)
    return buffer.getvalue()


def _as_text(value: Raw) -> Raw:
    # A sign before a number, or alone, is nothing that could be run.
    return guarded(value) if isinstance(value, str) and not _SIGNED_NUMBER.fullmatch(value) else value


def to_latex(table: Table) -> str:
    """A ``table`` environment in the style of booktabs; needs ``\\usepackage{booktabs}``."""
    alignment = "".join("r" if column.is_number else "l" for column in table.printed_columns)
    blocks = [[_latex_row([cell.text for cell in row]) for row in block] for block in table.blocks()]
    body = "\n\\addlinespace\n".join("\n".join(block) for block in blocks)
    return "\n".join(
        [
            *(f"% cell {source.cell_id}" for source in table.sources),
            r"\begin{table}",
            r"\centering\footnotesize\setlength{\tabcolsep}{3pt}",
            rf"\caption{{{latex_escape(table.title)} {latex_escape(table.note)}}}",
            rf"\label{{tab:{table.name}}}",
            rf"\begin{{tabular}}{{{alignment}}}",
            r"\toprule",
            *_latex_group_headers(table),
            _latex_row([column.header for column in table.printed_columns]),
            r"\midrule",
            body,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


_LATEX = {
    "\\": r"\textbackslash{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "Δ": r"$\Delta$",
    "τ": r"$\tau$",
    "†": r"$\dagger$",
    "·": r"$\cdot$",
    "\N{EN DASH}": "--",
    ">": r"$>$",
    "<": r"$<$",
    "→": r"$\to$",
    "|": r"\textbar{}",
    "▲": r"$\uparrow$",
    "▼": r"$\downarrow$",
    "∞": r"$\infty$",
}


def latex_escape(text: str) -> str:
    """Text that LaTeX prints as it stands.

    Example:
        >>> print(latex_escape("object_attribute: 50 % & τ=1"))
        object\\_attribute: 50 \\% \\& $\\tau$=1
    """
    return "".join(_LATEX.get(character, character) for character in text)


def _latex_row(texts: Sequence[str]) -> str:
    return " & ".join(_latex_entry(text) for text in texts) + r" \\"


def _latex_entry(text: str) -> str:
    is_negative = text.startswith("-") and len(text) > 1
    entry = f"$-${latex_escape(text[1:])}" if is_negative else latex_escape(text)
    return f"{{{entry}}}" if entry.startswith("[") else entry  # after \\ a bracket would be read as a length


def _latex_group_headers(table: Table) -> list[str]:
    groups = table.column_groups()
    if all(not group for group, _ in groups):
        return []
    entries, rules, position = [], [], 1
    for group, width in groups:
        entries.append(rf"\multicolumn{{{width}}}{{c}}{{{latex_escape(group)}}}" if group else "& " * (width - 1))
        if group:
            rules.append(rf"\cmidrule(lr){{{position}-{position + width - 1}}}")
        position += width
    return [" & ".join(entries) + r" \\", " ".join(rules)]
