"""Whether sentences hold for images: from a table of truth, answers of question-answering models, or a proxy."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, final

import numpy as np
from jaxtyping import Bool

from misfire.core.errors import UsageError, name_some
from misfire.data.column_file import ColumnFile
from misfire.methods.modes.mode_finder import EncodedSentences
from misfire.methods.modes.scored_images import ScoredImages

_YES, _NO = ("yes", "true", "1"), ("no", "false", "0")


@final
@dataclass(frozen=True, eq=False)
class Relevance:
    """Whether each sentence holds for each image, and who says so.

    Args:
        holds: A row an image, a column a sentence.
        source: Who says so, in words.
        is_proxy: Whether that is anything but the truth, so that every score made of it is one against a proxy.
    """

    holds: Bool[np.ndarray, "image sentence"]
    source: str
    is_proxy: bool

    def both(self, other: "Relevance") -> "Relevance":
        """Where both say that a sentence holds."""
        return Relevance(self.holds & other.holds, f"{self.source} and {other.source}", self.is_proxy or other.is_proxy)

    def either(self, other: "Relevance") -> "Relevance":
        """Where one of them says that a sentence holds."""
        return Relevance(self.holds | other.holds, f"{self.source} or {other.source}", self.is_proxy or other.is_proxy)


class Agreement(NamedTuple):
    """How a proxy agrees with the truth, as shares in [0, 1]; NaN where there is nothing to agree on.

    Attributes:
        accuracy: Share of all pairs of an image and a sentence that are judged alike.
        true_positive: Share of the pairs that hold which the proxy finds.
        true_negative: Share of the pairs that don't hold which it leaves.
        false_positive: Share of the pairs that don't hold which it takes: 1 less the above.
        false_negative: Share of the pairs that hold which it misses: 1 less the share found.
    """

    accuracy: float
    true_positive: float
    true_negative: float
    false_positive: float
    false_negative: float


def relevance_agreement(
    proxy: Bool[np.ndarray, "image sentence"], truth: Bool[np.ndarray, "image sentence"]
) -> Agreement:
    """Agreement of a proxy relevance with the true one, over all pairs of an image and a sentence.

    Reference:
        Csurka et al., "What could go wrong? Discovering and describing failure modes in computer vision", 2024,
        table 4.

    Example:
        >>> relevance_agreement(np.array([[True, False]]), np.array([[True, True]]))[:2]
        (0.5, 0.5)
    """
    positive = float(proxy[truth].mean()) if truth.any() else np.nan
    negative = float((~proxy)[~truth].mean()) if not truth.all() else np.nan
    accuracy = float((proxy == truth).mean()) if truth.size else np.nan
    return Agreement(accuracy, positive, negative, 1 - negative, 1 - positive)


def similarity_relevance(images: ScoredImages, sentences: EncodedSentences, *, threshold: float = 0.25) -> Relevance:
    """A sentence holds for an image where their cosine is above a threshold: a proxy, and of the method's own space.

    Raises:
        UsageError: If images and sentences aren't of one space.
    """
    holds = sentences.cosines(images.embeddings) > threshold
    return Relevance(holds, f"a cosine above {threshold:g}", is_proxy=True)


def read_answers(path: Path, image_names: Sequence[str], sentences: Sequence[str]) -> Relevance:
    """Answers of a visual question-answering model from CSV, TSV, JSON lines or Parquet, a row a pair.

    Columns are ``image``, ``sentence`` and ``answer``: yes, true or 1, and no, false or 0, however they are
    written. Rows of other images or sentences are passed over.

    Args:
        path: The file.
        image_names: Images in the order that is wanted.
        sentences: Sentences in the order that is wanted.

    Raises:
        UsageError: If an answer is neither, a pair is answered in two ways, or a pair that is wanted isn't answered.
    """
    file = ColumnFile(path)
    row = {name: place for place, name in enumerate(image_names)}
    column = {text: place for place, text in enumerate(sentences)}
    found = np.full((len(row), len(column)), -1, dtype=np.int8)
    strange, twice = [], []
    for image, sentence, answer in zip(file.texts("image"), file.texts("sentence"), file.texts("answer"), strict=True):
        said = answer.strip().strip(".'\"").lower()
        if said not in (*_YES, *_NO):
            strange.append(repr(answer))
        elif image in row and sentence in column:
            place, value = (row[image], column[sentence]), int(said in _YES)
            if found[place] not in (-1, value):
                twice.append(f"{image}: {sentence}")
            found[place] = value
    if strange:
        raise UsageError(f"answers in {path} must be yes or no, got {name_some(strange)}; ask for one of the two.")
    if twice:
        raise UsageError(f"{path} must answer a pair in one way, got both for {name_some(twice)}; keep one row each.")
    missing = np.argwhere(found < 0)
    if len(missing):
        named = [f"{image_names[image]}: {sentences[sentence]}" for image, sentence in missing[:6]]
        raise UsageError(
            f"{path} must answer every pair of an image and a sentence, it lacks {len(missing)} "
            f"({', '.join(named[:3])}, ...); ask again for these, or drop the sentences."
        )
    return Relevance(found == 1, f"answers of {path.name}", is_proxy=True)
