"""Whether retained sentences point to failures, hold for their cluster and cover what there is to find."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, SupportsIndex

import numpy as np
from jaxtyping import Bool, Float, Int

from misfire.core.errors import UsageError, name_some


class ExplanationScores(NamedTuple):
    """Scores of one explanation, each in [0, 1], higher is better; NaN where there is nothing to measure.

    Attributes:
        ahr: Average hardness ratio: share of a cluster's sentences that describe a failure, averaged over clusters.
            NaN where no cluster has a sentence.
        acr: Average coverage ratio: share of a cluster's images for which one of its sentences holds, averaged over
            its sentences, then over clusters. NaN where no cluster has a sentence.
        tpr: Share of the failure-describing sentences that some cluster retained. NaN where there is none.
        ji: Jaccard index of the retained and the failure-describing sentences. NaN where both are empty.
    """

    ahr: float
    acr: float
    tpr: float
    ji: float


def explanation_scores(
    retained: Sequence[Iterable[SupportsIndex]],
    members: Sequence[Iterable[SupportsIndex]],
    relevance: Bool[np.ndarray, "image sentence"],
    performance: Float[np.ndarray, " image"] | Int[np.ndarray, " image"] | Bool[np.ndarray, " image"],
    *,
    severity: float | int = 0.2,
) -> ExplanationScores:
    """AHR, ACR, TPR and JI of the sentences retained for each hard cluster.

    A sentence describes a failure where `failure_sentences` says so. A cluster for which no sentence was retained has
    no hardness and no coverage ratio and is left out of the two averages, as a ratio of nothing is no zero.

    Args:
        retained: The set of sentences, columns of ``relevance``, of each cluster.
        members: The set of images, rows of ``relevance``, of each cluster.
        relevance: Whether each sentence holds for each image.
        performance: Performance of the model on each image; higher is better.
        severity: By how many standard deviations of the performance a sentence's mean must lie below the global mean
            (the paper's o).

    Raises:
        UsageError: If the numbers of clusters differ, a cluster has no image, an index names no image or sentence, a
            performance isn't finite, or ``severity`` isn't finite.

    Reference:
        Csurka et al., "What could go wrong? Discovering and describing failure modes in computer vision", 2024,
        equations 3 to 5.

    Example:
        >>> relevance = np.array([[True, False], [True, True], [False, True], [False, True]])
        >>> accuracy = np.array([0.0, 0.0, 1.0, 1.0])  # the first sentence's images fail, global mean 0.5
        >>> explanation_scores([{0}, {1}], [{0, 1}, {1, 2}], relevance, accuracy)
        ExplanationScores(ahr=0.5, acr=1.0, tpr=1.0, ji=0.5)
    """
    if len(retained) != len(members):
        raise UsageError(
            f"a cluster has a set of sentences and a set of images, got {len(retained)} sets of sentences and "
            f"{len(members)} of images; give one of each a cluster, in the same order."
        )
    num_images, num_sentences = relevance.shape
    sentences = [_indices(chosen, num_sentences, "sentence") for chosen in retained]
    images = [_indices(cluster, num_images, "image") for cluster in members]
    empty = [cluster for cluster, inside in enumerate(images) if not len(inside)]
    if empty:
        raise UsageError(
            f"a cluster must have an image, got none in clusters {name_some(empty)}; drop them and their sentences."
        )
    describes_failure = failure_sentences(relevance, performance, severity=severity)
    described = [(s, i) for s, i in zip(sentences, images, strict=True) if len(s)]
    hardness_ratios = [describes_failure[s].mean() for s, _ in described]
    coverage_ratios = [relevance[np.ix_(i, s)].mean() for s, i in described]
    union = np.zeros(num_sentences, dtype=bool)
    union[[sentence for chosen in sentences for sentence in chosen]] = True
    num_both = int((union & describes_failure).sum())
    return ExplanationScores(
        ahr=float(np.mean(hardness_ratios)) if described else np.nan,
        acr=float(np.mean(coverage_ratios)) if described else np.nan,
        tpr=_ratio(num_both, int(describes_failure.sum())),
        ji=_ratio(num_both, int((union | describes_failure).sum())),
    )


def sentence_hardness(
    relevance: Bool[np.ndarray, "image sentence"],
    performance: Float[np.ndarray, " image"] | Int[np.ndarray, " image"] | Bool[np.ndarray, " image"],
) -> Float[np.ndarray, " sentence"]:
    """Mean performance over the images for which each sentence holds; lower is harder, NaN where it holds for none.

    Raises:
        UsageError: If a performance isn't finite.

    Reference:
        Csurka et al., 2024, equation 8.

    Example:
        >>> sentence_hardness(np.array([[True, True], [False, True]]), np.array([0.0, 1.0])).tolist()
        [0.0, 0.5]
    """
    values = _checked_performance(performance)
    counts = relevance.sum(axis=0)
    with np.errstate(invalid="ignore"):
        return np.asarray((values @ relevance) / np.where(counts > 0, counts, np.nan))


def failure_sentences(
    relevance: Bool[np.ndarray, "image sentence"],
    performance: Float[np.ndarray, " image"] | Int[np.ndarray, " image"] | Bool[np.ndarray, " image"],
    *,
    severity: float | int = 0.2,
) -> Bool[np.ndarray, " sentence"]:
    """Whether each sentence's hardness lies below the global mean by more than ``severity`` standard deviations.

    The deviation is the population's. A sentence that holds for no image describes nothing, and no failure.

    Raises:
        UsageError: If a performance isn't finite, or ``severity`` isn't.

    Reference:
        Csurka et al., 2024, equation 9 with beta = o times the standard deviation.

    Example:
        >>> relevance = np.array([[True, False], [True, True], [False, True], [False, True]])
        >>> failure_sentences(relevance, np.array([0.0, 0.0, 1.0, 1.0])).tolist()
        [True, False]
    """
    if not np.isfinite(severity):
        raise UsageError(f"severity must be finite, got {severity}; the paper takes 0.2.")
    values = _checked_performance(performance)
    return np.asarray(sentence_hardness(relevance, values) < values.mean() - severity * values.std())


def _checked_performance(performance: np.ndarray) -> Float[np.ndarray, " image"]:
    values = performance.astype(np.float64)
    unknown = np.flatnonzero(~np.isfinite(values))
    if len(unknown) or not len(values):
        found = f"NaN or infinity for images {name_some(unknown)}" if len(values) else "no image"
        raise UsageError(f"performance must be finite for every image, got {found}; leave images without one out.")
    return values


def _indices(chosen: Iterable[SupportsIndex], size: int, what: str) -> Int[np.ndarray, " index"]:
    indices = np.unique(np.array([int(index.__index__()) for index in chosen], dtype=np.int64))
    outside = [int(index) for index in indices if not 0 <= index < size]
    if outside:
        raise UsageError(
            f"each {what} must be an index of relevance, 0 to {size - 1}, got others: {name_some(outside)}; "
            "count from 0 in its order."
        )
    return indices


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else np.nan
