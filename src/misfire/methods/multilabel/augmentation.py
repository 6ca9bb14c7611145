"""Random views of training images: a crop of a random size, and a flip."""

from dataclasses import dataclass
from typing import final

import numpy as np
from PIL import Image as PillowImage

from misfire.core.errors import UsageError


@final
@dataclass(frozen=True)
class Augmentation:
    """Another view of each training image in each epoch: a random crop, resized to the image's size, perhaps flipped.

    Features of such views can't be stored, so that the visual tower runs in every step. Images that choose the epoch
    and test images stay as they are.

    Args:
        least_area: Least share of the image's area that a crop keeps.
        most_stretch: By how much a crop's shape may differ from the image's: its ratio of the sides is that of the
            image times a number between one over this and this.
        flip: Probability that a view is mirrored left to right.

    Raises:
        UsageError: If a number is out of its range.

    Example:
        >>> picture = PillowImage.new("RGB", (40, 30))
        >>> Augmentation().view(picture, np.random.default_rng(0)).size
        (40, 30)
    """

    least_area: float | int = 0.6
    most_stretch: float | int = 4 / 3
    flip: float | int = 0.5

    def __post_init__(self) -> None:
        if not (0 < self.least_area <= 1 and 1 <= self.most_stretch < np.inf and 0 <= self.flip <= 1):
            raise UsageError(
                "least_area must be in (0, 1], most_stretch at least 1 and flip in [0, 1], got "
                f"{self.least_area}, {self.most_stretch} and {self.flip}; 0.6, 1.33 and 0.5 are the defaults."
            )

    def view(self, picture: PillowImage.Image, rng: np.random.Generator) -> PillowImage.Image:
        """A random view of a picture, of the picture's size.

        Args:
            picture: Any picture.
            rng: Of crop and flip.
        """
        width, height = picture.size
        area = rng.uniform(self.least_area, 1)
        reach = np.log(self.most_stretch)
        stretch = np.exp(rng.uniform(-reach, reach) / 2)
        # A side may not be longer than the picture's; what one side gives up isn't given to the other.
        across, down = min(1.0, area**0.5 * stretch), min(1.0, area**0.5 / stretch)
        left, top = rng.uniform(0, 1 - across) * width, rng.uniform(0, 1 - down) * height
        box = (left, top, left + across * width, top + down * height)
        is_flipped = rng.random() < self.flip
        found = picture.convert("RGB").resize((width, height), PillowImage.Resampling.BICUBIC, box=box)
        return found.transpose(PillowImage.Transpose.FLIP_LEFT_RIGHT) if is_flipped else found
