"""An immutable set of images and the captions that describe them."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int
from PIL import Image as PillowImage

from misfire.core.errors import UsageError, name_some
from misfire.core.hashing import sha256_json


class Stamp(NamedTuple):
    """What tells cheaply that stored bytes are still the same: where they lie, how many, and when they were written."""

    name: str
    num_bytes: int
    mtime_ns: int


class ImageSource(ABC):
    """Where an image's pixels come from; read only when they are needed."""

    @property
    @abstractmethod
    def content_sha256(self) -> str:
        """Name of the content: equal for equal pixels, whatever the path or the id."""

    @abstractmethod
    def load(self) -> PillowImage.Image:
        """The image in RGB, as a person sees it."""

    def problem(self) -> str | None:
        """Why the image can't be used, in a few words ("missing", "truncated ..."), or None where it can."""
        try:
            _ = self.content_sha256
            self.load()
        except UsageError as error:
            return str(error)
        return None

    def stamp(self) -> Stamp | None:
        """What must stay the same for an earlier look at the content to hold, or None to look every time."""
        return None


@dataclass(frozen=True)
class Image:
    """One gallery item; ``name`` is what a person calls it (its file), and no part of its content."""

    id: int
    source: ImageSource
    name: str = ""

    @property
    def label(self) -> str:
        """What messages call it: its name, or its id where it has none."""
        return self.name or f"id {self.id}"


@dataclass(frozen=True)
class Caption:
    """One text that describes one image."""

    id: int
    image_id: int
    text: str


@dataclass(frozen=True)
class Skipped:
    """An image, or a caption, that its source lists and the dataset doesn't hold, and why."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"


@dataclass(frozen=True)
class Dataset:
    """Images and captions in the order of their ids.

    Args:
        name: What tables call it; no part of the fingerprint.
        images: The gallery.
        captions: The queries.
        policy: How a source was read, where that was a choice; part of the fingerprint unless it is empty.
        skipped_images: Images that the source lists and that were left out.
        skipped_captions: Captions that were left out though their image is here, or because it isn't listed.

    Raises:
        UsageError: If there is no image, an id stands twice, a caption is empty or of an unknown image, or an image
            has no caption; the sentence names every rule that is broken.
    """

    name: str
    images: tuple[Image, ...]
    captions: tuple[Caption, ...]
    policy: Mapping[str, Any] = field(default_factory=dict, hash=False)
    skipped_images: tuple[Skipped, ...] = ()
    skipped_captions: tuple[Skipped, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "images", tuple(sorted(self.images, key=lambda image: image.id)))
        object.__setattr__(self, "captions", tuple(sorted(self.captions, key=lambda caption: caption.id)))
        if not self.images:
            raise UsageError(
                f"dataset {self.name} must have images, got none; "
                + (f"{self.notes[0]}" if self.notes else "check its path or num_images.")
            )
        refuse(self.name, broken_rules(self.images, self.captions))

    @cached_property
    def targets(self) -> Int[np.ndarray, " caption"]:
        """Position in ``images`` of the image that each caption describes."""
        position = {image.id: index for index, image in enumerate(self.images)}
        return np.array([position[caption.image_id] for caption in self.captions], dtype=np.int64)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of what the dataset says: ids, image contents, targets, texts, policy; no path, no name."""
        content: dict[str, Any] = {
            "images": [[image.id, image.source.content_sha256] for image in self.images],
            "captions": [[caption.id, caption.image_id, caption.text] for caption in self.captions],
        }
        return sha256_json({**content, "policy": self.policy} if self.policy else content)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences that every reader of a result on this dataset must know: what was left out of it."""
        listed = len(self.images) + len(self.skipped_images)
        texts = f"{len(self.skipped_captions)} captions were skipped ({_first(self.skipped_captions)})."
        pictures = f"{len(self.skipped_images)} of {listed} images were skipped ({_first(self.skipped_images)})."
        return (*([pictures] if self.skipped_images else []), *([texts] if self.skipped_captions else []))


def broken_rules(images: Sequence[Image], captions: Sequence[Caption]) -> list[str]:
    """Every rule of a dataset that images and captions break, each with its offenders counted and some named."""
    image_ids, described = {image.id for image in images}, {caption.image_id for caption in captions}
    checks = {
        "images must have different ids": repeated_images(images),
        "captions must have different ids": repeated_captions(captions),
        "captions must not be empty": _by_id(caption.id for caption in captions if not caption.text.strip()),
        "captions must describe an image of the dataset": _by_id(
            caption.id for caption in captions if caption.image_id not in image_ids
        ),
        "images must have a caption": [image.label for image in images if image.id not in described],
    }
    return [f"{rule}, got {name_some(offenders)}" for rule, offenders in checks.items() if offenders]


def refuse(name: str, broken: Sequence[str]) -> None:
    """Raise one error for all rules that are broken, if any is."""
    if broken:
        raise UsageError(f"dataset {name}: {'; '.join(broken)}; mend or drop them in the source.")


def repeated_images(images: Iterable[Image]) -> list[str]:
    """What to call the images whose id another one had before them."""
    seen: set[int] = set()
    again = [image for image in images if image.id in seen or seen.add(image.id)]  # type: ignore[func-returns-value]
    return [f"{image.name} with id {image.id}" if image.name else image.label for image in again]


def repeated_captions(captions: Iterable[Caption]) -> list[str]:
    """What to call the captions whose id another one had before them."""
    seen: set[int] = set()
    return _by_id(one.id for one in captions if one.id in seen or seen.add(one.id))  # type: ignore[func-returns-value]


def _by_id(ids: Iterable[int]) -> list[str]:
    return [f"id {identifier}" for identifier in ids]


def _first(skipped: Sequence[Skipped], most: int = 3) -> str:
    return ", ".join(map(str, skipped[:most])) + (", ..." if len(skipped) > most else "")
