"""Which modes are more than the worst of many sets of tags would be by chance."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import gammaln

from misfire.core.errors import UsageError
from misfire.methods.modes.tag_mode import Criteria, Mode, Unchecked, check_table, images_by_class, prime
from misfire.methods.modes.tag_sets import ClassTable, carriers
from misfire.stats import benjamini_hochberg

_SMALLEST = np.finfo(np.float64).tiny
_CELLS_AT_ONCE = 2**23  # of a block of sets by permutations: 32 MiB
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Significance:
    """What the modes of one search are worth; arrays are in the modes' order.

    Args:
        p_values: Chance of as many errors on as many images drawn from the class, looking at this set alone.
        q_values: The same, adjusted for all sets searched: of the modes up to q, a share q is expected to be false.
        necessity_p_values: The largest of the p-values that a mode has among the images that carry all but one of its
            tags. It is small only if every tag matters given the others, so a mode that merely contains another, or
            overlaps it, has a large one. For a single tag it is the p-value.
        necessity_q_values: The same, adjusted for all sets searched.
        family_wise: Chance that shuffled outcomes give *any* set of the search as extreme a drop.
        num_sets: Sets of tags searched, all that enough images carry.
        null_counts: How many modes were found in each of some shuffles of the outcomes.
    """

    p_values: Float[np.ndarray, " mode"]
    q_values: Float[np.ndarray, " mode"]
    necessity_p_values: Float[np.ndarray, " mode"]
    necessity_q_values: Float[np.ndarray, " mode"]
    family_wise: Float[np.ndarray, " mode"]
    num_sets: int
    null_counts: Int[np.ndarray, " shuffle"]

    def survives(self, q: float = 0.05) -> Bool[np.ndarray, " mode"]:
        """Which modes stand after correction: the class is harder there than chance makes it, and each tag matters."""
        return (self.q_values <= q) & (self.necessity_q_values <= q)

    @property
    def expected_by_chance(self) -> float:
        """Mean number of modes in shuffled outcomes; NaN where none were shuffled."""
        return float(self.null_counts.mean()) if len(self.null_counts) else float("nan")


def significance(
    modes: Sequence[Mode],
    correct: Bool[np.ndarray, " image"],
    labels: Int[np.ndarray, " image"],
    tags: Bool[np.ndarray, "image tag"],
    *,
    criteria: Criteria,
    strata: Unchecked | None = None,
    num_permutations: int = 1000,
    num_shuffles: int = 100,
    rng: np.random.Generator,
) -> Significance:
    """p-values of the modes that ``prime`` found in these arrays, alone and for the whole search.

    For success modes, pass the outcomes with the sign turned (``~correct``), as their search does.

    Args:
        modes: What the search found.
        correct: Whether the model is right on each image.
        labels: Class of each image.
        tags: Which tags each image carries.
        criteria: What the search asked for.
        strata: Fine class of each image, where classes are groups: outcomes are exchanged within it only, so that a tag
            that stands for a hard breed isn't taken for a cause. The class where it isn't given.
        num_permutations: How often the outcomes are permuted for the family-wise p-values.
        num_shuffles: How often the whole search is repeated on shuffled outcomes.
        rng: Source of both.

    Raises:
        UsageError: If the arrays don't fit together, or a number of repeats is negative.
    """
    p_values = error_p_values(modes, correct, labels, tags, strata=strata)
    necessity = necessity_p_values(modes, correct, labels, tags, strata=strata)
    num_sets = num_sets_searched(labels, tags, min_support=criteria.min_support, max_size=criteria.max_size)
    return Significance(
        p_values,
        benjamini_hochberg(p_values, num_tests=num_sets),
        necessity,
        benjamini_hochberg(necessity, num_tests=num_sets),
        family_wise_p_values(
            modes, correct, labels, tags, criteria=criteria, strata=strata, num_permutations=num_permutations, rng=rng
        ),
        num_sets,
        null_num_modes(correct, labels, tags, criteria=criteria, strata=strata, num_shuffles=num_shuffles, rng=rng),
    )


def error_p_values(
    modes: Sequence[Mode],
    correct: Bool[np.ndarray, " image"],
    labels: Int[np.ndarray, " image"],
    tags: Bool[np.ndarray, "image tag"],
    *,
    strata: Unchecked | None = None,
) -> Float[np.ndarray, " mode"]:
    """Exact one-sided p-value of each mode: the chance of its number of errors or more, were its tags irrelevant.

    If tags say nothing of errors, a mode's images are a draw without replacement from its class, and its errors are
    hypergeometric. With ``strata`` they are drawn from each fine class as many times as the mode has images of it, and
    the errors are a sum of independent hypergeometric numbers, whose distribution is convolved.

    Raises:
        UsageError: If the arrays don't fit together, or no image of a mode's class carries its tags.

    Reference:
        Fisher, "The design of experiments", 1935; Birch, "The detection of partial association, I: the 2 x 2 case",
        Journal of the Royal Statistical Society B 26, 1964.

    Example:
        >>> correct, tags = np.array([False, False, True, True]), np.array([[True], [True], [False], [False]])
        >>> modes = [Mode(0, (0,), 2, 0, 0.5)]
        >>> error_p_values(modes, correct, np.zeros(4, dtype=int), tags).round(4).tolist()  # 1 of 6 pairs
        [0.1667]
    """
    strata = _checked(modes, correct, labels, tags, strata)
    rows_of = dict(images_by_class(labels))
    p_values = [
        _p_value(~correct[rows], carriers(tags, mode.tags, rows), strata[rows])
        for mode, rows in ((mode, rows_of[mode.label]) for mode in modes)
    ]
    return np.array(p_values, dtype=np.float64)


def necessity_p_values(
    modes: Sequence[Mode],
    correct: Bool[np.ndarray, " image"],
    labels: Int[np.ndarray, " image"],
    tags: Bool[np.ndarray, "image tag"],
    *,
    strata: Unchecked | None = None,
) -> Float[np.ndarray, " mode"]:
    """Exact p-value of the claim that no tag of a mode is idle: the largest of those of its tags given the others.

    For each tag, the images that carry the mode's other tags are the population, and the mode's own are the draw. The
    claim holds only if it holds of every tag, so the largest p-value is the whole's (an intersection-union test, which
    needs no correction for the number of tags). A mode of one tag is drawn from its class, as in ``error_p_values``.

    Raises:
        UsageError: If the arrays don't fit together, or no image of a mode's class carries its tags.

    Reference:
        Berger, "Multiparameter hypothesis testing and acceptance sampling", Technometrics 24, 1982.
    """
    strata = _checked(modes, correct, labels, tags, strata)
    rows_of = dict(images_by_class(labels))
    p_values = np.zeros(len(modes))
    for index, mode in enumerate(modes):
        for tag in mode.tags:
            rows = rows_of[mode.label]
            rows = rows[carriers(tags, [other for other in mode.tags if other != tag], rows)]
            p_value = _p_value(~correct[rows], carriers(tags, [tag], rows), strata[rows])
            p_values[index] = max(p_values[index], p_value)
    return p_values


def explained_by(
    modes: Sequence[Mode],
    correct: Bool[np.ndarray, " image"],
    labels: Int[np.ndarray, " image"],
    tags: Bool[np.ndarray, "image tag"],
    *,
    among: Bool[np.ndarray, " mode"],
    level: float = 0.05,
) -> Int[np.ndarray, " mode"]:
    """For each mode, a more specific one in which its errors lie; -1 where none explains it.

    Where foxes fail in dry grass, foxes in grass fail, too, if most of it is dry. A mode is explained if the images
    that it has beyond the modes among ``among`` that contain its tags are no worse than their class without these
    images: the exact p-value of their errors is above ``level``, or there are none.

    Args:
        modes: Modes of one search.
        correct: Whether the model is right on each image.
        labels: Class of each image.
        tags: Which tags each image carries.
        among: Which modes may explain others, for example those that survive correction.
        level: How small the p-value of the rest must be for a mode to stand by itself, in (0, 1).

    Raises:
        UsageError: If the arrays don't fit together, or no image of a mode's class carries its tags.
    """
    strata = _checked(modes, correct, labels, tags, None)
    rows_of = dict(images_by_class(labels))
    found = np.full(len(modes), -1)
    for index, mode in enumerate(modes):
        specific = [
            other
            for other, candidate in enumerate(modes)
            if among[other] and candidate.label == mode.label and set(candidate.tags) > set(mode.tags)
        ]
        if not specific:
            continue
        rows = rows_of[mode.label]
        inside = np.array([carriers(tags, modes[other].tags, rows) for other in specific])
        rest = rows[~inside.any(axis=0)]
        is_rest = carriers(tags, mode.tags, rest)
        if not is_rest.any() or _p_value(~correct[rest], is_rest, strata[rest]) > level:
            found[index] = specific[int(np.argmax(np.count_nonzero(inside, axis=1)))]
    return found


def num_sets_searched(
    labels: Int[np.ndarray, " image"], tags: Bool[np.ndarray, "image tag"], *, min_support: int, max_size: int
) -> int:
    """How many sets of up to ``max_size`` tags at least ``min_support`` images of a class carry, over all classes.

    It depends on no outcome, and so it is how many tests were made, however many of them a search could leave out.
    """
    num_sets = 0
    for _, rows in images_by_class(labels):
        table = ClassTable(np.ones(len(rows), dtype=bool), tags[rows], min_support=min_support)
        num_sets += sum(len(block.support) for block in table.sets(max_size))
    return num_sets


def family_wise_p_values(
    modes: Sequence[Mode],
    correct: Bool[np.ndarray, " image"],
    labels: Int[np.ndarray, " image"],
    tags: Bool[np.ndarray, "image tag"],
    *,
    criteria: Criteria,
    strata: Unchecked | None = None,
    num_permutations: int = 1000,
    rng: np.random.Generator,
) -> Float[np.ndarray, " mode"]:
    """Westfall and Young's p-value of each mode: how often the worst set of shuffled outcomes is as extreme.

    Outcomes are permuted within the class (or ``strata``), the tags stay, and so does whatever ties them together. In
    each permutation the largest statistic of all sets with enough images and a large enough drop is kept; it doesn't
    ask whether these are minimal, which makes the p-values a little larger. One pass over the sets counts the errors of
    all permutations at once, and a set is left with all that contain it as soon as no permutation gives it the errors
    of a mode. The statistic is the number of errors, standardised by its exact mean and variance under permutation.

    The p-value is (b + 1) / (m + 1) with b of m permutations as extreme.

    Raises:
        UsageError: If the arrays don't fit together, or ``num_permutations`` < 1.

    Reference:
        Westfall and Young, "Resampling-based multiple testing", 1993; Terada et al., "Fast Westfall-Young permutation
        procedure for combinatorial regulation discovery", IEEE BIBM 2013.
    """
    check_table(correct, labels, tags)
    strata = _checked_strata(strata, labels)
    if num_permutations < 1:
        raise UsageError(f"num_permutations must be >= 1, got {num_permutations}; 1000 gives p-values from 0.001.")
    largest = np.full(num_permutations, -np.inf)
    observed = np.full(len(modes), np.nan)
    for label, rows in images_by_class(labels):
        of_class = [index for index, mode in enumerate(modes) if mode.label == label]
        stratum = np.unique(strata[rows], return_inverse=True)[1]
        drawn = _Drawn(correct[rows], stratum, criteria, _shuffled(~correct[rows], stratum, num_permutations, rng))
        for index in of_class:
            members = carriers(tags, modes[index].tags, rows)
            num_wrong = np.array([[np.count_nonzero(~correct[rows] & members)]])
            observed[index] = drawn.statistic(members[None], num_wrong)[0, 0]
        for statistics in drawn.walk(tags[rows]):
            np.maximum(largest, statistics, out=largest)
    as_extreme = (largest >= observed[:, None] - _ROUNDING).sum(axis=1)
    return np.asarray((1 + as_extreme) / (1 + num_permutations))


def null_num_modes(
    correct: Bool[np.ndarray, " image"],
    labels: Int[np.ndarray, " image"],
    tags: Bool[np.ndarray, "image tag"],
    *,
    criteria: Criteria,
    strata: Unchecked | None = None,
    num_shuffles: int = 100,
    rng: np.random.Generator,
) -> Int[np.ndarray, " shuffle"]:
    """How many modes the same search finds where outcomes are shuffled within the class, or within ``strata``.

    Raises:
        UsageError: If the arrays don't fit together, or ``num_shuffles`` is negative.
    """
    check_table(correct, labels, tags)
    strata = _checked_strata(strata, labels)
    if num_shuffles < 0:
        raise UsageError(f"num_shuffles must be >= 0, got {num_shuffles}; 0 leaves the null out.")
    groups = np.unique(np.stack([labels, strata]), axis=1, return_inverse=True)[1].reshape(-1)
    counts = np.zeros(num_shuffles, dtype=np.int64)
    for index in range(num_shuffles):
        shuffled = _shuffled(correct, groups, 1, rng)[:, 0]
        counts[index] = len(
            prime(
                shuffled,
                labels,
                tags,
                min_support=criteria.min_support,
                min_drop=criteria.min_drop,
                necessity=criteria.necessity,
                max_size=criteria.max_size,
            )
        )
    return counts


class _Drawn:
    """The permuted outcomes of one class, and the errors that they give its sets of tags."""

    def __init__(
        self,
        correct: Bool[np.ndarray, " image"],
        stratum: Int[np.ndarray, " image"],
        criteria: Criteria,
        is_wrong: Bool[np.ndarray, "image permutation"],
    ) -> None:
        self.criteria, self.num_images = criteria, len(correct)
        self.num_correct = int(np.count_nonzero(correct))
        self.least_wrong = max(0, criteria.least_wrong(self.num_correct, self.num_images))
        supports = np.arange(len(correct) + 1)
        most = criteria.most_correct(supports, self.num_correct, self.num_images)
        self.needed = supports - np.maximum(most, -1).astype(np.int64)
        in_stratum = stratum[:, None] == np.arange(stratum.max() + 1)
        self.stratum_sizes = in_stratum.sum(axis=0)
        self.stratum_errors = (in_stratum & ~correct[:, None]).sum(axis=0)
        # One product counts a set's images in each stratum and its errors in each permutation; single precision holds
        # whole numbers up to 2^24.
        self.columns = np.concatenate([in_stratum, is_wrong], axis=1).astype(np.float32)

    def walk(self, tags: Bool[np.ndarray, "image tag"]) -> Iterator[Float[np.ndarray, " permutation"]]:
        """The largest statistic of each permutation in each block of sets."""
        if self.least_wrong > self.num_images - self.num_correct:
            return
        support = tags.sum(axis=0)
        kept = np.flatnonzero(support >= self.criteria.min_support)
        carries = np.ascontiguousarray(tags[:, kept[np.argsort(support[kept], kind="stable")]].T)
        singles, ends = np.arange(len(carries)), np.full(len(carries), len(carries))
        for block in _blocks(singles, self.columns.size // len(self.columns)):
            survives = np.zeros(len(block), dtype=bool)
            yield self._largest(carries[block], self.columns, survives)
            ends[block[~survives]] = -1
        carries = carries[ends >= 0]
        for first in range(len(carries) - 1 if self.criteria.max_size > 1 else 0):
            rows = np.flatnonzero(carries[first])
            yield from self._longer(carries[first + 1 :, rows], self.columns[rows], size=2)

    @no_type_check  # once a set
    def _longer(
        self, members: Bool[np.ndarray, "set row"], columns: Float[np.ndarray, "row column"], *, size: int
    ) -> Iterator[Float[np.ndarray, " permutation"]]:
        """Sets of ``size`` tags, all but the last of which every row carries, and what is built on them."""
        members = members[np.count_nonzero(members, axis=1) >= self.criteria.min_support]
        survives = np.zeros(len(members), dtype=bool)
        for block in _blocks(np.arange(len(members)), max(columns.shape)):
            is_alive = np.zeros(len(block), dtype=bool)
            yield self._largest(members[block], columns, is_alive)
            survives[block] = is_alive
        members = members[survives]
        for first in range(len(members) - 1 if size < self.criteria.max_size else 0):
            rows = np.flatnonzero(members[first])
            yield from self._longer(members[first + 1 :, rows], columns[rows], size=size + 1)

    @no_type_check  # once a set
    def _largest(
        self,
        members: Bool[np.ndarray, "set row"],
        columns: Float[np.ndarray, "row column"],
        survives: Bool[np.ndarray, " set"],
    ) -> Float[np.ndarray, " permutation"]:
        """Largest statistic in each permutation of the sets that drop; ``survives`` is told which could be a mode."""
        counts = members.astype(np.float32) @ columns
        in_stratum, wrong = counts[:, : len(self.stratum_sizes)], counts[:, len(self.stratum_sizes) :]
        np.greater_equal(wrong.max(axis=1, initial=0), self.least_wrong, out=survives)
        support = in_stratum.sum(axis=1).astype(np.int64)
        needed = self.needed[support]
        candidates = np.flatnonzero(wrong.max(axis=1, initial=0) >= needed)
        if not len(candidates):
            return np.full(wrong.shape[1], -np.inf)
        statistic = self._standardised(in_stratum[candidates], wrong[candidates])
        statistic[wrong[candidates] < needed[candidates, None]] = -np.inf
        return np.asarray(statistic.max(axis=0))

    def statistic(
        self, members: Bool[np.ndarray, "set image"], num_wrong: Int[np.ndarray, "set column"]
    ) -> Float[np.ndarray, "set column"]:
        """Standardised errors of sets of the class's images."""
        num_strata = len(self.stratum_sizes)
        return np.asarray(self._standardised(members.astype(np.float32) @ self.columns[:, :num_strata], num_wrong))

    @no_type_check  # once a set
    def _standardised(self, in_stratum: np.ndarray, num_wrong: np.ndarray) -> Float[np.ndarray, "set column"]:
        """Errors minus their mean under permutation, over their standard deviation; 0 where they can't vary."""
        drawn, sizes = in_stratum.astype(np.float64), self.stratum_sizes
        share = self.stratum_errors / sizes
        mean = drawn @ share
        variance = (drawn * (sizes - drawn)) @ (share * (1 - share) / np.maximum(sizes - 1, 1))
        deviation = np.sqrt(np.where(variance > _ROUNDING, variance, np.inf))
        return np.asarray((num_wrong - mean[:, None]) / deviation[:, None])


def _checked(
    modes: Sequence[Mode], correct: np.ndarray, labels: np.ndarray, tags: np.ndarray, strata: np.ndarray | None
) -> Int[np.ndarray, " image"]:
    """The strata of arrays that fit together and in which each mode has images."""
    check_table(correct, labels, tags)
    rows_of = dict(images_by_class(labels))
    for mode in modes:
        rows = rows_of.get(mode.label, np.zeros(0, dtype=np.int64))
        if not carriers(tags, mode.tags, rows).any():
            raise UsageError(
                f"a mode must have images, got none of class {mode.label} with tags {mode.tags}; pass the arrays in "
                "which it was found."
            )
    return _checked_strata(strata, labels)


def _checked_strata(strata: np.ndarray | None, labels: np.ndarray) -> Int[np.ndarray, " image"]:
    if strata is None:
        return labels
    if strata.shape != labels.shape or not np.issubdtype(strata.dtype, np.integer):
        raise UsageError(
            f"strata must be a whole number an image, got {strata.dtype} of shape {strata.shape} for {len(labels)} "
            "images; number the fine classes first."
        )
    return strata


def _shuffled(
    values: Bool[np.ndarray, " image"],
    groups: Int[np.ndarray, " image"],
    num_permutations: int,
    rng: np.random.Generator,
) -> Bool[np.ndarray, "image permutation"]:
    """Copies of ``values``, exchanged within each group."""
    shuffled = np.empty((len(values), num_permutations), dtype=bool)
    for _, rows in images_by_class(groups):
        shuffled[rows] = rng.permuted(np.repeat(values[rows, None], num_permutations, axis=1), axis=0)
    return shuffled


@no_type_check
def _blocks(sets: Int[np.ndarray, " set"], width: int) -> Iterator[Int[np.ndarray, " block"]]:
    """Sets in blocks whose table of ``width`` columns keeps within memory."""
    at_once = max(1, _CELLS_AT_ONCE // max(1, width))
    for start in range(0, len(sets), at_once):
        yield sets[start : start + at_once]


def _p_value(
    is_wrong: Bool[np.ndarray, " image"], is_member: Bool[np.ndarray, " image"], strata: Int[np.ndarray, " image"]
) -> float:
    """Chance that as many of as many images drawn from each stratum are wrong as are wrong among the members."""
    stratum = np.unique(strata, return_inverse=True)[1]
    num_strata = int(stratum.max()) + 1
    counts = [np.bincount(stratum[rows], minlength=num_strata) for rows in (slice(None), is_wrong, is_member)]
    return _tail(counts[0], counts[1], counts[2], int(np.count_nonzero(is_wrong & is_member)))


def _tail(
    sizes: Int[np.ndarray, " stratum"],
    errors: Int[np.ndarray, " stratum"],
    drawn: Int[np.ndarray, " stratum"],
    num_wrong: int,
) -> float:
    """Chance of ``num_wrong`` errors or more among ``drawn`` of each stratum; never 0, even where a float would be."""
    chances, first = np.ones(1), 0
    for size, error, draw in zip(sizes.tolist(), errors.tolist(), drawn.tolist(), strict=True):
        if draw:
            lowest = max(0, draw - (size - error))
            wrong = np.arange(lowest, min(draw, error) + 1)
            log = _log_choose(error, wrong) + _log_choose(size - error, draw - wrong) - _log_choose(size, draw)
            chances, first = np.convolve(chances, np.exp(log)), first + lowest
    return float(np.clip(chances[max(0, num_wrong - first) :].sum(), _SMALLEST, 1.0))


def _log_choose(total: int, chosen: np.ndarray | int) -> np.ndarray:
    return np.asarray(gammaln(total + 1) - gammaln(np.add(chosen, 1)) - gammaln(np.subtract(total + 1, chosen)))
