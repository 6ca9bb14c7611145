"""A mine/confirm split by image: failures come from some of the images, the others stay for a second look."""

import numpy as np
from jaxtyping import Bool

from misfire.core.errors import UsageError
from misfire.core.seeding import generator
from misfire.data import Dataset

ALL_IMAGES = 1.0


def mined_images(dataset: Dataset, *, share: float, seed: int) -> Bool[np.ndarray, " image"]:
    """Which images failures may be mined from; the captions of all others are there to confirm on.

    Args:
        dataset: Its images are divided, each with all its captions.
        share: Share of the images that is mined, in (0, 1]; the nearest number of images, at least one on either side.
        seed: Of the division.

    Raises:
        UsageError: If the share is out of range, or the only image would have to be divided.

    Returns:
        One truth value an image; all of them true where the share is 1.
    """
    num_images = len(dataset.images)
    if not 0 < share <= ALL_IMAGES:
        raise UsageError(
            f"mined_share must be a fraction in (0, 1], got {share!r}; 0.5 mines one half of the images, 1 all of them."
        )
    if share == ALL_IMAGES:
        return np.ones(num_images, dtype=bool)
    if num_images < 2:
        raise UsageError(
            f"a mine/confirm split needs two images, got {num_images} in {dataset.name}; leave mined_share at 1."
        )
    num_mined = min(max(round(share * num_images), 1), num_images - 1)
    is_mined = np.zeros(num_images, dtype=bool)
    is_mined[generator(seed, "mine/confirm").permutation(num_images)[:num_mined]] = True
    return is_mined
