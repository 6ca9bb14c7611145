"""Pictures of colours and an encoder that reads colour words: a classifier whose confusions are known beforehand."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image as PillowImage

from misfire.cells import Lab
from misfire.data import ClassLabels, Dataset, Image
from misfire.data.image_table import Known
from misfire.embeddings import EmbeddingStore, Encoder, TrainerSettings
from tests.plain_image import PlainImage

COLOURS = {
    "red": (220, 20, 20),
    "rose": (200, 60, 60),  # like red: the two are the worst, and rivals of each other
    "green": (20, 200, 20),
    "blue": (20, 20, 220),
    "yellow": (220, 220, 20),
    "cyan": (20, 220, 220),
    "white": (230, 230, 230),
}
CLASSES = tuple(COLOURS)


@dataclass
class ColourEncoder(Encoder):
    """An image is its mean colour; a text the colours that it names, and a little of whatever else it says."""

    label: str = "colours"

    @property
    def name(self) -> str:
        return self.label

    @property
    def dim(self) -> int:
        return 8

    @property
    def context_length(self) -> int:
        return 40

    def describe(self) -> dict[str, str]:
        return {"encoder": "colours"}

    def module(self) -> torch.nn.Module:
        return torch.nn.Identity()

    def preprocess(self, image: PillowImage.Image) -> torch.Tensor:
        raise NotImplementedError

    def tokenize(self, texts: Sequence[str]) -> torch.Tensor:
        raise NotImplementedError

    def is_truncated(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([len(text.split()) > self.context_length for text in texts])

    def encode_images(self, images: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError

    def encode_texts(self, tokens: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError

    def of_images(self, images: Sequence[Image]) -> torch.Tensor:
        colours = torch.tensor([np.asarray(image.source.load()).mean(axis=(0, 1)).tolist() for image in images])
        return torch.nn.functional.normalize(torch.nn.functional.pad(colours.float() / 128 - 1, (0, 5)), dim=1)

    def of_texts(self, texts: Sequence[str]) -> torch.Tensor:
        return torch.stack([self._of_text(text) for text in texts])

    def _of_text(self, text: str) -> torch.Tensor:
        vector = torch.zeros(8)
        for word in text.replace(",", "").split():
            if word in COLOURS:
                vector[:3] += torch.tensor(COLOURS[word]) / 128 - 1
            else:
                vector += 0.1 * torch.tensor([byte / 128 - 1 for byte in hashlib.sha256(word.encode()).digest()[:8]])
        return torch.nn.functional.normalize(vector, dim=0)


def dataset(seed: int = 0, *, each: int = 12, labels: np.ndarray | None = None, named: bool = True) -> Dataset:
    rng = np.random.default_rng(seed)
    true = np.repeat(np.arange(len(CLASSES)), each)
    colours = np.array([COLOURS[CLASSES[one]] for one in true]) + rng.normal(0, 28, size=(len(true), 3))
    images = tuple(
        Image(100 + place, PlainImage(tuple(int(value) for value in colour.clip(0, 255)), (4, 4)))
        for place, colour in enumerate(colours)
    )
    ids = np.array([image.id for image in images])
    known = Known(labels=ClassLabels(ids, CLASSES, true if labels is None else labels)) if named else Known()
    return Dataset(name="colours", images=images, known=known)


def lab(folder: Path) -> Lab:
    return Lab(folder, EmbeddingStore(folder), TrainerSettings(accelerator="cpu"))
