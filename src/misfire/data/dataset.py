"""An immutable set of images and the captions that describe them."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Int
from PIL import Image as PillowImage

from misfire.core.errors import UsageError, name_some
from misfire.core.hashing import sha256_json


class ImageSource(ABC):
    """Where an image's pixels come from; read only when they are needed."""

    @property
    @abstractmethod
    def content_sha256(self) -> str:
        """Name of the content: equal for equal pixels, whatever the path or the id."""

    @abstractmethod
    def load(self) -> PillowImage.Image:
        """The image in RGB, as a person sees it."""


@dataclass(frozen=True)
class Image:
    """One gallery item."""

    id: int
    source: ImageSource


@dataclass(frozen=True)
class Caption:
    """One text that describes one image."""

    id: int
    image_id: int
    text: str


@dataclass(frozen=True)
class Dataset:
    """Images and captions in the order of their ids.

    Raises:
        UsageError: If there is no image, an id stands twice, a caption is empty or of an unknown image, or an image
            has no caption.
    """

    name: str
    images: tuple[Image, ...]
    captions: tuple[Caption, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "images", tuple(sorted(self.images, key=lambda image: image.id)))
        object.__setattr__(self, "captions", tuple(sorted(self.captions, key=lambda caption: caption.id)))
        _check(self)

    @cached_property
    def targets(self) -> Int[np.ndarray, " caption"]:
        """Position in ``images`` of the image that each caption describes."""
        position = {image.id: index for index, image in enumerate(self.images)}
        return np.array([position[caption.image_id] for caption in self.captions], dtype=np.int64)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of what the dataset says: ids, image contents, targets and texts; no path, no name."""
        return sha256_json(
            {
                "images": [[image.id, image.source.content_sha256] for image in self.images],
                "captions": [[caption.id, caption.image_id, caption.text] for caption in self.captions],
            }
        )


def _check(dataset: Dataset) -> None:
    if not dataset.images:
        raise UsageError(f"dataset {dataset.name} must have images, got none; check its path or num_images.")
    image_ids = {image.id for image in dataset.images}
    rules = {
        "images must have different ids": _repeated([image.id for image in dataset.images]),
        "captions must have different ids": _repeated([caption.id for caption in dataset.captions]),
        "captions must not be empty": [caption.id for caption in dataset.captions if not caption.text.strip()],
        "captions must describe an image of the dataset": [
            caption.id for caption in dataset.captions if caption.image_id not in image_ids
        ],
        "images must have a caption": sorted(image_ids - {caption.image_id for caption in dataset.captions}),
    }
    for rule, offenders in rules.items():
        if offenders:
            raise UsageError(
                f"dataset {dataset.name}: {rule}, got {name_some(offenders)} by id; mend or drop them in the source."
            )


def _repeated(ids: list[int]) -> list[int]:
    seen: set[int] = set()
    return [identifier for identifier in ids if identifier in seen or seen.add(identifier)]  # type: ignore[func-returns-value]
