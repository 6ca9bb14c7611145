"""An image that lies in a file."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, final

from PIL import Image as PillowImage
from PIL import ImageOps, UnidentifiedImageError
from typing_extensions import override

from misfire.core.errors import UsageError
from misfire.core.hashing import sha256_file
from misfire.data.dataset import ImageSource

MISSING: Final = "missing"


@final
@dataclass(frozen=True)
class ImageFile(ImageSource):
    """A file that Pillow reads; named by its bytes, so that moving it changes nothing.

    Raises:
        UsageError: When it's hashed or loaded, if it is missing or can't be decoded whole.
    """

    path: Path

    @cached_property
    @override
    def content_sha256(self) -> str:  # cached: hashing reads the whole file
        try:
            return sha256_file(self.path)
        except OSError as error:
            raise UsageError(
                f"an image file must be readable, got {self.path} ({error.strerror}); mend its path."
            ) from error

    @override
    def load(self) -> PillowImage.Image:
        try:
            with PillowImage.open(self.path) as image:
                # Cameras store how they were held; a person sees the picture upright.
                return ImageOps.exif_transpose(image).convert("RGB")
        except (OSError, UnidentifiedImageError) as error:
            raise UsageError(
                f"an image file must decode whole, got {self.path} ({error}); restore or drop it."
            ) from error

    @override
    def problem(self) -> str | None:
        return super().problem() if self.path.is_file() else MISSING
