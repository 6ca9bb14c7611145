"""What modes are worth on other images: drops, agreement of two searches, compactness, fit of the words."""

from dataclasses import dataclass, replace
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.stats import norm, rankdata

from misfire.methods.modes.mode_finder import EncodedSentences, FoundModes
from misfire.methods.modes.scored_images import ScoredImages
from misfire.stats import benjamini_hochberg


@final
@dataclass(frozen=True)
class ModeEffects:
    """How modes do on images that they were not found on, an entry a mode.

    Attributes:
        num_members: Images in the mode.
        performance: Their mean performance; NaN where there is none.
        expected: Mean performance of as many images of the same classes.
        drop: What the mode has less than that; positive where the model does worse.
        low: Lower end of the 95 % interval of the drop.
        high: Upper end.
        p_values: One-sided, of a drop that is chance: as many images drawn from each class without replacement. NaN
            where the mode has no image or holds whole classes.
    """

    num_members: Int[np.ndarray, " mode"]
    performance: Float[np.ndarray, " mode"]
    expected: Float[np.ndarray, " mode"]
    drop: Float[np.ndarray, " mode"]
    low: Float[np.ndarray, " mode"]
    high: Float[np.ndarray, " mode"]
    p_values: Float[np.ndarray, " mode"]

    def is_confirmed(self, level: float = 0.05) -> Bool[np.ndarray, " mode"]:
        """Whether each drop is more than chance at a false discovery rate over the modes."""
        return np.asarray(benjamini_hochberg(self.p_values) <= level)


def mode_effects(
    members: Bool[np.ndarray, "image mode"],
    performance: Float[np.ndarray, " image"],
    strata: Int[np.ndarray, " image"],
) -> ModeEffects:
    """Drop of each mode against images of the same classes.

    The expectation and the variance are those of drawing as many images of each class, without replacement; p-values
    take the normal limit, as the test of Mantel and Haenszel does.

    Args:
        members: Whether each image belongs to each mode.
        performance: Performance on each image; higher is better.
        strata: Class of each image.

    Example:
        >>> members = np.array([[True], [True], [False], [False]])
        >>> mode_effects(members, np.array([0.0, 0.5, 1.0, 1.0]), np.zeros(4, dtype=int)).drop.tolist()
        [0.375]
    """
    values = performance.astype(np.float64)
    num_members = members.sum(axis=0)
    total, centre, variance = (np.zeros(members.shape[1]) for _ in range(3))
    for one in np.unique(strata):
        inside = strata == one
        taken, size = members[inside].sum(axis=0), int(inside.sum())
        total += values[inside] @ members[inside]
        centre += taken * values[inside].mean()
        if size > 1:
            variance += taken * (size - taken) / (size - 1) * values[inside].var()
    counts = np.where(num_members > 0, num_members, np.nan)
    deviation = np.sqrt(variance)
    reach = norm.isf(0.025) * deviation / counts
    drop = (centre - total) / counts
    is_testable = (num_members > 0) & (deviation > 1e-12)
    standard = (centre - total) / np.where(is_testable, deviation, np.nan)
    return ModeEffects(
        num_members, total / counts, centre / counts, drop, drop - reach, drop + reach, np.asarray(norm.sf(standard))
    )


def stability(first: Bool[np.ndarray, "image mode"], second: Bool[np.ndarray, "image other"]) -> float:
    """Mean Jaccard index of each mode with the mode of the other search that shares most images, in [0, 1].

    Averaged over the modes of both; NaN where one of them found none.

    Example:
        >>> one, two = np.array([[True], [True], [False]]), np.array([[True], [False], [False]])
        >>> stability(one, two)
        0.5
    """
    if not first.shape[1] or not second.shape[1]:
        return np.nan
    both = first.T.astype(np.float64) @ second.astype(np.float64)
    either = first.sum(axis=0)[:, None] + second.sum(axis=0)[None, :] - both
    overlap = np.divide(both, either, out=np.zeros_like(both), where=either > 0)
    return float(np.concatenate([overlap.max(axis=1), overlap.max(axis=0)]).mean())


def compactness(members: Bool[np.ndarray, "image mode"], images: ScoredImages) -> Float[np.ndarray, " mode"]:
    """By how much the mean cosine within each mode exceeds that of its images to all others; NaN below two images.

    Needs nothing but embeddings. 0 is a mode that looks like everything else.
    """
    points = images.unit_embeddings.astype(np.float64)
    found = np.full(members.shape[1], np.nan)
    for mode, inside in enumerate(members.T):
        size = int(inside.sum())
        if 1 < size < len(points):
            own = points[inside].sum(axis=0)
            within = (own @ own - size) / (size * (size - 1))
            others = points[~inside].sum(axis=0)
            found[mode] = within - own @ others / (size * (len(points) - size))
    return found


def description_areas(
    modes: FoundModes, members: Bool[np.ndarray, "image mode"], images: ScoredImages, sentences: EncodedSentences
) -> Float[np.ndarray, " mode"]:
    """Area under the ROC curve by which each mode's mean sentence tells its images from the others, in [0, 1].

    0.5 is a description that fits any image as well. NaN where a mode has no sentence, no image or all images.
    """
    found = np.full(len(modes), np.nan)
    for mode, chosen in enumerate(modes.sentences):
        inside = members[:, mode]
        if chosen and inside.any() and not inside.all():
            ranks = rankdata(sentences.cosines(images.embeddings)[:, list(chosen)].mean(axis=1))
            size = int(inside.sum())
            found[mode] = (ranks[inside].sum() - size * (size + 1) / 2) / (size * (len(images) - size))
    return found


def halves(
    strata: Int[np.ndarray, " image"], rng: np.random.Generator
) -> tuple[Int[np.ndarray, " one"], Int[np.ndarray, " other"]]:
    """Two halves of the images with every class in both, as far as it has two images; ascending positions."""
    order = rng.permutation(len(strata))
    order = order[np.argsort(strata[order], kind="stable")]
    return np.sort(order[::2]), np.sort(order[1::2])


def shuffled(images: ScoredImages, rng: np.random.Generator) -> ScoredImages:
    """The images with outcomes of others of their class: performance, predictions and confidence dealt anew."""
    dealt = np.arange(len(images))
    for one in np.unique(images.strata):
        inside = np.flatnonzero(images.strata == one)
        dealt[inside] = rng.permutation(inside)
    return replace(
        images,
        performance=images.performance[dealt],
        predictions=None if images.predictions is None else images.predictions[dealt],
        confidence=None if images.confidence is None else images.confidence[dealt],
    )
