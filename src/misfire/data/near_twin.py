"""Pictures that look the same and aren't the same file: saved again, resized, taken a moment later."""

from typing import Final

import numpy as np
from jaxtyping import Bool, UInt8
from PIL import Image as PillowImage

THUMBNAIL_BYTES: Final = 8 * 8 * 3
MOST_DIFFERENCE: Final = 4.0
"""Root mean square of the differences of two twins' thumbnails, in steps of 1/255: what saving again leaves."""

_BLOCK: Final = 512


def thumbnail(image: PillowImage.Image) -> bytes:
    """The mean colours of an image's 8 x 8 equal parts, in RGB, row by row."""
    return image.convert("RGB").resize((8, 8), PillowImage.Resampling.BOX).tobytes()


def has_near_twin(
    thumbnails: UInt8[np.ndarray, "image byte"], *, most_difference: float = MOST_DIFFERENCE
) -> Bool[np.ndarray, " image"]:
    """Whether another image's thumbnail differs from an image's by no more than saving a picture again does.

    Args:
        thumbnails: One an image, see :func:`thumbnail`.
        most_difference: Root mean square difference of two thumbnails, up to which they are twins.

    Example:
        >>> has_near_twin(np.array([[10] * 192, [200] * 192, [11] * 192], dtype=np.uint8)).tolist()
        [True, False, True]
    """
    values = thumbnails.astype(np.float32)
    means = values.mean(axis=1, dtype=np.float64)
    order = np.argsort(means, kind="stable")
    values, means = values[order], means[order]
    squares = np.einsum("ib,ib->i", values, values)  # whole numbers below 2^24, so exact
    most = most_difference**2 * values.shape[1]
    found = np.zeros(len(values), dtype=np.bool_)
    for start in range(0, len(values), _BLOCK):
        stop = min(start + _BLOCK, len(values))
        # Means differ by no more than the root mean square does: only images that are about as bright can be twins.
        first = np.searchsorted(means, means[start] - most_difference, side="left")
        last = np.searchsorted(means, means[stop - 1] + most_difference, side="right")
        products = values[start:stop] @ values[first:last].T
        is_twin = squares[start:stop, None] + squares[None, first:last] - 2 * products <= most
        is_twin[np.arange(stop - start), np.arange(start - first, stop - first)] = False
        found[start:stop] = is_twin.any(axis=1)
    twins = np.empty_like(found)
    twins[order] = found
    return twins
