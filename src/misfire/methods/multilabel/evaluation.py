"""What a method's scores are worth: average precision and F1 with bootstrap intervals over the images."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int

from misfire.core.seeding import generator
from misfire.metrics.mean_average_precision import RankedImages
from misfire.stats import StatisticsSettings, holm
from misfire.stats.resampling import percentile_bounds

_IMAGES_IN_A_BLOCK = 2**22


@final
@dataclass(frozen=True, eq=False)
class Bounded:
    """A number and its percentile interval."""

    value: float
    low: float
    high: float


@final
@dataclass(frozen=True, eq=False)
class ImageBootstrap:
    """Average precision in resamples of the images.

    Cells on the same images with the same settings draw the same resamples, so that the difference of two of them is
    that of their replicates, row by row: a paired comparison needs nothing else.

    Args:
        value: Average precision of each class on the images themselves.
        replicates: In each resample; NaN where a resample holds no positive image of a class.
    """

    value: Float[np.ndarray, " class"]
    replicates: Float[np.ndarray, "replicate class"]

    def mean(self, *, confidence: float) -> Bounded:
        """Mean average precision with its interval."""
        return bounded(float(self.value.mean()), mean_of(self.replicates), confidence=confidence)

    def per_class(self, *, confidence: float) -> list[Bounded]:
        """Average precision of each class with its interval."""
        pairs = zip(self.value.tolist(), self.replicates.T, strict=True)
        return [bounded(value, replicates, confidence=confidence) for value, replicates in pairs]


def bootstrap_average_precision(
    scores: Float[np.ndarray, "image class"],
    labels: Int[np.ndarray, "image class"],
    *,
    zeros: str,
    statistics: StatisticsSettings,
    interpolation: str = "none",
) -> ImageBootstrap:
    """Average precision of each class, and in resamples of the images; an image brings its labels of all classes.

    Args:
        scores: Score of each image for each class.
        labels: In -1, 0, 1.
        zeros: What 0 means, as :func:`misfire.metrics.mean_average_precision` takes it.
        statistics: How many resamples, and their seed.
        interpolation: As :func:`misfire.metrics.mean_average_precision` takes it.
    """
    ranked = RankedImages(scores, labels, zeros=zeros)
    draws = image_weights(len(scores), statistics)
    replicates = [ranked.average_precision(row, interpolation=interpolation) for block in draws for row in block]
    value = ranked.average_precision(interpolation=interpolation)
    return ImageBootstrap(value, np.array(replicates, dtype=np.float32).astype(np.float64))


def image_weights(num_images: int, statistics: StatisticsSettings) -> Iterator[Int[np.ndarray, "block image"]]:
    """How often each image stands in each resample, in blocks; the same for equal numbers of images and settings."""
    rng = generator(statistics.seed, "images of a multi-label test")
    rows = max(1, _IMAGES_IN_A_BLOCK // num_images)
    shares = np.full(num_images, 1 / num_images)
    for start in range(0, statistics.num_replicates, rows):
        yield rng.multinomial(num_images, shares, size=min(rows, statistics.num_replicates - start))


def bootstrap_f1(
    predicted: Bool[np.ndarray, "image class"],
    labels: Int[np.ndarray, "image class"],
    *,
    zeros: str,
    statistics: StatisticsSettings,
) -> tuple[Bounded, Bounded]:
    """CF1 and OF1 of predicted labels, with intervals from the same resamples.

    Args:
        predicted: Whether each class is predicted to be present.
        labels: In -1, 0, 1.
        zeros: What 0 means.
        statistics: How many resamples, and their seed.
    """
    is_positive = (labels == 1).astype(np.float64)
    claimed = (predicted & (labels != 0) if zeros == "ignore" else predicted).astype(np.float64)
    right = (predicted * is_positive).astype(np.float64)
    parts = [[weights @ counts for counts in (right, claimed, is_positive)] for weights in _weights(labels, statistics)]
    whole = _f1(*(counts.sum(axis=0)[None] for counts in (right, claimed, is_positive)))
    drawn = _f1(*(np.concatenate([part[index] for part in parts]) for index in range(3)))
    ends = [
        bounded(float(value[0]), replicates, confidence=statistics.confidence)
        for value, replicates in zip(whole, drawn, strict=True)
    ]
    return ends[0], ends[1]


def _weights(
    labels: Int[np.ndarray, "image class"], statistics: StatisticsSettings
) -> Iterator[Float[np.ndarray, "block image"]]:
    return (block.astype(np.float64) for block in image_weights(len(labels), statistics))


def _f1(
    right: Float[np.ndarray, "row class"],
    claimed: Float[np.ndarray, "row class"],
    present: Float[np.ndarray, "row class"],
) -> tuple[Float[np.ndarray, " row"], Float[np.ndarray, " row"]]:
    precision = right / np.maximum(claimed, 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = np.where(present > 0, right / present, np.nan)
    cp, cr = precision.mean(axis=1), mean_of(recall)
    op, overall = right.sum(axis=1) / np.maximum(claimed.sum(axis=1), 1), right.sum(axis=1) / present.sum(axis=1)
    return _harmonic(cp, cr), _harmonic(op, overall)


def _harmonic(one: Float[np.ndarray, " row"], other: Float[np.ndarray, " row"]) -> Float[np.ndarray, " row"]:
    both: Float[np.ndarray, " row"] = np.divide(
        2 * one * other, one + other, out=np.zeros_like(one), where=one + other > 0
    )
    return both


def mean_of(per_class: Float[np.ndarray, "row class"]) -> Float[np.ndarray, " row"]:
    """Mean over the classes of which a row has a positive image."""
    defined = np.isfinite(per_class)
    means: Float[np.ndarray, " row"] = np.where(defined, per_class, 0.0).sum(axis=1) / np.maximum(
        defined.sum(axis=1), 1
    )
    return means


def bounded(value: float, replicates: Float[np.ndarray, " replicate"], *, confidence: float) -> Bounded:
    """A number with the percentile interval of its replicates, those left out in which it is undefined."""
    defined = replicates[np.isfinite(replicates)]
    if not len(defined):
        return Bounded(value, np.nan, np.nan)
    low, high = percentile_bounds(defined, confidence=confidence)
    return Bounded(value, low, high)


@final
@dataclass(frozen=True, eq=False)
class Difference:
    """Average precision of one method less that of another, on the same images.

    Args:
        mean: Of the mean over classes, with its interval.
        per_class: Of each class, with its interval.
        p_values: Two-sided p-value of each class's difference; NaN where it is undefined.
        adjusted: The same by Holm for the number of classes.
    """

    mean: Bounded
    per_class: list[Bounded]
    p_values: Float[np.ndarray, " class"]
    adjusted: Float[np.ndarray, " class"]


def difference(after: ImageBootstrap, before: ImageBootstrap, *, confidence: float) -> Difference:
    """How much one method is better than another in each class and in the mean, resample by resample.

    A p-value is twice the smaller share of resamples on either side of 0, the observed sample counted as one of either:
    what inverting the percentile interval gives. Equal scores everywhere give 1.

    Args:
        after: The one.
        before: The other, of the same images and settings.
        confidence: Of the intervals.

    Reference:
        Davison and Hinkley, "Bootstrap methods and their application", 1997, section 5.4 (tests from intervals).
    """
    change = after.replicates - before.replicates
    value = after.value - before.value
    p_values = np.array([p_value(column) for column in change.T])
    return Difference(
        mean=bounded(
            float(value.mean()), mean_of(after.replicates) - mean_of(before.replicates), confidence=confidence
        ),
        per_class=[bounded(one, column, confidence=confidence) for one, column in zip(value, change.T, strict=True)],
        p_values=p_values,
        adjusted=holm(p_values),
    )


def p_value(change: Float[np.ndarray, " replicate"]) -> float:
    """Two-sided p-value of a difference from its replicates, as :func:`difference` explains it."""
    defined = change[np.isfinite(change)]
    if not len(defined):
        return float("nan")
    low, high = int((defined <= 0).sum()), int((defined >= 0).sum())
    return min(1.0, 2 * (1 + min(low, high)) / (1 + len(defined)))
