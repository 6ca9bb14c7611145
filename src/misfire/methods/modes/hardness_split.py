"""Which images are hard for a model and which are easy, by what it says or by how it did."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float
from typing_extensions import override

from misfire.core.errors import UsageError
from misfire.methods.modes.scored_images import ScoredImages


@final
@dataclass(frozen=True)
class HardEasy:
    """Images by hardness; those in neither set are neutral.

    Attributes:
        is_hard: Whether the model has a hard time with an image.
        is_easy: Whether it has an easy time.
    """

    is_hard: Bool[np.ndarray, " image"]
    is_easy: Bool[np.ndarray, " image"]


class HardnessSplit(ABC):
    """A rule that calls images hard or easy.

    A search for modes calls it once for all images, or once a class. A variant is one hook.

    Reference:
        Csurka et al., "What could go wrong? Discovering and describing failure modes in computer vision", 2024,
        section 4, step 1, and appendix D.
    """

    @abstractmethod
    def __call__(self, images: ScoredImages, *, of_class: int | None = None) -> HardEasy:
        """Which images are hard and which are easy; with ``of_class``, among those that concern this class.

        Raises:
            UsageError: If the rule reads what isn't known of the images.
        """

    def concerns(self, images: ScoredImages, of_class: int) -> Bool[np.ndarray, " image"]:
        """Images that an analysis of one class looks at: those labelled with it."""
        images.need("labels", for_what="an analysis of one class")
        return np.asarray(images.labels == of_class)


@dataclass(frozen=True)
class ThresholdSplit(HardnessSplit):
    """Hard above the mean hardness by a margin, easy below it by the same margin, neutral between.

    A variant says what hardness is. Mean and deviation (the population's) are those of the images looked at.

    Args:
        margin: Half the width of the neutral zone in standard deviations (the paper's a).

    Raises:
        UsageError: If the margin is negative or not finite.
    """

    margin: float | int = 0.2

    def __post_init__(self) -> None:
        if not 0 <= self.margin < np.inf:
            raise UsageError(f"margin must be finite and >= 0, got {self.margin}; the paper takes 0.2.")

    @abstractmethod
    def hardness(self, images: ScoredImages) -> Float[np.ndarray, " image"]:
        """How hard each image is for the model; higher is harder."""

    @override
    def __call__(self, images: ScoredImages, *, of_class: int | None = None) -> HardEasy:
        inside = np.ones(len(images), dtype=bool) if of_class is None else self.concerns(images, of_class)
        if not inside.any():
            return HardEasy(inside, inside)
        hardness = self.hardness(images)
        centre, reach = hardness[inside].mean(), self.margin * hardness[inside].std()
        return HardEasy(inside & (hardness > centre + reach), inside & (hardness < centre - reach))


@final
@dataclass(frozen=True)
class EntropySplit(ThresholdSplit):
    """Hardness is the entropy of the predicted distribution, in nats: no label is read."""

    @override
    def hardness(self, images: ScoredImages) -> Float[np.ndarray, " image"]:
        images.need("predictions", for_what="a split by entropy")
        assert images.predictions is not None
        chances = images.predictions.astype(np.float64)
        logarithms = np.log(chances, out=np.zeros_like(chances), where=chances > 0)
        return np.asarray(-(chances * logarithms).sum(axis=1))


@final
@dataclass(frozen=True)
class ClassProbabilitySplit(ThresholdSplit):
    """Hardness is the negated probability of the true class."""

    @override
    def hardness(self, images: ScoredImages) -> Float[np.ndarray, " image"]:
        images.need("predictions", "labels", for_what="a split by class probability")
        assert images.predictions is not None
        assert images.labels is not None
        return np.asarray(-images.predictions[np.arange(len(images)), images.labels])


@final
@dataclass(frozen=True)
class PerformanceSplit(ThresholdSplit):
    """Hardness is the negated true performance: accuracy, IoU or whatever the task scores an image by."""

    @override
    def hardness(self, images: ScoredImages) -> Float[np.ndarray, " image"]:
        return -images.performance


@final
@dataclass(frozen=True)
class ConfidenceSplit(ThresholdSplit):
    """Hardness is the negated confidence that came with the images."""

    @override
    def hardness(self, images: ScoredImages) -> Float[np.ndarray, " image"]:
        images.need("confidence", for_what="a split by confidence")
        assert images.confidence is not None
        return -images.confidence


@final
@dataclass(frozen=True)
class RankingSplit(HardnessSplit):
    """Hard are the images whose label isn't ranked first, easy those whose label is.

    Of one class, its false positives are hard as well: images of other classes for which the model ranks it first.
    """

    @override
    def __call__(self, images: ScoredImages, *, of_class: int | None = None) -> HardEasy:
        images.need("predictions", "labels", for_what="a split by ranking")
        is_right = images.predicted == images.labels
        inside = np.ones(len(images), dtype=bool) if of_class is None else self.concerns(images, of_class)
        return HardEasy(inside & ~is_right, inside & is_right)

    @override
    def concerns(self, images: ScoredImages, of_class: int) -> Bool[np.ndarray, " image"]:
        return np.asarray((images.labels == of_class) | (images.predicted == of_class))
