"""What is encoded: texts or images, each named by its content."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, NamedTuple, Protocol, final, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float
from PIL.Image import Image as PillowImage
from typing_extensions import override

from misfire.core.errors import MisfireError
from misfire.core.hashing import sha256_text
from misfire.embeddings.encoder import Encoder


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


class Chunk(NamedTuple):
    """Some inputs, read and ready for the network.

    Attributes:
        positions: Which inputs they are.
        batch: The network's input; empty if an input can't be read.
        truncated: Whether the end of each input is cut off.
        errors: Position and error of each input that can't be read; raised in a worker, an error would reach the user
            wrapped in a traceback.
    """

    positions: list[int]
    batch: torch.Tensor
    truncated: Bool[np.ndarray, " item"]
    errors: list[tuple[int, MisfireError]]


class Inputs(ABC):
    """Inputs of one tower, in an order.

    Attributes:
        rows_per_shard: How many are committed to the store together, so that the files don't depend on who encoded.
        rows_per_chunk: How many are read together: few where reading one takes long, so that all workers have some of
            the first batch.
        is_slow_to_read: Whether reading one takes about a millisecond or more.
    """

    modality: ClassVar[str]
    rows_per_shard: ClassVar[int]
    rows_per_chunk: ClassVar[int]
    is_slow_to_read: ClassVar[bool]

    @abstractmethod
    def content(self, position: int) -> str:
        """SHA-256 of one input's content."""

    @abstractmethod
    def name(self, position: int) -> str:
        """What a person calls one input."""

    @abstractmethod
    def select(self, positions: Sequence[int]) -> "Inputs":
        """Some of the inputs."""

    @abstractmethod
    def read(self, positions: list[int], encoder: Encoder) -> Chunk:
        """Some inputs as the network takes them."""

    @abstractmethod
    def encode(self, encoder: Encoder, batch: torch.Tensor) -> Float[torch.Tensor, "item dim"]:
        """Embeddings of one batch."""

    @abstractmethod
    def __len__(self) -> int:
        """How many there are."""

    def each_content(self) -> Iterator[str]:
        """The contents one by one, as far as somebody looks: naming an image's can mean reading its file."""
        return (self.content(position) for position in range(len(self)))

    @cached_property
    def contents(self) -> list[str]:
        """SHA-256 of each input's content."""
        return list(self.each_content())


@final
@dataclass(frozen=True)
class TextInputs(Inputs):
    """Texts, named by their UTF-8 bytes; ``tokens`` are theirs where they are known already."""

    texts: tuple[str, ...]
    tokens: torch.Tensor | None = None
    modality: ClassVar[str] = "text"
    rows_per_shard: ClassVar[int] = 1024
    rows_per_chunk: ClassVar[int] = 1024
    is_slow_to_read: ClassVar[bool] = False

    @override
    def content(self, position: int) -> str:
        return sha256_text(self.texts[position])

    @override
    def each_content(self) -> Iterator[str]:
        return iter(self.contents)  # hashing all is cheap; what asks for them one by one asks for them again

    @cached_property
    @override
    def contents(self) -> list[str]:
        return [sha256_text(text) for text in self.texts]

    @override
    def name(self, position: int) -> str:
        return repr(self.texts[position])

    @override
    def select(self, positions: Sequence[int]) -> "TextInputs":
        tokens = None if self.tokens is None else self.tokens[torch.tensor(positions)]
        return TextInputs(tuple(self.texts[position] for position in positions), tokens)

    def by_length(self, encoder: Encoder) -> "TextInputs":
        """The texts from the shortest in tokens to the longest, equal ones by content: whatever order they came in.

        Batches of one length are cheap where the network leaves the rest of its context out.
        """
        step = self.rows_per_chunk
        parts = [encoder.tokenize(self.texts[start : start + step]) for start in range(0, len(self), step)]
        lengths = torch.cat([_num_tokens(part) for part in parts]).tolist()
        order = sorted(range(len(self)), key=lambda position: (lengths[position], self.content(position)))
        one_width = len({part.shape[1] for part in parts}) == 1
        return replace(self, tokens=torch.cat(parts) if one_width else None).select(order)

    @override
    def read(self, positions: list[int], encoder: Encoder) -> Chunk:
        texts = [self.texts[position] for position in positions]
        tokens = encoder.tokenize(texts) if self.tokens is None else self.tokens[torch.tensor(positions)]
        truncated = encoder.may_be_truncated(tokens)  # cutting a text up again takes long, and few fill the context
        doubtful = np.flatnonzero(truncated)
        if len(doubtful):
            truncated[doubtful] = encoder.is_truncated([texts[place] for place in doubtful])
        return Chunk(positions, tokens, truncated, [])

    @override
    def encode(self, encoder: Encoder, batch: torch.Tensor) -> Float[torch.Tensor, "item dim"]:
        return encoder.encode_texts(batch)

    @override
    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True)
class ImageInputs(Inputs):
    """Images, named by the content of their source; what is encoded of them is one hook, ``encode``."""

    images: tuple[EncodableImage, ...]
    modality: ClassVar[str] = "image"
    rows_per_shard: ClassVar[int] = 256
    rows_per_chunk: ClassVar[int] = 16
    is_slow_to_read: ClassVar[bool] = True

    @override
    def content(self, position: int) -> str:
        return self.images[position].source.content_sha256

    @override
    def name(self, position: int) -> str:
        return f"image {self.images[position].id}"

    @override
    def select(self, positions: Sequence[int]) -> "ImageInputs":
        return replace(self, images=tuple(self.images[position] for position in positions))

    @override
    def read(self, positions: list[int], encoder: Encoder) -> Chunk:
        pixels: list[torch.Tensor] = []
        errors: list[tuple[int, MisfireError]] = []
        for position in positions:
            try:
                pixels.append(encoder.preprocess(self.images[position].source.load()))
            except MisfireError as error:
                errors.append((position, error))
        batch = torch.empty(0) if errors else torch.stack(pixels)
        return Chunk(positions, batch, np.zeros(len(positions), dtype=bool), errors)

    @override
    def encode(self, encoder: Encoder, batch: torch.Tensor) -> Float[torch.Tensor, "item dim"]:
        return encoder.encode_images(batch)

    @override
    def __len__(self) -> int:
        return len(self.images)


def _num_tokens(tokens: torch.Tensor) -> torch.Tensor:
    """Where each row's tail of equal tokens, its padding, begins."""
    is_of_text = tokens != tokens[:, -1:]
    return (is_of_text * torch.arange(1, tokens.shape[1] + 1)).amax(dim=1)
