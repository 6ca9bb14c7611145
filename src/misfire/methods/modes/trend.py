"""Does the error grow with an image's similarity to a sentence? Without threshold, clusters or a relevance oracle."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int64
from typing_extensions import override

from misfire.core.errors import UsageError
from misfire.methods.modes.mode_finder import EncodedSentences, FoundModes, ModeFinder, classes_of
from misfire.methods.modes.rank_law import RankLaw, RankSum, SuitedLaw
from misfire.methods.modes.scored_images import ScoredImages, unit
from misfire.stats import benjamini_yekutieli

_VALUES_IN_A_BLOCK = 2**22  # similarities that are ranked at a time, so that they stay near the processor


@final
@dataclass(frozen=True)
class SentenceTrends:
    """How the error goes with the similarity to each sentence, within classes.

    Attributes:
        concordance: Where the rank sum lies between the least, 0, and the largest possible, 1; 0.5 is no trend. Of
            right and wrong images it is the area under the ROC curve of the similarity.
        p_values: Of no trend against a growing error; NaN where no class has different errors.
        adjusted: Benjamini and Yekutieli's adjusted p-values over the sentences.
        law: How p-values were got, in words.
    """

    concordance: Float[np.ndarray, " sentence"]
    p_values: Float[np.ndarray, " sentence"]
    adjusted: Float[np.ndarray, " sentence"]
    law: str

    def is_found(self, false_discovery_rate: float) -> Bool[np.ndarray, " sentence"]:
        """Whether each sentence is found at a false discovery rate."""
        return np.asarray(self.adjusted <= false_discovery_rate)


def sentence_trends(
    images: ScoredImages,
    sentences: EncodedSentences,
    *,
    law: RankLaw | None = None,
    rng: np.random.Generator,
) -> SentenceTrends:
    """Test each sentence for an error that grows with the similarity, by a rank sum within classes.

    Within a class images are ranked by their cosine to the sentence; equal cosines are ranked at random. The sum of
    rank times error is compared with what all orders of the class's images give. Classes are the images' labels; where
    there are none, all images are one class.

    Args:
        images: Images with their performance; the error is its negative, scaled to [0, 1].
        sentences: What to test.
        law: How p-values are got; the strictest that is quick where it isn't given.
        rng: Order of ties, and of deals for laws that draw.

    Raises:
        UsageError: If images and sentences aren't of one space, or the law doesn't hold for such errors.
    """
    performance = images.performance.astype(np.float64)
    reach = float(np.ptp(performance))
    errors = (performance.max() - performance) / (reach if reach > 0 else 1.0)  # right and wrong become 0 and 1
    # Classes lie one after another and images of a class in random order, so that a stable place breaks ties at random.
    shuffled = rng.permutation(len(images))
    order = shuffled[np.argsort(images.strata[shuffled], kind="stable")]
    strata, errors = images.strata[order], errors[order]
    directions, points = _one_space(sentences, images)
    points = np.ascontiguousarray(points[order])
    bounds = np.flatnonzero(np.diff(strata, prepend=strata[0] - 1, append=strata[-1] + 1)).tolist()
    classes = [(low, high, np.arange(1.0, high - low + 1)) for low, high in pairwise(bounds)]
    telling = [one for one in classes if np.ptp(errors[one[0] : one[1]]) > 0]
    # A class of equal errors adds the same whatever the order.
    values = np.full(len(sentences), sum(errors[low] * ranks.sum() for low, _, ranks in classes))
    values -= sum(errors[low] * ranks.sum() for low, _, ranks in telling)
    rows = max(1, _VALUES_IN_A_BLOCK // len(images))
    for start in range(0, len(sentences), rows):
        keys = _sortable(directions[start : start + rows] @ points.T)
        for low, high, ranks in telling:
            places = np.sort(keys[:, low:high], axis=1) & 0xFFFFFFFF
            values[start : start + rows] += errors.take(places) @ ranks
    sums = RankSum(values, errors, strata)
    p_values, words = (law or SuitedLaw()).p_values(sums, rng=rng)
    return SentenceTrends(sums.concordance, p_values, benjamini_yekutieli(p_values), words)


@final
@dataclass(frozen=True)
class TrendModes(FoundModes):
    """A mode a sentence: the images that are most similar to it, their class's mean similarity taken off.

    Attributes:
        trends: The tests of every sentence, found or not: one of all images or one a class.
        of_class: The class of each mode; None where it is of all images.
        encoded: The sentences.
        class_means: For each mode, the mean cosine of each class to its sentence, and of all images under None.
        residuals: For each mode, ascending, the cosines less the class mean of the images where it was found.
        share: Which part of the images a mode holds.
    """

    names: tuple[str, ...]
    sentences: tuple[tuple[int, ...], ...]
    remarks: tuple[str, ...]
    trends: tuple[SentenceTrends, ...]
    of_class: tuple[int | None, ...]
    encoded: EncodedSentences = field(repr=False)
    class_means: tuple[Mapping[int | None, float], ...] = field(repr=False)
    residuals: tuple[np.ndarray, ...] = field(repr=False)
    share: float = 0.1

    @override
    def weights(self, images: ScoredImages) -> Float[np.ndarray, "image mode"]:
        """Share of the images it was found on that are less similar, for the most similar ones; 0 for the others."""
        weights = np.zeros((len(images), len(self)))
        cosines = _cosines(self.encoded, images, [chosen[0] for chosen in self.sentences])
        classes, rows = np.unique(images.strata, return_inverse=True)
        for mode, (of_class, means, known) in enumerate(
            zip(self.of_class, self.class_means, self.residuals, strict=True)
        ):
            centres = np.array([means.get(int(one), means[None]) for one in classes])
            below = np.searchsorted(known, cosines[:, mode] - centres[rows], side="right") / len(known)
            inside = (below > 1 - self.share) & (True if of_class is None else images.strata == of_class)
            weights[:, mode] = np.where(inside, below, 0.0)
        return weights


@final
@dataclass(frozen=True)
class Trend(ModeFinder):
    """Find the sentences with whose similarity errors grow, each corrected for all.

    Args:
        false_discovery_rate: Which share of the found sentences may be false on average.
        most_modes: How many sentences are kept at most, those with the smallest p-values.
        share: Which part of the images, the most similar ones within their class, a mode holds.
        is_per_class: Whether each class is tested by itself, as a context that misleads in one class may help in
            another; the correction is then over classes and sentences. Otherwise the classes' ranks are summed.
        law: How p-values are got.

    Raises:
        UsageError: If a setting is out of its range.
    """

    false_discovery_rate: float = 0.05
    most_modes: int = 15
    share: float = 0.1
    is_per_class: bool = False
    law: RankLaw = field(default_factory=SuitedLaw)

    def __post_init__(self) -> None:
        for name in ("false_discovery_rate", "share"):
            if not 0 < getattr(self, name) < 1:
                raise UsageError(f"{name} must be in (0, 1), got {getattr(self, name)}; it is a fraction.")
        if self.most_modes < 1:
            raise UsageError(f"most_modes must be >= 1, got {self.most_modes}; 15 are as many as the paper's clusters.")

    @property
    @override
    def label(self) -> str:
        return f"trend{' per class' if self.is_per_class else ''}"

    @override
    def find(self, images: ScoredImages, sentences: EncodedSentences, *, rng: np.random.Generator) -> TrendModes:
        """Sentences whose trend isn't chance.

        Raises:
            UsageError: If every image has the same performance, or images and sentences aren't of one space.
        """
        if images.performance.min() == images.performance.max():
            raise UsageError(
                f"a trend needs images that differ in performance, got {images.performance[0]:g} for all "
                f"{len(images)}; bring images on which the model fails and others."
            )
        classes: list[int | None] = [None]
        if self.is_per_class:
            classes = [int(one) for one in classes_of(images, "a trend of each class")]
        parts = [images if one is None else images.take(images.strata == one) for one in classes]
        trends = [sentence_trends(part, sentences, law=self.law, rng=rng) for part in parts]
        p_values = np.concatenate([one.p_values for one in trends])
        found = np.flatnonzero(benjamini_yekutieli(p_values) <= self.false_discovery_rate)
        concordance = np.concatenate([one.concordance for one in trends])
        found = found[np.lexsort((found, -concordance[found], p_values[found]))]
        kept = [divmod(int(place), len(sentences)) for place in found[: self.most_modes]]
        tested = f"{len(sentences)} sentences"
        if self.is_per_class:
            tested = f"{int((~np.isnan(p_values)).sum())} pairs of a class and a sentence"
        remarks = [
            f"{len(found)} of {tested} have a trend at a false discovery rate of {self.false_discovery_rate:g} "
            f"(Benjamini and Yekutieli); p-values {trends[0].law}."
        ]
        if len(found) > len(kept):
            remarks.append(f"The {len(kept)} with the smallest p-values are kept.")
        held = [_held(parts[group], sentences, sentence) for group, sentence in kept]
        return TrendModes(
            tuple(
                ("" if classes[group] is None else f"class {classes[group]}, ") + sentences.texts[sentence]
                for group, sentence in kept
            ),
            tuple((sentence,) for _, sentence in kept),
            tuple(remarks),
            tuple(trends),
            tuple(classes[group] for group, _ in kept),
            sentences,
            tuple(means for means, _ in held),
            tuple(residuals for _, residuals in held),
            self.share,
        )


def _held(
    images: ScoredImages, sentences: EncodedSentences, sentence: int
) -> tuple[Mapping[int | None, float], Float[np.ndarray, " image"]]:
    """Mean cosine of each class to a sentence, and the cosines less these, ascending."""
    cosines = _cosines(sentences, images, [sentence])[:, 0]
    classes, rows = np.unique(images.strata, return_inverse=True)
    means = np.bincount(rows, weights=cosines) / np.bincount(rows)
    named: dict[int | None, float] = {int(one): float(mean) for one, mean in zip(classes, means, strict=True)}
    return {**named, None: float(cosines.mean())}, np.sort(cosines - means[rows])


def _one_space(sentences: EncodedSentences, images: ScoredImages) -> tuple[np.ndarray, np.ndarray]:
    """Unit sentences and unit images in single precision, after their dimensions were compared."""
    sentences.check_space(images.embeddings)
    return unit(sentences.embeddings).astype(np.float32), images.unit_embeddings.astype(np.float32)


def _cosines(sentences: EncodedSentences, images: ScoredImages, chosen: list[int]) -> Float[np.ndarray, "image chosen"]:
    directions, points = _one_space(sentences, images)
    return np.asarray(points @ directions[chosen].T, dtype=np.float64)


def _sortable(cosines: Float[np.ndarray, "row image"]) -> Int64[np.ndarray, "row image"]:
    """Whole numbers in the order of the cosines; of equals in the order of their columns, which the low halves say.

    Whole numbers are sorted several times as fast as their places, and the low half is the place. Cosines are told
    apart down to 1e-9, which is finer than single precision means.
    """
    keys = (cosines * np.float32(2**30)).astype(np.int64)
    keys <<= 32
    keys |= np.arange(cosines.shape[1])
    return np.asarray(keys)
