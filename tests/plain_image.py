"""A picture of one colour, for invented datasets."""

from dataclasses import dataclass

from PIL import Image as PillowImage

from misfire.core.hashing import sha256_bytes
from misfire.data import ImageSource


@dataclass(frozen=True)
class PlainImage(ImageSource):
    """One colour; the colour is the content."""

    colour: tuple[int, int, int]
    size: tuple[int, int] = (64, 48)

    @property
    def content_sha256(self) -> str:
        return sha256_bytes(bytes(self.colour))

    def load(self) -> PillowImage.Image:
        return PillowImage.new("RGB", self.size, self.colour)
