"""How well the words of a mode fit its images: the same scorecard for every method that finds modes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.stats import rankdata

from misfire.core.errors import UsageError, name_some
from misfire.methods.modes.tag_mode import Unchecked


@dataclass(frozen=True, eq=False)
class DescribedMode:
    """A mode as the scorecard sees it, whichever method found it.

    Args:
        label: Class of its images; the images outside that it is held against are of the same class.
        members: Whether each image belongs to it.
        description: The text that is said to describe them.
    """

    label: int
    members: Bool[np.ndarray, " image"]
    description: str


@dataclass(frozen=True, eq=False)
class DescriptionQuality:
    """Similarity of descriptions to images; arrays are in the modes' order.

    Args:
        similarity: Mean cosine of a mode's images and its description. Higher is better.
        deviation: Standard deviation of these cosines within the mode: how coherent it is. Lower is better.
        auroc: Chance that an image of the mode is nearer to its description than an image of the same class outside
            it, ties counted half: how specific it is. Higher is better; NaN where every image of the class belongs.
    """

    similarity: Float[np.ndarray, " mode"]
    deviation: Float[np.ndarray, " mode"]
    auroc: Float[np.ndarray, " mode"]


def quality_of_descriptions(
    modes: Sequence[DescribedMode],
    labels: Unchecked,
    image_embeddings: Unchecked,
    description_embeddings: Unchecked,
    *,
    num_outside: int | None = None,
    rng: np.random.Generator | None = None,
) -> DescriptionQuality:
    """Similarity, coherence and specificity of the descriptions of modes (Figure 5).

    Args:
        modes: Groups of images with their descriptions.
        labels: Class of each image: int ``image``.
        image_embeddings: Embedding of each image, ``image dim``; lengths don't matter.
        description_embeddings: Embedding of each mode's description, ``mode dim``, from the same backbone.
        num_outside: How many images of the class outside the mode the AUROC looks at, as the paper samples some. All of
            them where it isn't given: exact, and without an ``rng``.
        rng: Source of that sample.

    Raises:
        UsageError: If a mode is empty, the arrays don't fit together, or a sample is asked for without an ``rng``.

    Reference:
        Rezaei et al., "PRIME: Prioritizing Interpretability in Failure Mode Extraction", ICLR 2024, section 4.3.

    Example:
        >>> images, text = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[3.0, 0.0]])
        >>> mode = DescribedMode(0, np.array([True, False]), "a photo of a fox")
        >>> quality = quality_of_descriptions([mode], np.zeros(2, dtype=int), images, text)
        >>> quality.similarity.tolist(), quality.deviation.tolist(), quality.auroc.tolist()
        ([1.0], [0.0], [1.0])
    """
    _check(modes, labels, image_embeddings, description_embeddings)
    if num_outside is not None and (rng is None or num_outside < 1):
        raise UsageError(f"a sample of the images outside needs an rng and num_outside >= 1, got {num_outside}.")
    images, texts = _unit(image_embeddings), _unit(description_embeddings)
    similarity, deviation, auroc = (np.full(len(modes), np.nan) for _ in range(3))
    for index, mode in enumerate(modes):
        of_class = np.flatnonzero(labels == mode.label)
        inside, outside = np.flatnonzero(mode.members), of_class[~mode.members[of_class]]
        if num_outside is not None and rng is not None and len(outside) > num_outside:
            outside = rng.choice(outside, size=num_outside, replace=False)
        of_members = images[inside] @ texts[index]
        similarity[index], deviation[index] = of_members.mean(), of_members.std()
        if len(outside):
            auroc[index] = area_under_roc(of_members, images[outside] @ texts[index])
    return DescriptionQuality(similarity, deviation, auroc)


def area_under_roc(positive: Float[np.ndarray, " positive"], negative: Float[np.ndarray, " negative"]) -> float:
    """Chance that a positive scores higher than a negative, ties counted half; NaN where either is missing.

    Example:
        >>> area_under_roc(np.array([0.9, 0.5]), np.array([0.5, 0.1]))
        0.875
    """
    if not len(positive) or not len(negative):
        return float("nan")
    ranks = rankdata(np.concatenate([positive, negative]))
    lowest = len(positive) * (len(positive) + 1) / 2
    return float((ranks[: len(positive)].sum() - lowest) / (len(positive) * len(negative)))


def _check(modes: Sequence[DescribedMode], labels: np.ndarray, images: np.ndarray, texts: np.ndarray) -> None:
    if len(labels) != len(images) or len(modes) != len(texts) or images.shape[1] != texts.shape[1]:
        raise UsageError(
            f"every image and every mode must have an embedding of one backbone, got {len(labels)} images with "
            f"embeddings {images.shape} and {len(modes)} modes with embeddings {texts.shape}."
        )
    strange = [mode.description for mode in modes if mode.members.shape != labels.shape]
    empty = [mode.description for mode in modes if not mode.members.any()]
    if strange or empty:
        raise UsageError(
            f"a mode must have images among the {len(labels)}, got none or others for {name_some(strange + empty)}; "
            "leave it out."
        )
    for what, vectors in (("images", images), ("descriptions", texts)):
        unfit = np.flatnonzero(~np.isfinite(vectors).all(axis=1) | ~vectors.any(axis=1))
        if len(unfit):
            raise UsageError(f"embeddings of {what} must be finite and not zero, got others at {name_some(unfit)}.")


def _unit(vectors: Float[np.ndarray, "row dim"]) -> Float[np.ndarray, "row dim"]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float64)
