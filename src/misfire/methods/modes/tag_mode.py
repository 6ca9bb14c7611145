"""PRIME: the minimal combinations of tags under which a classifier fails, found exactly."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import final

import numpy as np
from jaxtyping import Bool, Int, Shaped

from misfire.core.errors import UsageError
from misfire.methods.modes.tag_sets import ClassTable, TagSets, carriers, count_columns, pack

Unchecked = Shaped[np.ndarray, "..."]
"""An array as a user gives it: what reads it says in a sentence which shape or type it should have."""

Threshold = float | int | Fraction
"""A fraction in [0, 1]; a float stands for the decimal that it is written as."""


@dataclass(frozen=True, order=True)
class Mode:
    """A combination of tags under which the images of a class are hard, or easy.

    Args:
        label: The class.
        tags: Column numbers of the tags, ascending.
        support: How many images of the class carry all of them.
        num_correct: On how many of these the model is right.
        class_accuracy: Accuracy on all images of the class, in [0, 1].
    """

    label: int
    tags: tuple[int, ...]
    support: int
    num_correct: int
    class_accuracy: float

    @property
    def accuracy(self) -> float:
        """Accuracy on the images that carry all tags, in [0, 1]."""
        return self.num_correct / self.support

    @property
    def drop(self) -> float:
        """The class's accuracy minus the mode's; negative where the mode is easier than its class."""
        return self.class_accuracy - self.accuracy


@dataclass(frozen=True)
class Criteria:
    """What makes a set of tags a mode.

    Accuracies are quotients of counts and thresholds are the decimals that they are written as, so 0.3 is 3/10 and not
    the nearest binary fraction: a set that lies exactly on a threshold is a mode, on every machine.

    Args:
        min_support: Images that must carry all tags.
        min_drop: How far the accuracy on them must lie below the class's, in [0, 1].
        necessity: For sets of 2, 3, ... tags, how much higher the accuracy must be without any one of them, in [0, 1].
        max_size: Most tags a set may have.

    Raises:
        UsageError: If a number is out of its range, or ``necessity`` says nothing of a size up to ``max_size``.

    Reference:
        Rezaei et al., "PRIME: Prioritizing Interpretability in Failure Mode Extraction", ICLR 2024, section 3.2. Its
        values are the defaults (Living17; for Entity13, CelebA and Waterbirds ``min_support`` was 100).
    """

    min_support: int = 30
    min_drop: Threshold = 0.30
    necessity: tuple[Threshold, ...] = (0.10, 0.05, 0.025)
    max_size: int = 4

    def __post_init__(self) -> None:
        object.__setattr__(self, "necessity", tuple(self.necessity))
        if self.min_support < 1:
            raise UsageError(
                f"min_support must be >= 1, got {self.min_support}; the accuracy on no image is undefined."
            )
        if self.max_size < 1:
            raise UsageError(f"max_size must be >= 1, got {self.max_size}; a mode has at least one tag.")
        for name, value in [("min_drop", self.min_drop), *(("necessity", value) for value in self.necessity)]:
            if not 0 <= value <= 1:  # NaN too
                raise UsageError(f"{name} must be in [0, 1], got {value}; write 30 points as 0.3.")
        if len(self.necessity) < self.max_size - 1:
            raise UsageError(
                f"necessity must have a value for each size from 2 to max_size={self.max_size}, got "
                f"{len(self.necessity)} value(s) {self.necessity}; add {self.max_size - 1 - len(self.necessity)} more."
            )

    def most_correct(self, support: Int[np.ndarray, " set"], num_correct: int, num_images: int) -> np.ndarray:
        """Most images of each set that may be right for its drop to be large enough; negative where none may.

        ``num_correct`` of ``num_images`` are right in the whole class.
        """
        limit = Fraction(num_correct, num_images) - exact(self.min_drop)
        return _times(support, limit.numerator) // limit.denominator

    def least_wrong(self, num_correct: int, num_images: int) -> int:
        """Errors that any mode of the class has: as many as the smallest one needs."""
        limit = Fraction(num_correct, num_images) - exact(self.min_drop)
        return self.min_support - math.floor(self.min_support * limit)

    def is_easier(self, subsets: TagSets, sets: TagSets) -> Bool[np.ndarray, " set"]:
        """Whether the accuracy on each subset, a tag fewer, is higher than on its set by what that size asks for."""
        needed = exact(self.necessity[sets.tags.shape[1] - 2])
        # subset_right / subset - right / set >= p / q, multiplied out
        excess = subsets.num_wrong * -sets.support + sets.num_wrong * subsets.support
        product = sets.support * subsets.support
        return np.asarray(_times(excess, needed.denominator) >= _times(product, needed.numerator), dtype=bool)


@final
@dataclass(frozen=True, eq=False)
class TaggedOutcomes:
    """Which images a model gets right, their classes and their tags: what a search reads, checked once.

    Args:
        correct: Whether the model is right on each image: bool ``image``.
        labels: Class of each image: int ``image``.
        tags: Which tags each image carries: bool ``image tag``.
        strata: Fine class of each image, where classes are groups: outcomes are exchanged within it only, so that a tag
            that stands for a hard breed isn't taken for a cause: int ``image``. The class where it isn't given.

    Raises:
        UsageError: If the images aren't the same, there is none, or an array isn't of its type.
    """

    correct: Unchecked
    labels: Unchecked
    tags: Unchecked
    strata: Unchecked | None = None

    def __post_init__(self) -> None:
        for name, array, num_axes in (("correct", self.correct, 1), ("labels", self.labels, 1), ("tags", self.tags, 2)):
            if array.ndim != num_axes:
                raise UsageError(
                    f"{name} must have {num_axes} {'axis' if num_axes == 1 else 'axes: image and tag'}, got shape "
                    f"{array.shape}."
                )
        for name, array in (("correct", self.correct), ("tags", self.tags)):
            if array.dtype != np.bool_:
                raise UsageError(
                    f"{name} must be boolean, got {array.dtype}; threshold scores first, for example {name} >= 0.5."
                )
        if not np.issubdtype(self.labels.dtype, np.integer):
            raise UsageError(f"labels must be whole numbers, got {self.labels.dtype}; number the classes first.")
        if not len(self.correct) == len(self.labels) == len(self.tags):
            raise UsageError(
                f"correct, labels and tags must be of the same images, got {len(self.correct)}, {len(self.labels)} "
                f"and {len(self.tags)}."
            )
        if not len(self.correct):
            raise UsageError("a search for modes needs images, got none.")
        strata = self.strata
        if strata is not None and (strata.shape != self.labels.shape or not np.issubdtype(strata.dtype, np.integer)):
            raise UsageError(
                f"strata must be a whole number an image, got {strata.dtype} of shape {strata.shape} for "
                f"{len(self.labels)} images; number the fine classes first."
            )

    @cached_property
    def rows_of(self) -> dict[int, Int[np.ndarray, " member"]]:
        """Positions of each class's images; classes and positions ascending."""
        return dict(images_by_class(self.labels))

    @property
    def groups(self) -> Int[np.ndarray, " image"]:
        """Within what outcomes are exchanged: fine classes where they are known, classes elsewhere."""
        return self.labels if self.strata is None else self.strata

    @property
    def turned(self) -> "TaggedOutcomes":
        """The same images with right and wrong exchanged."""
        return TaggedOutcomes(~self.correct, self.labels, self.tags, self.strata)

    def members(self, mode: Mode) -> Int[np.ndarray, " member"]:
        """Positions of the images of a mode's class that carry all its tags.

        Raises:
            UsageError: If the mode names a tag beyond the columns.
        """
        if not all(0 <= tag < self.tags.shape[1] for tag in mode.tags):
            raise UsageError(
                f"modes must name tags by their columns, got {mode.tags} for {self.tags.shape[1]} columns; give the "
                "images the same columns as the search."
            )
        rows = self.rows_of.get(mode.label, np.zeros(0, dtype=np.int64))
        return np.asarray(rows[carriers(self.tags, mode.tags, rows)])


def prime(
    correct: Unchecked,
    labels: Unchecked,
    tags: Unchecked,
    *,
    min_support: int = 30,
    min_drop: Threshold = 0.30,
    necessity: Sequence[Threshold] = (0.10, 0.05, 0.025),
    max_size: int = 4,
) -> list[Mode]:
    """Failure modes: the sets of up to ``max_size`` tags on which a class is hard and none of whose tags is idle.

    A set S is a mode of class c if at least ``min_support`` images of c carry all of S, the accuracy on them is at most
    the accuracy of c minus ``min_drop``, and without any one tag of S the accuracy is higher by
    ``necessity[len(S) - 2]`` at least. The search is exhaustive; a bound that is met exactly is met.

    Whatever is found this way is the worst of many sets: its accuracy on these images is too low an estimate of its
    accuracy on others. Hold it against ``significance`` and ``generalisation``.

    Args:
        correct: Whether the model is right on each image: bool ``image``.
        labels: Class of each image: int ``image``.
        tags: Which tags each image carries: bool ``image tag``.
        min_support: Images that must carry all tags of a mode.
        min_drop: Least drop of the accuracy, as a fraction: 0.3 is 30 points.
        necessity: Least rise of the accuracy without a tag, for modes of 2, 3, ... tags.
        max_size: Most tags of a mode.

    Returns:
        The modes by label, then by number of tags, then by the tags.

    Raises:
        UsageError: If the axes don't fit together, an array isn't of its type, or a number is out of its range.

    Reference:
        Rezaei et al., "PRIME: Prioritizing Interpretability in Failure Mode Extraction", ICLR 2024, section 3.2.

    Example:
        >>> correct = np.array([False, False, True, True, True, True])
        >>> is_dark = np.array([[True], [True], [False], [False], [False], [False]])
        >>> prime(correct, np.zeros(6, dtype=int), is_dark, min_support=2)
        [Mode(label=0, tags=(0,), support=2, num_correct=0, class_accuracy=0.6666666666666666)]
    """
    criteria = Criteria(min_support, min_drop, tuple(necessity), max_size)
    return failure_modes(TaggedOutcomes(correct, labels, tags), criteria)


def failure_modes(images: TaggedOutcomes, criteria: Criteria) -> list[Mode]:
    """What ``prime`` finds, of images and criteria that have been checked."""
    modes: list[Mode] = []
    for label, rows in images.rows_of.items():
        modes.extend(_modes_of_class(label, images.correct[rows], images.tags[rows], criteria))
    return modes


def success_modes(images: TaggedOutcomes, criteria: Criteria) -> list[Mode]:
    """The same search with the sign turned: sets on which a class is easier by the least drop than as a whole.

    The *error rate* drops on them, and is higher without any one tag. Order as in ``prime``; ``num_correct`` and
    ``class_accuracy`` still count right answers.

    Example:
        >>> correct = np.array([True, True, False, False, False, True])
        >>> is_close = np.array([[True], [True], [False], [False], [False], [False]])
        >>> success_modes(TaggedOutcomes(correct, np.zeros(6, dtype=int), is_close), Criteria(min_support=2))
        [Mode(label=0, tags=(0,), support=2, num_correct=2, class_accuracy=0.5)]
    """
    accuracy = {label: float(images.correct[rows].mean()) for label, rows in images.rows_of.items()}
    return [
        Mode(mode.label, mode.tags, mode.support, mode.support - mode.num_correct, accuracy[mode.label])
        for mode in failure_modes(images.turned, criteria)
    ]


def greedy_prime(images: TaggedOutcomes, criteria: Criteria, *, width: int = 10) -> list[Mode]:
    """Those of the modes of ``prime`` that a greedy search meets: only the hardest sets of a size are made longer.

    For each size, all one-tag extensions of the ``width`` sets with the lowest accuracy among those with enough images
    are looked at (more images first among equals, then the smaller column numbers). It is for vocabularies where the
    exhaustive search takes too long, and misses modes whose tags are harmless alone.

    Raises:
        UsageError: If ``width`` < 1.

    Reference:
        Rezaei et al., "PRIME: Prioritizing Interpretability in Failure Mode Extraction", ICLR 2024, appendix A.6, which
        doesn't say how many are kept.
    """
    check_width(width)
    modes: list[Mode] = []
    for label, rows in images.rows_of.items():
        table = ClassTable(images.correct[rows], images.tags[rows], min_support=criteria.min_support)
        modes.extend(_chosen(label, _greedy_sets(table, criteria.max_size, width), table, criteria))
    return modes


def images_by_class(labels: Int[np.ndarray, " image"]) -> Iterator[tuple[int, Int[np.ndarray, " member"]]]:
    """Each class and the positions of its images, both ascending."""
    order = np.argsort(labels, kind="stable")
    values, starts = np.unique(labels[order], return_index=True)
    for label, rows in zip(values, np.split(order, starts[1:]), strict=True):
        yield int(label), rows


def exact(threshold: Threshold) -> Fraction:
    """The decimal that a threshold is written as.

    Example:
        >>> exact(0.3)
        Fraction(3, 10)
    """
    return threshold if isinstance(threshold, Fraction) else Fraction(repr(float(threshold)))


def _modes_of_class(
    label: int, correct: Bool[np.ndarray, " image"], tags: Bool[np.ndarray, "image tag"], criteria: Criteria
) -> list[Mode]:
    least_wrong = criteria.least_wrong(int(np.count_nonzero(correct)), len(correct))
    if least_wrong > len(correct) - np.count_nonzero(correct):
        return []  # fewer errors in the class than a mode needs; also a class of fewer images than min_support
    table = ClassTable(correct, tags, min_support=criteria.min_support, min_wrong=max(0, least_wrong))
    return _chosen(label, table.sets(criteria.max_size), table, criteria)


def _chosen(label: int, blocks: Iterator[TagSets], table: ClassTable, criteria: Criteria) -> list[Mode]:
    """The sets that drop and of which no tag is idle, in order."""
    num_correct = table.num_images - table.num_wrong
    position = np.zeros(int(table.columns.max(initial=0)) + 1, dtype=np.int64)
    position[table.columns] = np.arange(len(table.columns))
    bits: tuple[np.ndarray, np.ndarray] | None = None
    most_correct = criteria.most_correct(np.arange(table.num_images + 1), num_correct, table.num_images)
    modes = []
    for block in blocks:
        drops = np.asarray(block.support - block.num_wrong <= most_correct[block.support], dtype=bool)
        if not drops.any():
            continue
        sets, size = block.where(drops), block.tags.shape[1]
        if size > 1:
            if size > (2 if table.pair_support is None else 3) and bits is None:
                bits = pack(table.carries[: table.num_wrong]), pack(table.carries[table.num_wrong :])
            for left_out in range(size):
                subsets = _without(sets, left_out, position, table, bits)
                sets = sets.where(criteria.is_easier(subsets, sets))
        modes += [
            Mode(label, tuple(tags), support, support - wrong, num_correct / table.num_images)
            for tags, support, wrong in zip(
                sets.tags.tolist(), sets.support.tolist(), sets.num_wrong.tolist(), strict=True
            )
        ]
    return sorted(modes, key=lambda mode: (len(mode.tags), mode.tags))


def _without(
    sets: TagSets,
    left_out: int,
    position: Int[np.ndarray, " tag"],
    table: ClassTable,
    bits: tuple[np.ndarray, np.ndarray] | None,
) -> TagSets:
    """Each set without one of its tags; ``position`` says where a column stands in the table and in its ``bits``."""
    tags = np.delete(sets.tags, left_out, axis=1)
    places = position[tags]
    if tags.shape[1] == 1:
        return TagSets(tags, table.support[places[:, 0]], table.wrong[places[:, 0]])
    if tags.shape[1] == 2 and table.pair_support is not None and table.pair_wrong is not None:
        first, second = places.T
        return TagSets(tags, table.pair_support[first, second], table.pair_wrong[first, second])
    assert bits is not None
    counts = [_count_all(words, places) for words in bits]
    return TagSets(tags, counts[0] + counts[1], counts[0])


def _count_all(words: np.ndarray, places: Int[np.ndarray, "set size"]) -> Int[np.ndarray, " set"]:
    """How many images carry all tags of each set."""
    counts = np.zeros(len(places), dtype=np.int64)
    for word in words:
        counts += np.bitwise_count(np.bitwise_and.reduce(word[places], axis=1))
    return counts


def _greedy_sets(table: ClassTable, max_size: int, width: int) -> Iterator[TagSets]:
    """All one-tag extensions of the ``width`` hardest sets of each size; each set once."""
    columns = np.sort(table.columns)
    carries = table.carries[:, np.argsort(table.columns)]
    sets: dict[tuple[int, ...], tuple[int, int]] = {}
    hardest: list[tuple[int, ...]] = [()]
    for _ in range(max_size):
        sets = {}
        for members in hardest:
            rows = np.asarray(carries[:, list(members)].all(axis=1))
            wrong = count_columns(carries[: table.num_wrong][rows[: table.num_wrong]])
            support = wrong + count_columns(carries[table.num_wrong :][rows[table.num_wrong :]])
            for tag in np.flatnonzero(support >= table.min_support).tolist():
                if tag not in members:
                    sets[tuple(sorted((*members, tag)))] = (int(support[tag]), int(wrong[tag]))
        if not sets:
            return
        counts = np.array(list(sets.values()))
        yield TagSets(columns[np.array(list(sets))], counts[:, 0], counts[:, 1])

        # A quotient of counts below 2^26 is the same float only for the same fraction, so the order is exact.
        def hardness(members: tuple[int, ...], found: dict = sets) -> tuple[float, int, tuple[int, ...]]:  # type: ignore[type-arg]
            support, wrong = found[members]
            return (-wrong / support, -support, members)

        hardest = sorted(sets, key=hardness)[:width]


def _times(counts: np.ndarray, factor: int) -> np.ndarray:
    """Products that can't overflow: whole numbers of any size where 64 bits might not hold them."""
    largest = int(np.abs(counts).max(initial=0))
    return counts * factor if largest * abs(factor) < 2**62 else counts.astype(object) * factor


def check_width(width: int) -> None:
    """Refuse a greedy search that would go on with nothing.

    Raises:
        UsageError: If it is below 1.
    """
    if width < 1:
        raise UsageError(f"width must be >= 1, got {width}; it is how many sets of each size are made longer.")
