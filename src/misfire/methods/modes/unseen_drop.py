"""Whether modes hold on images that the search didn't see, and what each further tag adds there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from misfire.core.errors import UsageError
from misfire.methods.modes.tag_mode import Mode, TaggedOutcomes

_ROUNDING = 1e-12  # of a difference of two quotients


@dataclass(frozen=True, eq=False)
class Generalisation:
    """Drops of modes where they were found and on unseen images; arrays are in the modes' order.

    Args:
        found_drop: Class accuracy minus mode accuracy on the images that were searched.
        unseen_drop: The same on the others; NaN where no unseen image carries the tags.
        unseen_support: How many unseen images of the class carry all tags.
        unseen_correct: On how many of these the model is right.
        unseen_class_accuracy: Accuracy of the mode's class there; NaN where it has no image.
    """

    found_drop: Float[np.ndarray, " mode"]
    unseen_drop: Float[np.ndarray, " mode"]
    unseen_support: Int[np.ndarray, " mode"]
    unseen_correct: Int[np.ndarray, " mode"]
    unseen_class_accuracy: Float[np.ndarray, " mode"]

    @property
    def is_measured(self) -> Bool[np.ndarray, " mode"]:
        """Whether an unseen image carries a mode's tags."""
        return np.asarray(self.unseen_support > 0)

    @property
    def correlation(self) -> float:
        """Pearson's correlation of found and unseen drops (Table 4); NaN for fewer than two modes or equal drops."""
        found, unseen = self.found_drop[self.is_measured], self.unseen_drop[self.is_measured]
        if len(found) < 2 or np.ptp(found) == 0 or np.ptp(unseen) == 0:
            return float("nan")
        return float(np.corrcoef(found, unseen)[0, 1])

    def share_with_drop(self, at_least: float) -> float:
        """Share of the modes whose drop on unseen images is at least so large, in [0, 1]; NaN where none is measured.

        Figure 9 asks for 25 points of a mode that was found with 30.
        """
        drops = self.unseen_drop[self.is_measured]
        return float((drops >= at_least - _ROUNDING).mean()) if len(drops) else float("nan")

    @property
    def shrinkage(self) -> float:
        """Mean found drop minus mean unseen drop, as a fraction: what choosing the worst sets added to their drops."""
        if not self.is_measured.any():
            return float("nan")
        return float((self.found_drop - self.unseen_drop)[self.is_measured].mean())

    @property
    def in_words(self) -> str:
        """The shrinkage in a sentence."""
        num, total = int(self.is_measured.sum()), len(self.found_drop)
        if not num:
            return f"None of the {total} modes has an unseen image, so nothing is known of how well they hold."
        found, unseen = self.found_drop[self.is_measured], self.unseen_drop[self.is_measured]
        if num == 1:
            told = (
                f"Where it was found, the mode drops by {100 * found[0]:.1f} points; on unseen images by "
                f"{100 * unseen[0]:.1f}."
            )
        else:
            told = (
                f"Where they were found, the {num} modes drop by {100 * found.min():.0f} to {100 * found.max():.0f} "
                f"points ({100 * found.mean():.1f} in the mean); on unseen images by {100 * unseen.min():.0f} to "
                f"{100 * unseen.max():.0f} ({100 * unseen.mean():.1f}). Choosing the worst of many sets made up "
                f"{100 * self.shrinkage:.1f} points."
            )
        return told + (f" {total - num} more have no unseen image." if total > num else "")


def generalisation(modes: Sequence[Mode], images: TaggedOutcomes) -> Generalisation:
    """The drops of modes on images that the search for them didn't see.

    Args:
        modes: What was found on other images.
        images: The unseen ones; classes and tags numbered as in the search.

    Raises:
        UsageError: If a mode names a tag beyond the columns.

    Reference:
        Rezaei et al., "PRIME: Prioritizing Interpretability in Failure Mode Extraction", ICLR 2024, section 4.1.
    """
    support, right, class_accuracy = np.zeros(len(modes), int), np.zeros(len(modes), int), np.full(len(modes), np.nan)
    for index, mode in enumerate(modes):
        members = images.members(mode)
        support[index], right[index] = len(members), np.count_nonzero(images.correct[members])
        if mode.label in images.rows_of:
            class_accuracy[index] = images.correct[images.rows_of[mode.label]].mean()
    accuracy = np.divide(right, support, out=np.full(len(modes), np.nan), where=support > 0)
    return Generalisation(
        np.array([mode.drop for mode in modes], dtype=np.float64),
        class_accuracy - accuracy,
        support,
        right,
        class_accuracy,
    )


def random_halves(
    labels: Int[np.ndarray, " image"], *, rng: np.random.Generator
) -> tuple[Int[np.ndarray, " half"], Int[np.ndarray, " other_half"]]:
    """Two halves of the images, each class split as evenly as it can be: positions to search, positions to hold out.

    An odd class gives its last image to either half at random.
    """
    searched = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        searched[rows[: len(rows) // 2 + int(len(rows) % 2 and rng.integers(2))]] = True
    return np.flatnonzero(searched), np.flatnonzero(~searched)


def drops_by_num_tags(
    modes: Sequence[Mode], images: TaggedOutcomes, *, size: int = 3
) -> Float[np.ndarray, " num_tags"]:
    """Mean drop of the modes of ``size`` tags on images that carry at least 1, 2, ... ``size`` of these (Table 2).

    The drop of the images with all tags comes last; the mean is taken over the modes that have such images, and is NaN
    where there is none.

    Raises:
        UsageError: If ``size`` < 1.

    Reference:
        Rezaei et al., "PRIME: Prioritizing Interpretability in Failure Mode Extraction", ICLR 2024, Table 2.
    """
    if size < 1:
        raise UsageError(f"size must be >= 1, got {size}; it is the number of a mode's tags.")
    drops: list[list[float]] = [[] for _ in range(size)]
    for mode in modes:
        rows = images.rows_of.get(mode.label)
        if len(mode.tags) == size and rows is not None:
            num_carried = images.tags[rows[:, None], list(mode.tags)].sum(axis=1)
            for num_tags in range(1, size + 1):
                members = rows[num_carried >= num_tags]
                if len(members):
                    drop = images.correct[rows].mean() - images.correct[members].mean()
                    drops[num_tags - 1].append(float(drop))
    return np.array([np.mean(of_num) if of_num else np.nan for of_num in drops])


def explained_errors(modes: Sequence[Mode], images: TaggedOutcomes) -> float:
    """Errors in any of the modes beyond what their classes make elsewhere, as a share of all errors; higher is better.

    The errors of the images that carry a mode's tags, less as many as the rest of their class would make of them. It is
    0 without a mode, at most 1, below 0 where modes are easier than the rest, and NaN where no image is wrong.

    Example:
        >>> correct, tags = np.array([False, False, True, True]), np.array([[True], [True], [False], [False]])
        >>> images = TaggedOutcomes(correct, np.zeros(4, dtype=int), tags)
        >>> explained_errors([Mode(0, (0,), 2, 0, 0.5)], images)
        1.0
    """
    num_wrong = int(np.count_nonzero(~images.correct))
    if not num_wrong:
        return float("nan")
    excess = 0.0
    for label in {mode.label for mode in modes} & set(images.rows_of):
        rows = images.rows_of[label]
        inside = np.isin(rows, np.concatenate([images.members(mode) for mode in modes if mode.label == label]))
        is_wrong = ~images.correct[rows]
        elsewhere = float(is_wrong[~inside].mean()) if not inside.all() else float(is_wrong.mean())
        excess += float(is_wrong[inside].sum() - inside.sum() * elsewhere)
    return excess / num_wrong


@dataclass(frozen=True)
class SubsetAccuracy:
    """Accuracy of one subset of a mode's tags: a node of its lattice (Table 1, Figure 3).

    Args:
        tags: Column numbers, ascending; none for the class as a whole.
        support: Images of the class that carry them.
        num_correct: On how many of these the model is right.
    """

    tags: tuple[int, ...]
    support: int
    num_correct: int

    @property
    def accuracy(self) -> float:
        """Accuracy, in [0, 1]; NaN without an image."""
        return self.num_correct / self.support if self.support else float("nan")


def subset_lattice(mode: Mode, images: TaggedOutcomes) -> list[SubsetAccuracy]:
    """Accuracy on every subset of a mode's tags, from the class as a whole to all tags; in order of size, then tags.

    Raises:
        UsageError: If the mode names a tag beyond the columns.
    """
    lattice = []
    for bits in range(2 ** len(mode.tags)):
        chosen = tuple(tag for place, tag in enumerate(mode.tags) if bits >> place & 1)
        members = images.members(replace(mode, tags=chosen))
        lattice.append(SubsetAccuracy(chosen, len(members), int(np.count_nonzero(images.correct[members]))))
    return sorted(lattice, key=lambda subset: (len(subset.tags), subset.tags))
