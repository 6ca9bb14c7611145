"""Training-free normalisation of multi-label scores."""

import numpy as np
from jaxtyping import Float

from misfire.core.errors import UsageError


def normalised_scores(scores: Float[np.ndarray, "image class"]) -> Float[np.ndarray, "image class"]:
    """Scores of which each image's row, and then each class's column, has mean 0 and standard deviation 1.

    A frozen model scores some images higher than others for every class; within a class that offset is noise. It helps
    zero-shot scores and can hurt those of trained methods, whose loss has already put images on one scale. A row or
    column of equal scores becomes 0.

    Raises:
        UsageError: If there are fewer than two images or classes, or a score isn't finite.

    Reference:
        Miller et al., "SPARC: score prompting and adaptive fusion for zero-shot multi-label recognition in
        vision-language models", CVPR 2025, section 3.

    Example:
        >>> normalised_scores(np.array([[1.0, 3.0], [9.0, 7.0]])).tolist()
        [[-1.0, 1.0], [1.0, -1.0]]
    """
    if min(scores.shape) < 2 or not np.isfinite(scores).all():
        raise UsageError(
            "scores must be finite, of at least two images and two classes, to be normalised, got "
            f"{scores.shape[0]} x {scores.shape[1]} with {int((~np.isfinite(scores)).sum())} that aren't finite; leave "
            "the normalisation out."
        )
    return _standardised(_standardised(scores.astype(np.float64), axis=1), axis=0)


def _standardised(scores: Float[np.ndarray, "image class"], *, axis: int) -> Float[np.ndarray, "image class"]:
    spread = scores.std(axis=axis, keepdims=True)
    centred = scores - scores.mean(axis=axis, keepdims=True)
    scaled: Float[np.ndarray, "image class"] = np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 0)
    return scaled
