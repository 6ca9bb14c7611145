"""What every search for failure modes takes and gives, whatever it does in between."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int

from misfire.core.errors import UsageError, name_some
from misfire.methods.modes.scored_images import ScoredImages, unit


@final
@dataclass(frozen=True)
class EncodedSentences:
    """Candidate sentences in the space of the images' embeddings.

    Attributes:
        texts: The sentences.
        embeddings: Embedding of each, of any length but zero.

    Raises:
        UsageError: If there is no sentence, the lengths differ, or an embedding isn't finite or is zero.
    """

    texts: tuple[str, ...]
    embeddings: Float[np.ndarray, "sentence dim"]

    def __post_init__(self) -> None:
        if not self.texts or len(self.texts) != len(self.embeddings):
            raise UsageError(
                f"every sentence needs an embedding and there must be one at least, got {len(self.texts)} sentences "
                f"and {len(self.embeddings)} embeddings; encode the set again."
            )
        unfit = np.flatnonzero(~np.isfinite(self.embeddings).all(axis=1) | ~self.embeddings.any(axis=1))
        if len(unfit):
            raise UsageError(
                f"a sentence's embedding must be finite and not zero, got others for sentences {name_some(unfit)}; "
                "encode the set again."
            )

    def __len__(self) -> int:
        return len(self.texts)

    def check_space(self, vectors: Float[np.ndarray, "row dim"]) -> None:
        """Refuse vectors of another space.

        Raises:
            UsageError: If the vectors have another number of dimensions than the sentences.
        """
        if vectors.shape[1] != self.embeddings.shape[1]:
            raise UsageError(
                f"images and sentences must share a space, got {vectors.shape[1]} and {self.embeddings.shape[1]} "
                "dimensions; encode both with one backbone."
            )

    def cosines(self, vectors: Float[np.ndarray, "row dim"]) -> Float[np.ndarray, "row sentence"]:
        """Cosine of each vector to each sentence.

        Raises:
            UsageError: If the vectors aren't of the sentences' space.
        """
        self.check_space(vectors)
        return np.asarray(unit(vectors) @ unit(self.embeddings).T)


class FoundModes(ABC):
    """Failure modes that a search found: slices of images with sentences.

    They were found on some images and can tell of any others how much these belong, so that what was found on one
    half is measured on the other.

    Attributes:
        names: A name of each mode, for tables.
        sentences: Sentences of each mode, by position in the set that was searched, the best first; empty where no
            sentence was a candidate.
        remarks: What a reader must know of how the modes came about, in sentences: classes left out, choices made.
    """

    names: tuple[str, ...]
    sentences: tuple[tuple[int, ...], ...]
    remarks: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    @abstractmethod
    def weights(self, images: ScoredImages) -> Float[np.ndarray, "image mode"]:
        """How surely each image belongs to each mode, in [0, 1]; 0 for those that don't belong.

        Only the images' looks and labels are read, never how the model did on them: members that are chosen by failing
        would fail more whatever the mode.
        """

    def partition_weights(self, images: ScoredImages) -> Float[np.ndarray, "image part"]:
        """Like ``weights``, for every part that the search tells apart, those without failures included.

        These may read predictions, as the papers' partitions do; no performance is measured on them.
        """
        return self.weights(images)

    def members(self, images: ScoredImages) -> Bool[np.ndarray, "image mode"]:
        """Whether each image belongs to each mode."""
        return np.asarray(self.weights(images) > 0)

    def descriptions(self, sentences: EncodedSentences) -> tuple[tuple[str, ...], ...]:
        """The sentences of each mode, in words."""
        return tuple(tuple(sentences.texts[one] for one in chosen) for chosen in self.sentences)


class ModeFinder(ABC):
    """A method that finds failure modes.

    Its cell calls ``find`` on one half of the images, asks the found modes for their members in the other half, and
    measures there. The scorecard calls it again on shuffled outcomes, other seeds and half-samples, so that it must
    depend on its arguments alone.
    """

    @property
    @abstractmethod
    def label(self) -> str:
        """What tables call the method."""

    @property
    def settings(self) -> Mapping[str, str]:
        """What tells it from the same method with other settings, by short names; nothing where that is never asked."""
        return {}

    @abstractmethod
    def find(self, images: ScoredImages, sentences: EncodedSentences, *, rng: np.random.Generator) -> FoundModes:
        """Failure modes of the images, described by sentences.

        Raises:
            UsageError: If the images lack what the method reads, or there are too few of them.
        """


def best_sentences(scores: Float[np.ndarray, " sentence"], num_sentences: int) -> tuple[int, ...]:
    """Positions of the highest scores, the best first; of equals the earlier one.

    Example:
        >>> best_sentences(np.array([0.1, 0.3, 0.3]), 2)
        (1, 2)
    """
    return tuple(int(one) for one in np.argsort(-scores, kind="stable")[:num_sentences])


def classes_of(images: ScoredImages, for_what: str) -> Int[np.ndarray, " class"]:
    """The classes that some image is labelled with.

    Raises:
        UsageError: If the images have no labels.
    """
    images.need("labels", for_what=for_what)
    return np.unique(images.strata)
