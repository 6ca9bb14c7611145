"""A part of a report under a heading of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar, final

from misfire.reporting.figure import Illustration
from misfire.reporting.gallery import Gallery
from misfire.reporting.table import Table

Numbered = TypeVar("Numbered", Table, Illustration)


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


def numbered(things: Sequence[Numbered]) -> tuple[Numbered, ...]:
    """Tables or figures of one name under names of their own: the first keeps its name, the second is ``NAME_2``."""
    return tuple(one if not place else replace(one, name=f"{one.name}_{place + 1}") for place, one in enumerate(things))
