"""Regional features of images, out of the embedding store where it has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, final, runtime_checkable

import torch
from jaxtyping import Float, Num
from typing_extensions import override

from misfire.core.errors import UsageError
from misfire.embeddings.embed import embed_inputs
from misfire.embeddings.encoder import Encoder
from misfire.embeddings.inputs import Chunk, EncodableImage, ImageInputs, Inputs
from misfire.embeddings.store import EmbeddingStore
from misfire.embeddings.trainer_settings import TrainerSettings


@runtime_checkable
class RegionalEncoder(Protocol):
    """An encoder that also tells an image's regions apart."""

    def encode_regions(
        self, images: Num[torch.Tensor, "image channel height width"]
    ) -> Float[torch.Tensor, "image region dim"]:
        """Embeddings of the regions of preprocessed images: unit rows in fp32."""


@final
@dataclass(frozen=True)
class RegionInputs(Inputs):
    """Images whose regions are encoded; a stored row holds an image's regions one after another.

    Each is scaled by one over the square root of their number, so that the row is of length 1 as the store's check
    wants it: a NaN or a flipped byte is found in regions as it is in embeddings.
    """

    images: ImageInputs
    modality: ClassVar[str] = "image_region"
    rows_per_shard: ClassVar[int] = ImageInputs.rows_per_shard
    rows_per_chunk: ClassVar[int] = ImageInputs.rows_per_chunk
    is_slow_to_read: ClassVar[bool] = True

    @override
    def content(self, position: int) -> str:
        return self.images.content(position)

    @override
    def name(self, position: int) -> str:
        return self.images.name(position)

    @override
    def select(self, positions: Sequence[int]) -> "RegionInputs":
        return RegionInputs(self.images.select(positions))

    @override
    def read(self, positions: list[int], encoder: Encoder) -> Chunk:
        return self.images.read(positions, encoder)

    @override
    def encode(self, encoder: Encoder, batch: torch.Tensor) -> Float[torch.Tensor, "item dim"]:
        regions = _checked(encoder).encode_regions(batch)
        rows: torch.Tensor = (regions / regions.shape[1] ** 0.5).flatten(1)
        return rows

    @override
    def __len__(self) -> int:
        return len(self.images)


def embed_regions(
    images: Sequence[EncodableImage], encoder: Encoder, store: EmbeddingStore, trainer: TrainerSettings
) -> Float[torch.Tensor, "image region dim"]:
    """Unit embeddings of the regions of images in fp32 on the CPU, in the order given; an equal image is encoded once.

    Args:
        images: At least one image.
        encoder: Touched only if the store lacks an image.
        store: Where embeddings are read from and written to.
        trainer: Device and batches, if something must be encoded.

    Raises:
        UsageError: As ``embed_images`` does, or if the encoder has no regional features.
        IntegrityError: If what is stored isn't what was written.
    """
    _checked(encoder)
    rows = embed_inputs(RegionInputs(ImageInputs(tuple(images))), encoder, store, trainer)
    regions = rows.reshape(len(rows), -1, encoder.dim)
    scaled: torch.Tensor = regions * regions.shape[1] ** 0.5
    return scaled


def _checked(encoder: Encoder) -> RegionalEncoder:
    if not isinstance(encoder, RegionalEncoder):
        raise UsageError(
            f"regional features must come from an encoder that has them, got {encoder.name}; choose a ResNet or a "
            "vision transformer of open_clip, such as world_clip."
        )
    return encoder
