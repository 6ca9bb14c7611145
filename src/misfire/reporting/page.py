"""The report as one page that needs no network."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from jinja2 import Environment, PackageLoader, StrictUndefined

from misfire.reporting.abstract import Abstract
from misfire.reporting.conclusion import Conclusion
from misfire.reporting.section import Section
from misfire.reporting.table import Source, Table


@final
@dataclass(frozen=True)
class EmbeddedFigure:
    """A drawing with what is said about it, ready for the page."""

    name: str
    title: str
    caption: str
    svg: bytes

    @property
    def data_uri(self) -> str:
        """The drawing as an address that holds it."""
        return "data:image/svg+xml;base64," + base64.b64encode(self.svg).decode("ascii")


@final
@dataclass(frozen=True, eq=False)
class PrintedSection:
    """A section with its figures drawn."""

    section: Section
    figures: tuple[EmbeddedFigure, ...] = ()


def render_page(
    abstract: Abstract,
    sections: Sequence[PrintedSection],
    *,
    about: Sequence[tuple[str, str]] = (),
    cells: Sequence[Source] = (),
    conclusion: Conclusion | None = None,
    method: Sequence[str] = (),
) -> str:
    """One self-contained HTML page, light or dark as the reader's system is; every text is escaped.

    Args:
        abstract: What it is about, and what came out.
        sections: Its parts, in the order of print.
        about: What it was made on, each under a short name.
        cells: The cells that are listed at its end, with the columns of their labels.
        conclusion: What may be concluded, if anything was tested.
        method: How its numbers were made, a sentence each.
    """
    environment = Environment(
        loader=PackageLoader("misfire.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["minus"] = _minus
    environment.tests["link"] = _is_link
    environment.globals["classes"] = _classes
    template = environment.get_template("page.html.j2")
    return (
        template.render(
            abstract=abstract,
            sections=sections,
            about=about,
            cells=cells,
            columns=list(dict.fromkeys(name for cell in cells for name in cell.label)),
            listed={cell.cell_id for cell in cells},
            conclusion=conclusion,
            method=method,
        )
        + "\n"
    )


def _classes(table: Table, position: int) -> str:
    """Style classes of a printed column: flush right, and a rule where a group of columns starts."""
    columns = table.printed_columns
    starts_group = position > 0 and columns[position].group != columns[position - 1].group
    return " ".join(["number"] * columns[position].is_number + ["first"] * starts_group)


def _minus(text: str) -> str:
    """A typeset minus sign before a negative number."""
    return re.sub(r"(?<!\w)-(?=\d)", "\N{MINUS SIGN}", text)


def _is_link(address: str | None) -> bool:
    """Whether an address may stand behind a link; a script may not."""
    return address is not None and address.startswith(("http://", "https://"))
