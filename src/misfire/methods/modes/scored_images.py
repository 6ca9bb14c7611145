"""Images as a search for failure modes sees them: an embedding, how well the model did, and what else is known."""

from dataclasses import dataclass, fields, replace
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int

from misfire.core.errors import UsageError, name_some


@final
@dataclass(frozen=True)
class ScoredImages:
    """Images of one set, a row each in every array.

    Only embeddings and performance are needed by all methods, so any task that gives an image a score can be
    explained: a classifier's accuracy, a segmenter's IoU, a detector's average precision.

    Attributes:
        embeddings: Embedding of each image in the space that the sentences share; any length but zero.
        performance: Performance of the model on each image; higher is better.
        labels: Class of each image, a column of ``predictions`` where there are any.
        predictions: Probability of each class, as the model predicted it.
        confidence: Any other confidence of the model, for example a segmenter's negated mean entropy over pixels.
        tags: Which tags each image carries.
        tag_names: The tags, a column each.

    Raises:
        UsageError: If the arrays differ in length, or an embedding or a performance isn't finite.
    """

    embeddings: Float[np.ndarray, "image dim"]
    performance: Float[np.ndarray, " image"]
    labels: Int[np.ndarray, " image"] | None = None
    predictions: Float[np.ndarray, "image class"] | None = None
    confidence: Float[np.ndarray, " image"] | None = None
    tags: Bool[np.ndarray, "image tag"] | None = None
    tag_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        lengths = {name: len(values) for name, values in self._known().items()}
        if len(set(lengths.values())) != 1 or not len(self):
            raise UsageError(
                "every array must have a row an image and at least one image, got "
                f"{', '.join(f'{length} {name}' for name, length in lengths.items())}; align them by image id."
            )
        for name in ("embeddings", "performance", "predictions", "confidence"):
            values = self._known().get(name)
            if values is None:
                continue
            unfit = np.flatnonzero(~np.isfinite(values.reshape(len(self), -1)).all(axis=1))
            if len(unfit):
                raise UsageError(
                    f"{name} must be finite, got NaN or infinity for images {name_some(unfit)}; leave these images out."
                )
        if (zero := np.flatnonzero(~self.embeddings.any(axis=1))).size:
            raise UsageError(
                f"an embedding must have a direction, got zeros for images {name_some(zero)}; embed again."
            )

    def __len__(self) -> int:
        return len(self.embeddings)

    def _known(self) -> dict[str, np.ndarray]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}

    def take(self, images: Int[np.ndarray, " chosen"] | Bool[np.ndarray, " image"]) -> "ScoredImages":
        """Some of the images, by position or by mask."""
        return replace(self, **{name: values[images] for name, values in self._known().items()})

    def need(self, *names: str, for_what: str) -> None:
        """Refuse to go on without what a method reads.

        Raises:
            UsageError: If one of the arrays isn't known.
        """
        missing = [name for name in names if getattr(self, name) is None]
        if missing:
            raise UsageError(
                f"{for_what} needs {' and '.join(missing)} of the images, got none; bring them in the outcomes' file "
                "or choose a method that reads the performance alone."
            )

    @property
    def unit_embeddings(self) -> Float[np.ndarray, "image dim"]:
        """The embeddings at length 1."""
        return unit(self.embeddings)

    @property
    def strata(self) -> Int[np.ndarray, " image"]:
        """The labels; where there are none, all images are of class 0."""
        return np.zeros(len(self), dtype=np.int64) if self.labels is None else self.labels

    @property
    def predicted(self) -> Int[np.ndarray, " image"]:
        """Class with the largest probability; the first of equals."""
        self.need("predictions", for_what="a predicted class")
        assert self.predictions is not None
        return np.asarray(self.predictions.argmax(axis=1))


def unit(vectors: Float[np.ndarray, "row dim"]) -> Float[np.ndarray, "row dim"]:
    """The vectors at length 1; a zero vector stays zero.

    Example:
        >>> unit(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
        [[0.6, 0.8], [0.0, 0.0]]
    """
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1))
