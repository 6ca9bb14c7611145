"""Why a top-1 retrieval failed: categories that a label may name; ours are one ambiguous and six actionable ones."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import InitVar, asdict, dataclass
from difflib import get_close_matches
from functools import cache, cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from misfire.core.errors import UsageError, name_some
from misfire.core.hashing import sha256_json
from misfire.failures.taxonomy_file import read_taxonomy_file

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
    """A finer name within a category; its key labels with the category and the subtype at once."""

    name: str
    definition: str
    key: str = ""
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Category:
    """One label of the taxonomy, with the instructions that an annotator reads.

    ``key`` stands for it on a keyboard: a digit from 1, or a letter. ``is_actionable`` says whether a better prompt
    could mend the failure. ``synonyms`` are other words for it in a sheet. ``colour`` is ``#rrggbb``, or empty.
    """

    name: str
    key: int | str
    is_actionable: bool
    definition: str
    use_when: str
    avoid_when: str
    examples: tuple[Example, ...]
    subtypes: tuple[Subtype, ...] = ()
    synonyms: tuple[str, ...] = ()
    colour: str = ""

    def subtype(self, name: str) -> Subtype:
        """The subtype of that name, whatever its case.

        Raises:
            UsageError: If the category has no such subtype.
        """
        names = [subtype.name for subtype in self.subtypes]
        return self.subtypes[_position(names, name, what=f"a subtype of {self.name}")]


@dataclass(frozen=True)
class Taxonomy:
    """All categories in the order of their keys, what to do where several fit, and where none comes to mind.

    Raises:
        UsageError: If there are fewer than two categories, or two names, keys or synonyms are the same; case, spaces
            and punctuation don't tell names apart.
    """

    rule: str
    categories: tuple[Category, ...]
    ten_second_rule: str = ""

    def __post_init__(self) -> None:
        if len(self.categories) < 2:
            raise UsageError(
                f"a taxonomy must have at least two categories, got {len(self.categories)}; add what else may be wrong."
            )
        if not all(plain(word) for word in _words(self)):
            raise UsageError("a name or synonym of a taxonomy must have a letter or a digit, got one without; name it.")
        _refuse_repeated("names and synonyms", [plain(word) for word in _words(self)])
        _refuse_repeated("keys", [str(key).lower() for key in _keys(self)])

    @property
    def names(self) -> tuple[str, ...]:
        """The categories' names in the order of their keys."""
        return tuple(category.name for category in self.categories)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the content."""
        return sha256_json(self.content())

    def category(self, name: str) -> Category:
        """The category of that name, whatever its case.

        Raises:
            UsageError: If there is none; the message says which was probably meant.

        Example:
            >>> load_taxonomy().category("object").name
            'Object'
        """
        return self.categories[_position(self.names, name, what="a category")]

    def label(self, category: str, subtype: str | None = None) -> "Label":
        """A label of this taxonomy.

        Raises:
            UsageError: If it isn't one.
        """
        return Label(category, subtype, self)

    def content(self) -> dict[str, Any]:
        """Everything in it as a JSON value, the shape of a taxonomy's file."""
        return asdict(self)


@dataclass(frozen=True)
class Label:
    """A category of the taxonomy, and the subtype where the category has subtypes and the subtype is known.

    Names are taken in any case and kept in the taxonomy's spelling. Ours is the taxonomy where none is given.

    Raises:
        UsageError: If the category or the subtype is unknown, or the category has no subtypes.

    Example:
        >>> Label("ambiguous", "near_duplicate")
        Label(category='Ambiguous', ambiguous_subtype='near_duplicate')
    """

    category: str
    ambiguous_subtype: str | None = None
    taxonomy: InitVar[Taxonomy | None] = None

    def __post_init__(self, taxonomy: Taxonomy | None) -> None:
        known = taxonomy or load_taxonomy()
        category = known.category(self.category)
        object.__setattr__(self, "category", category.name)
        if self.ambiguous_subtype is None:
            return
        if not category.subtypes:
            divided = " or ".join(other.name for other in known.categories if other.subtypes)
            raise UsageError(
                f"only an {divided} failure has a subtype, got {self.ambiguous_subtype!r} beside {category.name}; "
                "leave the subtype empty or change the category."
                if divided
                else f"no category of the taxonomy has subtypes, got {self.ambiguous_subtype!r} beside "
                f"{category.name}; leave the subtype empty."
            )
        object.__setattr__(self, "ambiguous_subtype", category.subtype(self.ambiguous_subtype).name)


def load_taxonomy(path: Path | None = None) -> Taxonomy:
    """The taxonomy of a YAML file, or the one that the package ships.

    Args:
        path: A team's own; ``taxonomy.yaml`` in the package shows the shape.

    Raises:
        UsageError: If the file isn't a taxonomy; the message names the file and the entry.

    Reference:
        "Failure Taxonomy and Category-Aware Prompt Ensembling for CLIP Retrieval", section 5.2.

    Example:
        >>> load_taxonomy().names
        ('Ambiguous', 'Object', 'Attribute', 'Action', 'Count', 'Context', 'Spatial')
    """
    if path is None:
        return _ours()
    content = read_taxonomy_file(path)
    try:
        return taxonomy_from(content)
    except UsageError as error:
        raise UsageError(f"taxonomy {path}: {error}") from error


@cache
def _ours() -> Taxonomy:
    with_path = files("misfire.failures").joinpath("taxonomy.yaml")
    return taxonomy_from(read_taxonomy_file(Path(str(with_path))))


def taxonomy_from(content: dict[str, Any]) -> Taxonomy:
    """The taxonomy whose ``content()`` that is."""
    categories = tuple(_category(entry) for entry in content["categories"])
    return Taxonomy(content["rule"], categories, content["ten_second_rule"])


@lru_cache(maxsize=8192)  # a sheet asks it of the same few words, row by row
def plain(word: str) -> str:
    """A word by which spellings are compared: its letters and digits, in one case.

    Example:
        >>> plain(" Near-duplicate ")
        'nearduplicate'
    """
    return "".join(letter for letter in word.casefold() if letter.isalnum())


def _category(entry: dict[str, Any]) -> Category:
    return Category(
        **{
            **entry,
            "examples": tuple(Example(**example) for example in entry["examples"]),
            "subtypes": tuple(Subtype(**{**one, "synonyms": tuple(one["synonyms"])}) for one in entry["subtypes"]),
            "synonyms": tuple(entry["synonyms"]),
        }
    )


def _words(taxonomy: Taxonomy) -> Iterator[str]:
    for category in taxonomy.categories:
        yield from (category.name, *category.synonyms)
        for subtype in category.subtypes:
            yield from (subtype.name, *subtype.synonyms)


def _keys(taxonomy: Taxonomy) -> Iterator[int | str]:
    for category in taxonomy.categories:
        yield category.key
        yield from (subtype.key for subtype in category.subtypes if subtype.key)


def _refuse_repeated(what: str, values: Sequence[str]) -> None:
    repeated = [value for value, count in Counter(values).items() if count > 1]
    if repeated:
        raise UsageError(
            f"the {what} of a taxonomy must differ from each other, got {name_some(repeated)} more than once; "
            "rename all but one."
        )


def _position(names: Sequence[str], name: str, *, what: str) -> int:
    lowered = [known.lower() for known in names]
    if name.lower() in lowered:
        return lowered.index(name.lower())
    close = get_close_matches(name.lower(), lowered, n=1)
    meant = f"did you mean {names[lowered.index(close[0])]}? Known are" if close else "known are"
    raise UsageError(f"{name!r} is not {what}: {meant} {', '.join(names) or 'none'}.")
