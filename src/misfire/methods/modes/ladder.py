"""Sentences in the order of what wrong images have more of than right ones."""

from dataclasses import dataclass, field
from typing import final

import numpy as np
from jaxtyping import Float
from typing_extensions import override

from misfire.core.errors import UsageError
from misfire.methods.modes.hardness_split import HardnessSplit, PerformanceSplit
from misfire.methods.modes.mode_finder import EncodedSentences, FoundModes, ModeFinder, best_sentences, classes_of
from misfire.methods.modes.scored_images import ScoredImages, unit


@final
@dataclass(frozen=True)
class LadderModes(FoundModes):
    """What errors have and what errors lack; a mode for all images, or one a class.

    The mode holds the images that lie farthest towards the errors' mean.

    Attributes:
        lacking: For each mode, the sentences that errors have least of, the strongest first.
        rungs: For each mode, the dot product of each sentence with the difference of means, wrong less right. Positive
            is what errors have, negative what they lack.
        directions: The differences of means.
        sorted_projections: Projections of the images it was found on, ascending, a row a mode.
        of_class: The class of each mode; None where it is of all images.
    """

    names: tuple[str, ...]
    sentences: tuple[tuple[int, ...], ...]
    lacking: tuple[tuple[int, ...], ...]
    remarks: tuple[str, ...]
    rungs: Float[np.ndarray, "mode sentence"]
    directions: Float[np.ndarray, "mode dim"] = field(repr=False)
    sorted_projections: tuple[np.ndarray, ...] = field(repr=False)
    of_class: tuple[int | None, ...]
    share: float = 0.1

    @override
    def weights(self, images: ScoredImages) -> Float[np.ndarray, "image mode"]:
        """Share of the images it was found on that lie less far towards the errors; 0 below the mode's part."""
        projections = images.unit_embeddings.astype(np.float64) @ self.directions.T
        weights = np.zeros(projections.shape)
        for mode, (known, one) in enumerate(zip(self.sorted_projections, self.of_class, strict=True)):
            below = np.searchsorted(known, projections[:, mode], side="right") / len(known)
            inside = below > 1 - self.share
            weights[:, mode] = np.where(inside if one is None else inside & (images.strata == one), below, 0.0)
        return weights


@final
@dataclass(frozen=True)
class Ladder(ModeFinder):
    """Rank sentences by their dot product with the difference of means of wrong and right images.

    Args:
        num_sentences: How many are named at either end.
        split: What is wrong (hard) and what right (easy).
        is_per_class: Whether each class has its own ladder; classes without wrong or right images are left out.
        share: Which part of the images a mode holds.

    Raises:
        UsageError: If a setting is out of its range.
    """

    num_sentences: int = 3
    split: HardnessSplit = field(default_factory=PerformanceSplit)
    is_per_class: bool = False
    share: float = 0.1

    def __post_init__(self) -> None:
        if self.num_sentences < 1:
            raise UsageError(f"num_sentences must be >= 1, got {self.num_sentences}; other methods name 3.")
        if not 0 < self.share < 1:
            raise UsageError(f"share must be in (0, 1), got {self.share}; it is a fraction.")

    @property
    @override
    def label(self) -> str:
        return f"ladder{' per class' if self.is_per_class else ''}"

    @override
    def find(self, images: ScoredImages, sentences: EncodedSentences, *, rng: np.random.Generator) -> LadderModes:
        """The ladder of all images or of each class.

        Raises:
            UsageError: If no image is wrong or none is right (in every class), or the spaces differ.
        """
        sentences.check_space(images.embeddings)
        classes: list[int | None] = [None]
        if self.is_per_class:
            classes = [int(one) for one in classes_of(images, "a ladder of each class")]
        points = images.unit_embeddings.astype(np.float64)
        directions, projections, kept = [], [], []
        for one in classes:
            parts = self.split(images, of_class=one)
            if parts.is_hard.any() and parts.is_easy.any():
                directions.append(points[parts.is_hard].mean(axis=0) - points[parts.is_easy].mean(axis=0))
                inside = points if one is None else points[images.strata == one]
                projections.append(np.sort(inside @ directions[-1]))
                kept.append(one)
        if not kept:
            raise UsageError(
                "a ladder needs wrong and right images, got only one kind"
                f"{' in every class' if self.is_per_class else ''}; split by another measure or bring images of both."
            )
        rungs = np.stack(directions) @ unit(sentences.embeddings).astype(np.float64).T
        left_out = [one for one in classes if one not in kept]
        remarks = ["Sentences with a positive dot product are what errors have, those with a negative what they lack."]
        if left_out:
            remarks.append(f"Classes without wrong or right images are left out: {', '.join(map(str, left_out))}.")
        return LadderModes(
            names=tuple("what errors have" if one is None else f"class {one}, what errors have" for one in kept),
            sentences=tuple(_of_sign(row, self.num_sentences) for row in rungs),
            lacking=tuple(_of_sign(-row, self.num_sentences) for row in rungs),
            remarks=tuple(remarks),
            rungs=rungs,
            directions=np.stack(directions),
            sorted_projections=tuple(projections),
            of_class=tuple(kept),
            share=self.share,
        )


def _of_sign(rungs: Float[np.ndarray, " sentence"], num_sentences: int) -> tuple[int, ...]:
    """The sentences with the largest positive rungs."""
    return tuple(one for one in best_sentences(rungs, num_sentences) if rungs[one] > 0)
