"""Images as a browser takes them, read from the dataset by id and never by a path."""

import io
from bisect import bisect_left
from typing import NamedTuple

from misfire.core.errors import UsageError
from misfire.data import Dataset

_LONGEST_SIDE = 1600
_LOSSLESS_PIXELS = 256 * 256


class Picture(NamedTuple):
    """Encoded bytes and their media type."""

    data: bytes
    media_type: str


def picture(dataset: Dataset, image_id: int, *, longest_side: int = _LONGEST_SIDE) -> Picture:
    """An image of the dataset: small ones lossless, large ones as JPEG with their longest side bounded.

    Raises:
        UsageError: If the dataset has no such image, or it can't be read.
    """
    position = bisect_left(dataset.images, image_id, key=lambda image: image.id)
    if position == len(dataset.images) or dataset.images[position].id != image_id:
        raise UsageError(f"an image must be of dataset {dataset.name}, got id {image_id}; choose its own dataset.")
    image = dataset.images[position].source.load()
    image.thumbnail((longest_side, longest_side))
    buffer = io.BytesIO()
    if image.width * image.height <= _LOSSLESS_PIXELS:
        image.save(buffer, format="PNG")
        return Picture(buffer.getvalue(), "image/png")
    image.save(buffer, format="JPEG", quality=90)
    return Picture(buffer.getvalue(), "image/jpeg")
