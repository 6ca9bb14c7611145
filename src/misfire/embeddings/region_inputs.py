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
from misfire.embeddings.inputs import EncodableImage, ImageInputs
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
class RegionInputs(ImageInputs):
    """Images whose regions are encoded; a stored row holds an image's regions one after another.

    Each is scaled by one over the square root of their number, so that the row is of length 1 as the store's check
    wants it: a NaN or a flipped byte is found in regions as it is in embeddings.
    """

    modality: ClassVar[str] = "image_region"

    @override
    def encode(self, encoder: Encoder, batch: torch.Tensor) -> Float[torch.Tensor, "item dim"]:
        regions = checked_regional(encoder).encode_regions(batch)
        rows: torch.Tensor = (regions / regions.shape[1] ** 0.5).flatten(1)
        return rows


def embed_regions(
    images: Sequence[EncodableImage], encoder: Encoder, store: EmbeddingStore, trainer: TrainerSettings
) -> Float[torch.Tensor, "image region dim"]:
    """Unit embeddings of the regions of images in fp32 on the CPU; arguments and the rest are ``embed_images``'s.

    Raises:
        UsageError: As ``embed_images`` does, or if the encoder has no regional features.
        IntegrityError: If what is stored isn't what was written.
    """
    checked_regional(encoder)
    rows = embed_inputs(RegionInputs(tuple(images)), encoder, store, trainer)
    regions = rows.reshape(len(rows), -1, encoder.dim)
    scaled: torch.Tensor = regions * regions.shape[1] ** 0.5
    return scaled


def checked_regional(encoder: Encoder) -> RegionalEncoder:
    """The encoder, known to tell regions apart.

    Raises:
        UsageError: If it doesn't.
    """
    if not isinstance(encoder, RegionalEncoder):
        raise UsageError(
            f"regional features must come from an encoder that has them, got {encoder.name}; choose a ResNet or a "
            "vision transformer of open_clip, such as world_clip."
        )
    return encoder
