"""What every evaluation stands on: a dataset, an encoder and the store of their embeddings."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float

from misfire.data import Dataset
from misfire.embeddings import EmbeddingStore, Encoder, TrainerSettings, embed_images, embed_texts


@dataclass(frozen=True)
class Workbench:
    """Embeds a dataset's images and any text, once; what the store holds never touches the backbone."""

    dataset: Dataset
    encoder: Encoder
    store: EmbeddingStore
    trainer: TrainerSettings

    @cached_property
    def gallery(self) -> Float[torch.Tensor, "image dim"]:
        """Unit embeddings of all images, in the dataset's order."""
        return embed_images(self.dataset.images, self.encoder, self.store, self.trainer)

    @cached_property
    def captions(self) -> Float[torch.Tensor, "caption dim"]:
        """Unit embeddings of all captions as they are, in the dataset's order."""
        return self.texts([caption.text for caption in self.dataset.captions])

    @cached_property
    def targets(self) -> torch.Tensor:
        """Position of each caption's image, as a tensor."""
        return torch.from_numpy(self.dataset.targets)

    def texts(self, texts: Sequence[str]) -> Float[torch.Tensor, "text dim"]:
        """Unit embeddings of any texts, in their order."""
        return embed_texts(texts, self.encoder, self.store, self.trainer)
