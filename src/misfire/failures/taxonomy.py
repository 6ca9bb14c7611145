"""Why a top-1 retrieval failed: one ambiguous category and six actionable ones."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

from misfire.core.errors import UsageError

AMBIGUOUS = "Ambiguous"


@dataclass(frozen=True)
class Example:
    """A caption, what its target shows, what was retrieved instead, and why that is the category."""

    caption: str
    target: str
    retrieved: str
    why: str


@dataclass(frozen=True)
class Subtype:
    """A finer name within a category."""

    name: str
    definition: str


@dataclass(frozen=True)
class Category:
    """One label of the taxonomy, with the instructions that an annotator reads.

    ``key`` is the digit, from 1, that stands for it on a keyboard. ``is_actionable`` says whether a better prompt
    could mend the failure.
    """

    name: str
    key: int
    is_actionable: bool
    definition: str
    use_when: str
    avoid_when: str
    examples: tuple[Example, ...]
    subtypes: tuple[Subtype, ...] = ()

    def subtype(self, name: str) -> Subtype:
        """The subtype of that name, whatever its case.

        Raises:
            UsageError: If the category has no such subtype.
        """
        names = [subtype.name for subtype in self.subtypes]
        return self.subtypes[_position(names, name, what=f"a subtype of {self.name}")]


@dataclass(frozen=True)
class Taxonomy:
    """All categories in the order of their keys, and what to do where several fit."""

    rule: str
    categories: tuple[Category, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The categories' names in the order of their keys."""
        return tuple(category.name for category in self.categories)

    def category(self, name: str) -> Category:
        """The category of that name, whatever its case.

        Raises:
            UsageError: If there is none; the message says which was probably meant.

        Example:
            >>> load_taxonomy().category("object").name
            'Object'
        """
        return self.categories[_position(self.names, name, what="a category")]


@dataclass(frozen=True)
class Label:
    """A category of the taxonomy, and the subtype where the category is ambiguous and the subtype is known.

    Names are taken in any case and kept in the taxonomy's spelling.

    Raises:
        UsageError: If the category or the subtype is unknown, or the category has no subtypes.

    Example:
        >>> Label("ambiguous", "near_duplicate")
        Label(category='Ambiguous', ambiguous_subtype='near_duplicate')
    """

    category: str
    ambiguous_subtype: str | None = None

    def __post_init__(self) -> None:
        category = load_taxonomy().category(self.category)
        object.__setattr__(self, "category", category.name)
        if self.ambiguous_subtype is None:
            return
        if not category.subtypes:
            raise UsageError(
                f"only an {AMBIGUOUS} failure has a subtype, got {self.ambiguous_subtype!r} beside {category.name}; "
                "leave the subtype empty or change the category."
            )
        object.__setattr__(self, "ambiguous_subtype", category.subtype(self.ambiguous_subtype).name)


@cache
def load_taxonomy() -> Taxonomy:
    """The taxonomy that the package ships.

    Reference:
        "Failure Taxonomy and Category-Aware Prompt Ensembling for CLIP Retrieval", section 5.2.

    Example:
        >>> load_taxonomy().names
        ('Ambiguous', 'Object', 'Attribute', 'Action', 'Count', 'Context', 'Spatial')
    """
    text = files("misfire.failures").joinpath("taxonomy.json").read_text(encoding="utf-8")
    content = json.loads(text)
    return Taxonomy(content["rule"], tuple(_category(entry) for entry in content["categories"]))


def _category(entry: dict[str, Any]) -> Category:
    return Category(
        **{
            **entry,
            "examples": tuple(Example(**example) for example in entry["examples"]),
            "subtypes": tuple(Subtype(**subtype) for subtype in entry["subtypes"]),
        }
    )


def _position(names: Sequence[str], name: str, *, what: str) -> int:
    lowered = [known.lower() for known in names]
    if name.lower() in lowered:
        return lowered.index(name.lower())
    close = get_close_matches(name.lower(), lowered, n=1)
    meant = f"did you mean {names[lowered.index(close[0])]}? Known are" if close else "known are"
    raise UsageError(f"{name!r} is not {what}: {meant} {', '.join(names) or 'none'}.")
