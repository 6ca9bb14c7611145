"""Images whose failures have known causes, as embeddings: a class, a context that misleads, and nuisances."""

from dataclasses import dataclass

import numpy as np

from misfire.methods.modes import EncodedSentences, ScoredImages

DIM = 48


@dataclass(frozen=True)
class Planted:
    """Images with their truth; context k misleads the model towards class k."""

    images: ScoredImages
    contexts: np.ndarray
    sentences: EncodedSentences
    num_classes: int

    def holds(self) -> np.ndarray:
        """Image x sentence: classes first, then contexts, then what holds nowhere."""
        labels = self.images.strata
        count = self.num_classes
        absent = np.zeros((len(labels), len(self.sentences) - 2 * count), dtype=bool)
        return np.concatenate([np.eye(count, dtype=bool)[labels], np.eye(count, dtype=bool)[self.contexts], absent], 1)

    def is_conflicting(self) -> np.ndarray:
        """Whether an image's context speaks against its class."""
        return np.asarray(self.contexts != self.images.strata)


def planted(
    *, num_images: int = 600, num_classes: int = 4, bias: float = 0.5, noise: float = 0.12, seed: int = 0
) -> Planted:
    """Images of which a share ``bias`` shows each class in its own context, where the model is right."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.normal(size=(DIM, DIM)))[0]
    labels = rng.integers(0, num_classes, size=num_images)
    contexts = np.where(rng.random(num_images) < bias, labels, rng.integers(0, num_classes, size=num_images))
    embeddings = 0.9 * axes[labels] + 0.7 * axes[num_classes + contexts] + noise * rng.normal(size=(num_images, DIM))
    one_hot = np.eye(num_classes)
    logits = 1.5 * one_hot[labels] + 2.0 * one_hot[contexts] + rng.normal(size=(num_images, num_classes))
    predictions = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    performance = (predictions.argmax(axis=1) == labels).astype(float)
    gap = axes[-1]  # sentences lie apart from images, as CLIP's do
    texts = [f"An image of a class {one}" for one in range(num_classes)]
    texts += [f"An image taken in place {one}" for one in range(num_classes)]
    texts += [f"An image of nothing {one}" for one in range(6)]
    directions = np.concatenate([axes[: 2 * num_classes], axes[2 * num_classes : 2 * num_classes + 6]])
    return Planted(
        ScoredImages(embeddings.astype(np.float32), performance, labels, predictions),
        contexts,
        EncodedSentences(tuple(texts), (directions + gap).astype(np.float32)),
        num_classes,
    )
