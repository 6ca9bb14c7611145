"""A part of a report under a heading of its own."""

from dataclasses import dataclass
from typing import final

from misfire.reporting.figure import Illustration
from misfire.reporting.gallery import Gallery
from misfire.reporting.table import Table


@final
@dataclass(frozen=True, eq=False)
class Section:
    """A part of a report under a heading of its own.

    Args:
        name: Its anchor on the page.
        title: Its heading.
        sentences: What it says, a paragraph each.
        tables: Its tables.
        illustrations: Its figures, which stand after the tables.
        gallery: Its pictures, which stand between tables and figures.
    """

    name: str
    title: str
    sentences: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    illustrations: tuple[Illustration, ...] = ()
    gallery: Gallery | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing under the heading."""
        return not (self.sentences or self.tables or self.illustrations or self.gallery)
