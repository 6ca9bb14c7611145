"""An immutable set of images, and beside it what is known of them: captions, labels, tags, sentences."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np
from jaxtyping import Int
from PIL import Image as PillowImage

from misfire.core.errors import UsageError, name_some
from misfire.core.hashing import sha256_json
from misfire.core.words import counted
from misfire.data.image_table import ClassLabels, Known, LabelMatrix, Sentences, Tags


class Stamp(NamedTuple):
    """What tells cheaply that stored bytes are still the same: where they lie, how many, and when they were written."""

    name: str
    num_bytes: int
    mtime_ns: int


class Look(NamedTuple):
    """What one look at an image found: why it can't be used, or None; and its thumbnail where that came with it."""

    problem: str | None
    thumbnail: bytes | None = None


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

    def look(self) -> Look:
        """The problem, and the thumbnail by which near twins are found (see :mod:`misfire.data.near_twin`)."""
        return Look(self.problem())

    @property
    def thumbnail(self) -> bytes | None:
        """The thumbnail that an earlier look found, None where there is none."""
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


MISSING: Final = "missing"
OUTSIDE: Final = "outside the folder"
WITHOUT_CAPTION: Final = "without a caption"
BESIDE: Final = "beside another"
UNREADABLE: Final = "unreadable"


@dataclass(frozen=True)
class Skipped:
    """An image, or a caption, that its source lists and the dataset doesn't hold, and why."""

    name: str
    reason: str

    @property
    def kind(self) -> str:
        """What an image lacks, the details of the reason left out; whatever isn't known by name is unreadable."""
        known = (MISSING, OUTSIDE, WITHOUT_CAPTION, BESIDE)
        return next((kind for kind in known if self.reason.startswith(kind)), UNREADABLE)

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"


Item = TypeVar("Item", Image, Caption)


@dataclass(frozen=True)
class ImageSet:
    """Images alone, in the order of their ids: all that a method needs which reads no captions.

    Args:
        name: What tables call it; no part of the fingerprint.
        images: The images, with different ids.

    Raises:
        UsageError: If there is no image or an id stands twice.
    """

    name: str
    images: tuple[Image, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "images", tuple(sorted(self.images, key=lambda image: image.id)))
        if not self.images:
            raise UsageError(f"image set {self.name} must have images, got none; check its path or num_images.")
        refuse(self.name, repeated_ids(self.images, ()))

    @cached_property
    def ids(self) -> Int[np.ndarray, " image"]:
        """Ids of the images, ascending."""
        return np.array([image.id for image in self.images], dtype=np.int64)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of ids and image contents; no path, no name, and nothing of what is known of the images."""
        return sha256_json({"images": [[image.id, image.source.content_sha256] for image in self.images]})


@dataclass(frozen=True)
class Dataset:
    """Images in the order of their ids, and beside them what is known: captions, labels, tags, sentences.

    An image needs no caption: it stands in the gallery all the same, as what retrieval must not be led to. What else is
    known is asked for by name and is None where the dataset doesn't know it. ``fingerprint`` is that of the captioned
    data; a method that reads no captions is identified by ``image_set.fingerprint`` and that of the table it reads.

    Args:
        name: What tables call it; no part of the fingerprint.
        images: The gallery.
        captions: The queries, if there are any.
        policy: How a source was read, where that was a choice; part of the fingerprint unless it is empty.
        skipped_images: Images that the source lists and that were left out.
        skipped_captions: Captions that were left out though their image is here, or because it isn't listed.
        repeated_images: Images that the source lists and that are the same picture as another one: they count as that
            one, which has their captions.
        remarks: Sentences about how the source was read that belong beside every result.
        known: Tables of what is known of the images beside captions; no part of the fingerprint, they have their own.

    Raises:
        UsageError: If there is no image, an id stands twice, or a caption is empty or of an unknown image; the sentence
            names every rule that is broken.
    """

    name: str
    images: tuple[Image, ...]
    captions: tuple[Caption, ...] = ()
    policy: Mapping[str, Any] = field(default_factory=dict, hash=False)
    skipped_images: tuple[Skipped, ...] = ()
    skipped_captions: tuple[Skipped, ...] = ()
    repeated_images: tuple[Skipped, ...] = ()
    remarks: tuple[str, ...] = ()
    known: Known = field(default_factory=Known)

    def __post_init__(self) -> None:
        object.__setattr__(self, "images", tuple(sorted(self.images, key=lambda image: image.id)))
        object.__setattr__(self, "captions", tuple(sorted(self.captions, key=lambda caption: caption.id)))
        if not self.images:
            raise UsageError(
                f"dataset {self.name} must have images, got none; "
                + (" ".join(self.notes) or "check its path or num_images.")
            )
        refuse(self.name, broken_rules(self.images, self.captions))

    @cached_property
    def image_set(self) -> ImageSet:
        """The images alone."""
        return ImageSet(self.name, self.images)

    @property
    def labels(self) -> ClassLabels | None:
        """One class an image."""
        return self.known.labels

    @property
    def label_matrix(self) -> LabelMatrix | None:
        """Which classes are present in an image, as far as that is known."""
        return self.known.label_matrix

    @property
    def tags(self) -> Tags | None:
        """Words that are true of an image."""
        return self.known.tags

    @property
    def sentences(self) -> Sentences | None:
        """Sentences that are true of an image or not."""
        return self.known.sentences

    @cached_property
    def targets(self) -> Int[np.ndarray, " caption"]:
        """Position in ``images`` of the image that each caption describes.

        Raises:
            UsageError: If there is no caption: who asks for targets wants to retrieve.
        """
        if not self.captions:
            raise UsageError(
                f"retrieval must have captions as queries, dataset {self.name} has "
                f"{counted(len(self.images), 'image')} and no caption; give it some, or use a method that reads none."
            )
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
        """Sentences that every reader of a result on this dataset must know: what was left out, what the gallery is.

        They say of images without a caption that they stand in the gallery, and of images that are listed several times
        that they count once.
        """
        listed = len(self.images) + len(self.skipped_images) + len(self.repeated_images)
        told = {
            f"{len(self.skipped_images)} of {counted(listed, 'image')}": self.skipped_images,
            counted(len(self.skipped_captions), "caption"): self.skipped_captions,
        }
        left_out = [
            f"{what} {'was' if len(skipped) == 1 else 'were'} skipped ({_first(skipped)})."
            for what, skipped in told.items()
            if skipped
        ]
        return (*left_out, *self._gallery_notes(listed), *self.remarks)

    @cached_property
    def captioned_positions(self) -> Int[np.ndarray, " captioned"]:
        """Positions in ``images`` of those that have a caption, ascending: they alone can be image-to-text queries."""
        return np.unique(self.targets)

    @property
    def uncaptioned_images(self) -> tuple[Image, ...]:
        """The images that no caption describes: in the gallery they are nothing but distractors."""
        described = {caption.image_id for caption in self.captions}
        return tuple(image for image in self.images if image.id not in described)

    def _gallery_notes(self, listed: int) -> list[str]:
        notes, again, silent = [], self.repeated_images, len(self.uncaptioned_images)
        if again:
            notes.append(
                f"{len(again)} of {listed} listed images {'is' if len(again) == 1 else 'are'} the same picture as an "
                f"earlier one and {'counts' if len(again) == 1 else 'count'} once, with all captions ({_first(again)})."
            )
        if self.captions and silent:
            notes.append(
                f"{silent} of {counted(len(self.images), 'image')} {'has' if silent == 1 else 'have'} no caption and "
                f"{'stands' if silent == 1 else 'stand'} in the gallery (dataset.gallery=captioned leaves "
                f"{'it' if silent == 1 else 'them'} out)."
            )
        return notes


def broken_rules(images: Sequence[Image], captions: Sequence[Caption]) -> list[str]:
    """Every rule of a dataset that images and captions break, each with its offenders counted and some named."""
    image_ids = {image.id for image in images}
    empty = [f"id {caption.id}" for caption in captions if not caption.text.strip()]
    strangers = [f"id {caption.id}" for caption in captions if caption.image_id not in image_ids]
    return [
        *repeated_ids(images, captions),
        *_broken("captions must not be empty", empty),
        *_broken("captions must describe an image of the dataset", strangers),
    ]


def repeated_ids(images: Sequence[Image], captions: Sequence[Caption]) -> list[str]:
    """Those of the broken rules that forbid an id to stand twice: which of two images a caption means is unknown."""
    again = [f"{image.name} with id {image.id}" if image.name else image.label for image in _later(images)]
    return [
        *_broken("images must have different ids", again),
        *_broken("captions must have different ids", [f"id {caption.id}" for caption in _later(captions)]),
    ]


def refuse(name: str, broken: Sequence[str]) -> None:
    """Raise one error for all rules that are broken, if any is."""
    if broken:
        raise UsageError(f"dataset {name}: {'; '.join(broken)}; mend or drop them in the source.")


def _later(items: Sequence[Item]) -> list[Item]:
    """The items whose id another one had before them."""
    seen: set[int] = set()
    return [item for item in items if item.id in seen or seen.add(item.id)]  # type: ignore[func-returns-value]


def _broken(rule: str, offenders: Sequence[str]) -> list[str]:
    return [f"{rule}, got {name_some(offenders)}"] if offenders else []


def _first(skipped: Sequence[Skipped], most: int = 3) -> str:
    return ", ".join(map(str, skipped[:most])) + (", ..." if len(skipped) > most else "")
