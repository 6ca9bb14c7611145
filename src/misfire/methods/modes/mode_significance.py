"""Which modes are more than the worst of many sets of tags would be by chance."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import gammaln

from misfire.core.counts import check_most
from misfire.core.errors import UsageError
from misfire.methods.modes.tag_mode import Criteria, Mode, TaggedOutcomes, failure_modes, images_by_class
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
            tags, where these alone aren't a mode. It is large for a set that is hard only since some of its tags are.
        family_wise: Chance that shuffled outcomes give *any* set of the search as extreme a drop.
        num_sets: Sets of tags searched, all that enough images carry.
        null_counts: How many modes were found in each of some shuffles of the outcomes.
    """

    p_values: Float[np.ndarray, " mode"]
    q_values: Float[np.ndarray, " mode"]
    necessity_p_values: Float[np.ndarray, " mode"]
    family_wise: Float[np.ndarray, " mode"]
    num_sets: int
    null_counts: Int[np.ndarray, " shuffle"]

    def survives(self, q: float = 0.05) -> Bool[np.ndarray, " mode"]:
        """Which modes stay after correction: the class is harder there than chance makes it, and each tag matters.

        Whether tags matter is asked of the modes that survive the first question alone, and corrected for these.
        """
        is_kept = self.q_values <= q
        is_kept[is_kept] = benjamini_hochberg(self.necessity_p_values[is_kept]) <= q
        return is_kept

    @property
    def expected_by_chance(self) -> float:
        """Mean number of modes in shuffled outcomes; NaN where none were shuffled."""
        return float(self.null_counts.mean()) if len(self.null_counts) else float("nan")


def significance(
    modes: Sequence[Mode],
    images: TaggedOutcomes,
    criteria: Criteria,
    *,
    num_permutations: int = 1000,
    num_shuffles: int = 100,
    rng: np.random.Generator,
) -> Significance:
    """p-values of the modes that a search found in some images, alone and for the whole search.

    For success modes, pass the images with the sign turned (``images.turned``), as their search does.

    Args:
        modes: What the search found.
        images: What it read.
        criteria: What it asked for.
        num_permutations: How often the outcomes are permuted for the family-wise p-values.
        num_shuffles: How often the whole search is repeated on shuffled outcomes.
        rng: Source of both.

    Raises:
        UsageError: If a mode has no image here, or a number of repeats is out of its range.
    """
    p_values = error_p_values(modes, images)
    num_sets = num_sets_searched(images, criteria)
    return Significance(
        p_values,
        benjamini_hochberg(p_values, num_tests=num_sets),
        necessity_p_values(modes, images),
        family_wise_p_values(modes, images, criteria, num_permutations=num_permutations, rng=rng),
        num_sets,
        null_num_modes(images, criteria, num_shuffles=num_shuffles, rng=rng),
    )


def error_p_values(modes: Sequence[Mode], images: TaggedOutcomes) -> Float[np.ndarray, " mode"]:
    """Exact one-sided p-value of each mode: the chance of its number of errors or more, were its tags irrelevant.

    If tags say nothing of errors, a mode's images are a draw without replacement from its class, and its errors are
    hypergeometric. With strata they are drawn from each fine class as many times as the mode has images of it, and the
    errors are a sum of independent hypergeometric numbers, whose distribution is convolved.

    Raises:
        UsageError: If no image of a mode's class carries its tags.

    Reference:
        Fisher, "The design of experiments", 1935; Birch, "The detection of partial association, I: the 2 x 2 case",
        Journal of the Royal Statistical Society B 26, 1964.

    Example:
        >>> correct, tags = np.array([False, False, True, True]), np.array([[True], [True], [False], [False]])
        >>> images = TaggedOutcomes(correct, np.zeros(4, dtype=int), tags)
        >>> error_p_values([Mode(0, (0,), 2, 0, 0.5)], images).round(4).tolist()  # 1 of 6 pairs
        [0.1667]
    """
    _check_has_images(modes, images)
    return np.array([_p_value(images, images.rows_of[mode.label], mode.tags) for mode in modes], dtype=np.float64)


def necessity_p_values(modes: Sequence[Mode], images: TaggedOutcomes) -> Float[np.ndarray, " mode"]:
    """Exact p-value of the claim that no tag of a mode is idle: the largest of those of its tags given the others.

    For each tag, the images that carry the mode's other tags are the population, and the mode's own are the draw. The
    claim holds only if it holds of every tag, so the largest p-value is the whole's (an intersection-union test, which
    needs no correction for the number of tags). Where the set without a tag is one of the modes, too, the tag isn't
    asked: which of the two stands is for ``explained_by`` to say. No value is below that of ``error_p_values``.

    Raises:
        UsageError: If no image of a mode's class carries its tags.

    Reference:
        Berger, "Multiparameter hypothesis testing and acceptance sampling", Technometrics 24, 1982.
    """
    p_values = error_p_values(modes, images)
    known = {(mode.label, mode.tags) for mode in modes}
    for index, mode in enumerate(modes):
        for tag in mode.tags if len(mode.tags) > 1 else ():
            others = replace(mode, tags=tuple(other for other in mode.tags if other != tag))
            if (others.label, others.tags) not in known:
                p_values[index] = max(p_values[index], _p_value(images, images.members(others), (tag,)))
    return p_values


def explained_by(
    modes: Sequence[Mode],
    images: TaggedOutcomes,
    p_values: Float[np.ndarray, " mode"],
    *,
    among: Bool[np.ndarray, " mode"],
    level: float,
) -> Int[np.ndarray, " mode"]:
    """For each mode, the one in which its errors lie; -1 where it stands by itself.

    Where foxes fail in dry grass, foxes in grass fail, too, if most of it is dry, and so do foxes in dry leaves that
    often lie on grass. So the modes of a class are taken one after the other: first the one with the smallest p-value,
    then always the one with the smallest p-value on the images that carry none of those before it, as long as that is
    at most ``level``. What is left is explained by the one that shares most of its errors.

    Args:
        modes: Modes of one search.
        images: What it read.
        p_values: Of the modes (``error_p_values``).
        among: Which modes count, for example those that survive correction; the others stay at -1.
        level: How small the p-value of the rest must be for a mode to stand by itself, in (0, 1).

    Raises:
        UsageError: If no image of a mode's class carries its tags.
    """
    _check_has_images(modes, images)
    found = np.full(len(modes), -1)
    for label, rows in images.rows_of.items():
        left = [index for index, mode in enumerate(modes) if mode.label == label and among[index]]
        members = {index: carriers(images.tags, modes[index].tags, rows) for index in left}
        standing: list[int] = []
        covered = np.zeros(len(rows), dtype=bool)
        while left:
            rest = {index: p_values[index] for index in left}
            for index in left:
                if (members[index] & covered).any():  # a mode that shares no image with those before it is as it was
                    inside = (members[index] & ~covered).any()
                    rest[index] = _p_value(images, rows[~covered], modes[index].tags) if inside else 1.0
            best = min(left, key=rest.__getitem__)
            if standing and rest[best] > level:
                break
            standing.append(best)
            left.remove(best)
            covered |= members[best]
        for index in left:
            is_wrong = members[index] & ~images.correct[rows]
            found[index] = max(standing, key=lambda one: np.count_nonzero(members[one] & is_wrong))
    return found


def num_sets_searched(images: TaggedOutcomes, criteria: Criteria) -> int:
    """How many sets of tags enough images of a class carry, over all classes.

    It depends on no outcome, and so it is how many tests were made, however many of them a search could leave out.
    """
    num_sets = 0
    for rows in images.rows_of.values():
        table = ClassTable(np.ones(len(rows), dtype=bool), images.tags[rows], min_support=criteria.min_support)
        num_sets += sum(len(block.support) for block in table.sets(criteria.max_size))
    return num_sets


def family_wise_p_values(
    modes: Sequence[Mode],
    images: TaggedOutcomes,
    criteria: Criteria,
    *,
    num_permutations: int = 1000,
    rng: np.random.Generator,
) -> Float[np.ndarray, " mode"]:
    """Westfall and Young's p-value of each mode: how often the worst set of shuffled outcomes is as extreme.

    Outcomes are permuted within the class (or the strata), the tags stay, and so does whatever ties them together. In
    each permutation the largest statistic of all sets with enough images and a large enough drop is kept; it doesn't
    ask whether these are minimal, which makes the p-values a little larger. One pass over the sets counts the errors of
    all permutations at once, and a set is left with all that contain it as soon as no permutation gives it the errors
    of a mode. The statistic is the number of errors, standardised by its exact mean and variance under permutation.

    The p-value is (b + 1) / (m + 1) with b of m permutations as extreme.

    Raises:
        UsageError: If ``num_permutations`` < 1.

    Reference:
        Westfall and Young, "Resampling-based multiple testing", 1993; Terada et al., "Fast Westfall-Young permutation
        procedure for combinatorial regulation discovery", IEEE BIBM 2013.
    """
    check_repeats(num_permutations=num_permutations)
    largest = np.full(num_permutations, -np.inf)
    observed = np.full(len(modes), np.nan)
    for label, rows in images.rows_of.items():
        of_class = [index for index, mode in enumerate(modes) if mode.label == label]
        is_wrong = ~images.correct[rows]
        stratum = np.unique(images.groups[rows], return_inverse=True)[1]
        drawn = _Drawn(~is_wrong, stratum, criteria, _shuffled(is_wrong, stratum, num_permutations, rng))
        for index in of_class:
            members = carriers(images.tags, modes[index].tags, rows)
            num_wrong = np.array([[np.count_nonzero(is_wrong & members)]])
            observed[index] = drawn.statistic(members[None], num_wrong)[0, 0]
        for statistics in drawn.walk(images.tags[rows]):
            np.maximum(largest, statistics, out=largest)
    as_extreme = (largest >= observed[:, None] - _ROUNDING).sum(axis=1)
    return np.asarray((1 + as_extreme) / (1 + num_permutations))


def null_num_modes(
    images: TaggedOutcomes, criteria: Criteria, *, num_shuffles: int = 100, rng: np.random.Generator
) -> Int[np.ndarray, " shuffle"]:
    """How many modes the same search finds where outcomes are shuffled within the class, or within the strata.

    Raises:
        UsageError: If ``num_shuffles`` is negative.
    """
    check_repeats(num_shuffles=num_shuffles)
    groups = np.unique(np.stack([images.labels, images.groups]), axis=1, return_inverse=True)[1].reshape(-1)
    counts = np.zeros(num_shuffles, dtype=np.int64)
    for index in range(num_shuffles):
        shuffled = _shuffled(images.correct, groups, 1, rng)[:, 0]
        counts[index] = len(failure_modes(replace(images, correct=shuffled), criteria))
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


def _check_has_images(modes: Sequence[Mode], images: TaggedOutcomes) -> None:
    for mode in modes:
        if not len(images.members(mode)):
            raise UsageError(
                f"a mode must have images, got none of class {mode.label} with tags {mode.tags}; pass the images in "
                "which it was found."
            )


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


def _p_value(images: TaggedOutcomes, rows: Int[np.ndarray, " image"], tags: Sequence[int]) -> float:
    """Chance that as many of as many images drawn from each stratum of ``rows`` are wrong as are among the carriers."""
    is_wrong, is_member = ~images.correct[rows], carriers(images.tags, tags, rows)
    if images.strata is None:  # the rows are of one class
        stratum, num_strata = np.zeros(len(rows), dtype=np.int64), 1
    else:
        stratum = np.unique(images.strata[rows], return_inverse=True)[1]
        num_strata = int(stratum.max()) + 1
    counts = [np.bincount(stratum[chosen], minlength=num_strata) for chosen in (slice(None), is_wrong, is_member)]
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


def check_repeats(*, num_permutations: int = 1, num_shuffles: int = 0) -> None:
    """Refuse numbers of repeats that say nothing, or never end.

    Raises:
        UsageError: If one is out of its range.
    """
    if num_permutations < 1:
        raise UsageError(f"num_permutations must be >= 1, got {num_permutations}; 1000 gives p-values from 0.001.")
    if num_shuffles < 0:
        raise UsageError(f"num_shuffles must be >= 0, got {num_shuffles}; 0 leaves the null out.")
    check_most(1_000_000, num_permutations=num_permutations, num_shuffles=num_shuffles)
