"""What is known of images beside their captions: one class an image, classes present, tags, sentences that hold.

Each is a small frozen table whose rows are images by id. A dataset gives those that it knows (``dataset.labels``,
``.label_matrix``, ``.tags``, ``.sentences``; None where it doesn't); a file can give them for any images. A table is
named by its content, so that what was computed from it can be identified by :attr:`ImageTable.fingerprint` together
with that of the :class:`~misfire.data.ImageSet`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import ClassVar, TypeVar, final

import numpy as np
from jaxtyping import Int
from typing_extensions import override

from misfire.core.errors import UsageError, name_some
from misfire.core.hashing import sha256_bytes, sha256_json

Table = TypeVar("Table", bound="ImageTable")  # typing.Self is beyond the checker of shapes
ColumnTable = TypeVar("ColumnTable", bound="_Columns")
TruthTable = TypeVar("TruthTable", bound="_Truths")


@dataclass(frozen=True, eq=False, repr=False)
class ImageTable(ABC):
    """One row an image, in the order that the table was given; two tables are equal where their content is.

    Arrays that are given are checked here and said of in one sentence, so their fields promise no shape.

    Args:
        image_ids: Id of each row's image, each once.
        names: What the values speak of: classes, tags or sentences, each once.
    """

    noun: ClassVar[str]
    """What one of ``names`` is called in messages."""

    nouns: ClassVar[str]
    """What several are called."""

    image_ids: np.ndarray
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "image_ids", _frozen(np.asarray(self.image_ids, dtype=np.int64)))
        object.__setattr__(self, "names", tuple(self.names))
        _refuse_twice(f"images of a table of {self.nouns} must stand once", self.image_ids.tolist())
        _refuse_twice(f"a table's {self.nouns} must differ", self.names)
        empty = [str(place) for place, name in enumerate(self.names) if not name.strip()]
        if empty:
            raise UsageError(f"a {self.noun} must have a name, got none at {name_some(empty)}; name or drop them.")

    @property
    @abstractmethod
    def _array(self) -> np.ndarray:
        """The values, a row an image."""

    @abstractmethod
    def _taken(self: Table, rows: Int[np.ndarray, " row"]) -> Table:
        """Some rows, in that order."""

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of what the table says, row order included; equal tables have equal names on every machine."""
        values = np.ascontiguousarray(self._array.astype("<i8"))
        head = [self.noun, list(self.names), list(values.shape), self.image_ids.tolist()]
        return sha256_json([head, sha256_bytes(values.tobytes())])

    def of_images(self: Table, image_ids: Sequence[int] | Int[np.ndarray, " wanted"]) -> Table:
        """The rows of these images, in this order.

        Args:
            image_ids: Ids of images, such as ``dataset.image_set.ids``.

        Raises:
            UsageError: If the table doesn't know some of them.
        """
        place = {identifier: row for row, identifier in enumerate(self.image_ids.tolist())}
        wanted = [int(identifier) for identifier in image_ids]
        strangers = [f"id {identifier}" for identifier in wanted if identifier not in place]
        if strangers:
            raise UsageError(
                f"a table of {self.nouns} must know every image that is asked for, it has {len(self)} images and lacks "
                f"{name_some(strangers)}; give the table of these images, or ask for those that it has."
            )
        return self._taken(np.array([place[identifier] for identifier in wanted], dtype=np.int64))

    def __len__(self) -> int:
        return len(self.image_ids)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.fingerprint == self.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} images, {len(self.names)} {self.nouns})"


@final
@dataclass(frozen=True, eq=False, repr=False)
class ClassLabels(ImageTable):
    """One class an image.

    Args:
        image_ids: Id of each row's image.
        names: The class names; a class may have no image, and two classes may not share a name.
        labels: Position in ``names`` of each image's class.

    Raises:
        UsageError: If an image or a class stands twice, or a label is no position in ``names``.

    Example:
        >>> labels = ClassLabels(np.array([7, 8, 9]), ("cat", "dog"), np.array([0, 1, 0]))
        >>> labels.counts.tolist(), labels.of_images([9, 8]).labels.tolist()
        ([2, 1], [0, 1])
    """

    noun: ClassVar[str] = "class"
    nouns: ClassVar[str] = "classes"
    labels: np.ndarray = field()

    @override
    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "labels", _frozen(np.asarray(self.labels, dtype=np.int64)))
        _check_shape(self.labels, (len(self),), "labels")
        wrong = self.labels[(self.labels < 0) | (self.labels >= len(self.names))]
        if len(wrong):
            raise UsageError(
                f"labels must be positions among {len(self.names)} classes, got {name_some(wrong.tolist())} outside; "
                "give the class names that belong to these labels."
            )

    @property
    @override
    def _array(self) -> np.ndarray:
        return self.labels

    @override
    def _taken(self, rows: Int[np.ndarray, " row"]) -> "ClassLabels":
        return ClassLabels(self.image_ids[rows], self.names, self.labels[rows])

    @property
    def counts(self) -> Int[np.ndarray, " class"]:
        """How many images each class has."""
        return np.bincount(self.labels, minlength=len(self.names))


@dataclass(frozen=True, eq=False, repr=False)
class _Columns(ImageTable):
    """A table with a column for each of its names."""

    @override
    def __post_init__(self) -> None:
        super().__post_init__()
        _check_shape(self._array, (len(self), len(self.names)), f"a table of {self.nouns}")

    @abstractmethod
    def _with(self: ColumnTable, rows: Int[np.ndarray, " row"], columns: Int[np.ndarray, " column"]) -> ColumnTable:
        """Some rows of some columns."""

    @override
    def _taken(self: ColumnTable, rows: Int[np.ndarray, " row"]) -> ColumnTable:
        return self._with(rows, np.arange(len(self.names)))

    def columns(self: ColumnTable, names: Sequence[str]) -> ColumnTable:
        """The columns of these names, in this order.

        Raises:
            UsageError: If the table lacks some of them.
        """
        place = {name: column for column, name in enumerate(self.names)}
        strangers = [name for name in names if name not in place]
        if strangers:
            raise UsageError(
                f"a table of {self.nouns} must have every column that is asked for, it lacks {name_some(strangers)}; "
                f"choose from {name_some(self.names)}."
            )
        return self._with(np.arange(len(self)), np.array([place[name] for name in names], dtype=np.int64))


@final
@dataclass(frozen=True, eq=False, repr=False)
class LabelMatrix(_Columns):
    """Which of some classes are present in an image: 1 present, -1 absent, 0 unknown.

    Args:
        image_ids: Id of each row's image.
        names: The class names.
        values: A row an image, a column a class, in {-1, 0, 1}.

    Raises:
        UsageError: If an image or a class stands twice, the shape is another, or a value isn't one of the three.

    Example:
        >>> matrix = LabelMatrix(np.array([7, 8]), ("cat", "dog"), np.array([[1, -1], [0, 1]]))
        >>> matrix.known_fraction.tolist()
        [0.5, 1.0]
    """

    noun: ClassVar[str] = "class"
    nouns: ClassVar[str] = "classes"
    values: np.ndarray = field()

    @override
    def __post_init__(self) -> None:
        given = np.asarray(self.values)
        wrong = np.unique(given[~np.isin(given, (-1, 0, 1))])
        if len(wrong):
            raise UsageError(
                "presence of a class must be 1 (present), -1 (absent) or 0 (unknown), got "
                f"{name_some(wrong.tolist())}; convert the values."
            )
        object.__setattr__(self, "values", _frozen(given.astype(np.int8)))
        super().__post_init__()

    @property
    @override
    def _array(self) -> np.ndarray:
        return self.values

    @override
    def _with(self, rows: Int[np.ndarray, " row"], columns: Int[np.ndarray, " column"]) -> "LabelMatrix":
        names = tuple(self.names[column] for column in columns)
        return LabelMatrix(self.image_ids[rows], names, self.values[np.ix_(rows, columns)])

    @property
    def known_fraction(self) -> np.ndarray:
        """For each class, the fraction of images of which it's known whether it is present; NaN without images."""
        known: np.ndarray = (self.values != 0).mean(axis=0) if len(self) else np.full(len(self.names), np.nan)
        return known


@dataclass(frozen=True, eq=False, repr=False)
class _Truths(_Columns):
    """What holds of an image, in families of names."""

    holds: np.ndarray = field()
    families: tuple[str, ...] = ()

    @override
    def __post_init__(self) -> None:
        given = np.asarray(self.holds)
        if given.dtype != np.bool_:
            raise UsageError(
                f"a table of {self.nouns} must hold truth values, got {given.dtype}; say from which value on it holds."
            )
        object.__setattr__(self, "holds", _frozen(given))
        object.__setattr__(self, "families", tuple(self.families) or ("",) * len(tuple(self.names)))
        super().__post_init__()
        if len(self.families) != len(self.names):
            raise UsageError(
                f"{self.nouns} must have one family each, got {len(self.families)} for {len(self.names)}; "
                "give one a name or none at all."
            )

    @property
    @override
    def _array(self) -> np.ndarray:
        return self.holds

    @override
    def _with(self: TruthTable, rows: Int[np.ndarray, " row"], columns: Int[np.ndarray, " column"]) -> TruthTable:
        return type(self)(
            self.image_ids[rows],
            tuple(self.names[column] for column in columns),
            self.holds[np.ix_(rows, columns)],
            tuple(self.families[column] for column in columns),
        )

    def of_families(self: TruthTable, keep: Callable[[str], bool]) -> TruthTable:
        """The columns whose family is kept: ``tags.of_families(lambda family: family != "nuisance")``."""
        return self.columns([name for name, family in zip(self.names, self.families, strict=True) if keep(family)])

    @property
    def counts(self) -> Int[np.ndarray, " name"]:
        """Of how many images each holds."""
        counts: np.ndarray = self.holds.sum(axis=0)
        return counts


@final
@dataclass(frozen=True, eq=False, repr=False)
class Tags(_Truths):
    """Words that are true of an image or not.

    Args:
        image_ids: Id of each row's image.
        names: The tags.
        holds: Whether an image has a tag: a row an image, a column a tag.
        families: What kind of word each is ("colour"), or nothing; no part of the fingerprint.

    Raises:
        UsageError: If an image or a tag stands twice, the shape is another, or values aren't truth values.

    Example:
        >>> tags = Tags(np.array([7, 8]), ("red", "night"), np.array([[True, False], [True, True]]))
        >>> tags.counts.tolist(), tags.columns(["night"]).holds.tolist()
        ([2, 1], [[False], [True]])
    """

    noun: ClassVar[str] = "tag"
    nouns: ClassVar[str] = "tags"


@final
@dataclass(frozen=True, eq=False, repr=False)
class Sentences(_Truths):
    """Sentences about images and whether each is true of an image: the truth by which explanations are judged.

    Args:
        image_ids: Id of each row's image.
        names: The sentences.
        holds: Whether a sentence is true of an image: a row an image, a column a sentence.
        families: What kind of sentence each is ("colour"), or nothing; no part of the fingerprint.

    Raises:
        UsageError: If an image or a sentence stands twice, the shape is another, or values aren't truth values.
    """

    noun: ClassVar[str] = "sentence"
    nouns: ClassVar[str] = "sentences"


@final
@dataclass(frozen=True)
class Known:
    """What a dataset knows of its images; None for what it doesn't.

    Args:
        labels: One class an image.
        label_matrix: Which classes are present, as far as that is known.
        tags: Words that are true of an image.
        sentences: Sentences that are true of an image.
    """

    labels: ClassLabels | None = None
    label_matrix: LabelMatrix | None = None
    tags: Tags | None = None
    sentences: Sentences | None = None

    def of_images(self, image_ids: Sequence[int] | Int[np.ndarray, " wanted"]) -> "Known":
        """The same of some images alone."""
        tables = {one.name: getattr(self, one.name) for one in fields(self)}
        return Known(**{name: table and table.of_images(image_ids) for name, table in tables.items()})


def _frozen(values: np.ndarray) -> np.ndarray:
    """A copy that nobody can write to: a table is named by its content."""
    own = values.copy()
    own.flags.writeable = False
    return own


def _check_shape(values: np.ndarray, wanted: tuple[int, ...], what: str) -> None:
    if values.shape != wanted:
        raise UsageError(
            f"{what} must have shape {wanted}, got {values.shape}; give a row an image and a column a name."
        )


def _refuse_twice(rule: str, items: Sequence[object]) -> None:
    if len(set(items)) < len(items):
        seen: set[object] = set()
        again = [item for item in items if item in seen or seen.add(item)]  # type: ignore[func-returns-value]
        raise UsageError(f"{rule}, got {name_some(again)} again; drop or rename them.")
