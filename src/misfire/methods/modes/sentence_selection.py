"""Which sentences say what a hard cluster has, alone or against the easy cluster that looks most like it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int
from typing_extensions import override

from misfire.core.errors import UsageError


@dataclass(frozen=True)
class SentenceSelector(ABC):
    """A rule that picks the sentences of a hard cluster; a variant is one hook, ``scores``.

    Args:
        num_sentences: How many sentences a cluster gets at most (the paper's K).

    Raises:
        UsageError: If ``num_sentences`` is below 1.

    Reference:
        Csurka et al., "What could go wrong? Discovering and describing failure modes in computer vision", 2024,
        section 4, step 4.
    """

    num_sentences: int = 3

    def __post_init__(self) -> None:
        if self.num_sentences < 1:
            raise UsageError(f"num_sentences must be >= 1, got {self.num_sentences}; the paper takes 3.")

    def __call__(
        self, to_hard: Float[np.ndarray, " sentence"], to_easy: Float[np.ndarray, " sentence"]
    ) -> Int[np.ndarray, " retained"]:
        """The retained sentences, the best first; of equals the earlier one.

        They are fewer than ``num_sentences`` where fewer are candidates.

        Args:
            to_hard: Cosine of each sentence to the hard cluster's prototype.
            to_easy: Cosine of each sentence to the nearest easy prototype.
        """
        scores = self.scores(to_hard, to_easy)
        best = np.argsort(-scores, kind="stable")[: self.num_sentences]
        return np.asarray(best[scores[best] > -np.inf])

    @abstractmethod
    def scores(
        self, to_hard: Float[np.ndarray, " sentence"], to_easy: Float[np.ndarray, " sentence"]
    ) -> Float[np.ndarray, " sentence"]:
        """By what sentences are ranked, higher first; minus infinity for one that isn't a candidate."""


@final
@dataclass(frozen=True)
class TopS(SentenceSelector):
    """The sentences most similar to the hard cluster, whatever the easy ones have.

    Example:
        >>> TopS(2)(np.array([0.1, 0.3, 0.2]), np.zeros(3)).tolist()
        [1, 2]
    """

    @override
    def scores(
        self, to_hard: Float[np.ndarray, " sentence"], to_easy: Float[np.ndarray, " sentence"]
    ) -> Float[np.ndarray, " sentence"]:
        return to_hard


@final
@dataclass(frozen=True)
class PDiff(SentenceSelector):
    """The sentences whose similarity to the hard cluster exceeds that to the nearest easy one most.

    Example:
        >>> PDiff(1)(np.array([0.3, 0.2]), np.array([0.3, 0.0])).tolist()
        [1]
    """

    @override
    def scores(
        self, to_hard: Float[np.ndarray, " sentence"], to_easy: Float[np.ndarray, " sentence"]
    ) -> Float[np.ndarray, " sentence"]:
        return np.asarray(to_hard - to_easy)


@dataclass(frozen=True)
class ThresholdedSelector(SentenceSelector):
    """A selector that asks whether a sentence describes a cluster at all.

    Args:
        threshold: A sentence describes a cluster where its cosine to the prototype is larger (the paper's tau, set for
            CLIP's modality gap).
    """

    threshold: float | int = 0.25

    def __post_init__(self) -> None:
        super().__post_init__()
        if not -1 <= self.threshold <= 1:
            raise UsageError(f"threshold must be a cosine in [-1, 1], got {self.threshold}; the paper takes 0.25.")


@final
@dataclass(frozen=True)
class SetDiff(ThresholdedSelector):
    """The sentences most similar to the hard cluster among those that don't describe the nearest easy one.

    Example:
        >>> SetDiff(2, threshold=0.25)(np.array([0.4, 0.3, 0.2]), np.array([0.3, 0.1, 0.25])).tolist()
        [1, 2]
    """

    @override
    def scores(
        self, to_hard: Float[np.ndarray, " sentence"], to_easy: Float[np.ndarray, " sentence"]
    ) -> Float[np.ndarray, " sentence"]:
        return np.where(to_easy > self.threshold, -np.inf, to_hard)


@final
@dataclass(frozen=True)
class FPDiff(ThresholdedSelector):
    """PDiff among the sentences that describe the hard cluster.

    Example:
        >>> FPDiff(2, threshold=0.25)(np.array([0.4, 0.3, 0.2]), np.array([0.3, 0.1, 0.0])).tolist()
        [1, 0]
    """

    @override
    def scores(
        self, to_hard: Float[np.ndarray, " sentence"], to_easy: Float[np.ndarray, " sentence"]
    ) -> Float[np.ndarray, " sentence"]:
        return np.where(to_hard > self.threshold, to_hard - to_easy, -np.inf)
