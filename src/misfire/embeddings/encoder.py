"""What turns images and texts into unit vectors that can be compared."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Num
from PIL.Image import Image as PillowImage

from misfire.core.hashing import sha256_json

# A tokenizer's own batch: open_clip's are integer tensors.
Tokens = Int[torch.Tensor, "text token"]


class Encoder(ABC):
    """A frozen two-tower model.

    Constructing one is cheap: weights are read when something must be encoded, and only their bytes are hashed before
    that. A subclass is picklable and starts with no weights in a new process.
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """What a person calls it; no part of any key."""

    @property
    @abstractmethod
    def dim(self) -> int:
        """Length of an embedding."""

    @property
    @abstractmethod
    def context_length(self) -> int:
        """How many tokens of a text are read, the start and end tokens included."""

    @abstractmethod
    def describe(self) -> dict[str, str]:
        """Everything an embedding depends on beside the input: content only, no path, device or batch size."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of ``describe()``."""
        return sha256_json(self.describe())

    @abstractmethod
    def module(self) -> torch.nn.Module:
        """The network that ``encode_images`` and ``encode_texts`` run; moving it to a device moves the encoder."""

    @abstractmethod
    def preprocess(self, image: PillowImage) -> Num[torch.Tensor, "channel height width"]:
        """One image as ``encode_images`` takes it, of one shape for all images; it runs in worker processes.

        It touches neither the network nor its weights.
        """

    @abstractmethod
    def tokenize(self, texts: Sequence[str]) -> Tokens:
        """The network's input for some texts, cut at the context length."""

    @abstractmethod
    def is_truncated(self, texts: Sequence[str]) -> Bool[np.ndarray, " text"]:
        """Whether each text has more tokens than the context holds, so that its end is not read."""

    def may_be_truncated(self, tokens: Tokens) -> Bool[np.ndarray, " text"]:
        """Of which tokenized texts :meth:`is_truncated` has to be asked: what a tokenizer can tell without the text."""
        return np.ones(len(tokens), dtype=bool)

    def num_truncated(self, texts: Sequence[str]) -> int:
        """How many texts have more tokens than the context holds."""
        return int(self.is_truncated(texts).sum())

    @abstractmethod
    def encode_images(
        self, images: Num[torch.Tensor, "image channel height width"]
    ) -> Float[torch.Tensor, "image dim"]:
        """Embeddings of preprocessed images, stacked: unit rows in fp32, whatever the network's precision."""

    @abstractmethod
    def encode_texts(self, tokens: Tokens) -> Float[torch.Tensor, "text dim"]:
        """Embeddings of tokenized texts: unit rows in fp32, whatever the network's precision."""


def unit_rows(embeddings: Float[torch.Tensor, "item dim"]) -> Float[torch.Tensor, "item dim"]:
    """Rows scaled to length 1 in fp32.

    Example:
        >>> unit_rows(torch.tensor([[3.0, 4.0]]))
        tensor([[0.6000, 0.8000]])
    """
    rows: torch.Tensor = torch.nn.functional.normalize(embeddings.float(), dim=-1)
    return rows
