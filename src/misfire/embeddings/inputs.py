"""What is encoded: texts or images, each named by its content."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Protocol, final, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float
from PIL.Image import Image as PillowImage
from torch.utils.data import DataLoader, Dataset
from typing_extensions import override

from misfire.core.errors import MisfireError
from misfire.core.hashing import sha256_text
from misfire.embeddings.encoder import Encoder
from misfire.embeddings.trainer_settings import TrainerSettings


@runtime_checkable
class PixelSource(Protocol):
    """Where an image's pixels come from."""

    @property
    def content_sha256(self) -> str:
        """Name of the content."""

    def load(self) -> PillowImage:
        """The image in RGB."""


@runtime_checkable
class EncodableImage(Protocol):
    """An image that can be encoded."""

    @property
    def id(self) -> int:
        """What a person calls it."""

    @property
    def source(self) -> PixelSource:
        """Its content."""


class Inputs(ABC):
    """Inputs of one tower, in an order."""

    modality: ClassVar[str]

    @property
    @abstractmethod
    def contents(self) -> list[str]:
        """SHA-256 of each input's content."""

    @property
    @abstractmethod
    def names(self) -> list[str]:
        """What a person calls each input."""

    @abstractmethod
    def select(self, positions: Sequence[int]) -> "Inputs":
        """Some of the inputs."""

    @abstractmethod
    def batches(self, encoder: Encoder, settings: TrainerSettings) -> "DataLoader[Any]":
        """The network's inputs, batch by batch, in order; an error in place of a batch that can't be read."""

    @abstractmethod
    def encode(self, encoder: Encoder, batch: torch.Tensor) -> Float[torch.Tensor, "item dim"]:
        """Embeddings of one batch."""

    @abstractmethod
    def is_truncated(self, encoder: Encoder) -> Bool[np.ndarray, " item"]:
        """Whether the end of each input is cut off."""

    def __len__(self) -> int:
        return len(self.contents)


@final
@dataclass(frozen=True)
class TextInputs(Inputs):
    """Texts, named by their UTF-8 bytes."""

    texts: tuple[str, ...]
    modality: ClassVar[str] = "text"

    @cached_property
    @override
    def contents(self) -> list[str]:
        return [sha256_text(text) for text in self.texts]

    @property
    @override
    def names(self) -> list[str]:
        return [repr(text) for text in self.texts]

    @override
    def select(self, positions: Sequence[int]) -> "TextInputs":
        return TextInputs(tuple(self.texts[position] for position in positions))

    @override
    def batches(self, encoder: Encoder, settings: TrainerSettings) -> "DataLoader[Any]":
        texts: Any = self.texts  # a tuple serves as a map-style dataset
        return DataLoader(texts, batch_size=settings.batch_size, collate_fn=encoder.tokenize)

    @override
    def encode(self, encoder: Encoder, batch: torch.Tensor) -> Float[torch.Tensor, "item dim"]:
        return encoder.encode_texts(batch)

    @override
    def is_truncated(self, encoder: Encoder) -> Bool[np.ndarray, " item"]:
        return encoder.is_truncated(self.texts)


@final
@dataclass(frozen=True)
class ImageInputs(Inputs):
    """Images, named by the content of their source."""

    images: tuple[EncodableImage, ...]
    modality: ClassVar[str] = "image"

    @cached_property
    @override
    def contents(self) -> list[str]:
        return [image.source.content_sha256 for image in self.images]

    @property
    @override
    def names(self) -> list[str]:
        return [f"image {image.id}" for image in self.images]

    @override
    def select(self, positions: Sequence[int]) -> "ImageInputs":
        return ImageInputs(tuple(self.images[position] for position in positions))

    @override
    def batches(self, encoder: Encoder, settings: TrainerSettings) -> "DataLoader[Any]":
        pixels = _Pixels(self.images, encoder)
        return DataLoader(
            pixels, batch_size=settings.batch_size, num_workers=settings.num_workers, collate_fn=_stack_or_error
        )

    @override
    def encode(self, encoder: Encoder, batch: torch.Tensor) -> Float[torch.Tensor, "item dim"]:
        return encoder.encode_images(batch)

    @override
    def is_truncated(self, encoder: Encoder) -> Bool[np.ndarray, " item"]:
        return np.zeros(len(self), dtype=bool)


@dataclass(frozen=True)
class _Pixels(Dataset[torch.Tensor | MisfireError]):
    images: tuple[EncodableImage, ...]
    encoder: Encoder

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, position: int) -> torch.Tensor | MisfireError:
        try:
            return self.encoder.preprocess(self.images[position].source.load())
        except MisfireError as error:  # raised in a worker it would reach the user wrapped in a traceback
            return error


def _stack_or_error(batch: list[torch.Tensor | MisfireError]) -> torch.Tensor | MisfireError:
    pixels = [item for item in batch if isinstance(item, torch.Tensor)]
    errors = [item for item in batch if isinstance(item, MisfireError)]
    return errors[0] if errors else torch.stack(pixels)
