"""The report as one page that needs no network."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from jinja2 import Environment, PackageLoader, StrictUndefined

from misfire.reporting.conclusion import Conclusion
from misfire.reporting.flip_gallery import FlipGallery
from misfire.reporting.rows import CellRow
from misfire.reporting.series import pooling_label, subset_label
from misfire.reporting.story import METHOD, Story
from misfire.reporting.table import Table


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


def render_page(
    story: Story,
    tables: Sequence[Table],
    figures: Sequence[EmbeddedFigure],
    rows: Sequence[CellRow],
    conclusion: Conclusion | None = None,
    galleries: Sequence[FlipGallery] = (),
    method: Sequence[str] = METHOD,
) -> str:
    """One self-contained HTML page, light or dark as the reader's system is; every text is escaped."""
    environment = Environment(
        loader=PackageLoader("misfire.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(minus=_minus, pooling_label=pooling_label, subset_label=subset_label)
    environment.tests["link"] = _is_link
    environment.globals["classes"] = _classes
    template = environment.get_template("page.html.j2")
    return (
        template.render(
            story=story,
            tables=tables,
            figures=figures,
            rows=rows,
            conclusion=conclusion,
            galleries=galleries,
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
    return text.replace("-", "\N{MINUS SIGN}")


def _is_link(address: str | None) -> bool:
    """Whether an address may stand behind a link; a script may not."""
    return address is not None and address.startswith(("http://", "https://"))
