"""A small invented dataset with ties and a truth, and an encoder that is a few lines of torch."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from PIL import Image as PillowImage

from misfire.cells.lab import Workbench
from misfire.data import Caption, Dataset, Image
from misfire.embeddings import EmbeddingStore, Encoder, TrainerSettings
from misfire.embeddings.encoder import unit_rows
from misfire.failures import Selection
from misfire.methods.retrieval.prompted import PromptedQueries, complement_sample
from misfire.prompts import TemplateSet
from misfire.scoring import PromptPooling
from misfire.stats import StatisticsSettings
from tests.plain_image import PlainImage

DIM = 8
NUM_IMAGES = 14
CATEGORIES = ("object", "attribute", "action", "count")
KS = (1, 3, 6)
TEMPLATES = TemplateSet("three", ("{caption}", "a photo of {caption}", "what is shown: {caption}"))


def _projection(rows: int, seed: int) -> torch.Tensor:
    return torch.randn(rows, DIM, generator=torch.Generator().manual_seed(seed))


@dataclass
class HashEncoder(Encoder):
    """A text's embedding is drawn from its hash, an image's from its mean colour."""

    weights: str = "weights"
    label: str = "hash"
    num_encoded: list[int] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.label

    @property
    def dim(self) -> int:
        return DIM

    @property
    def context_length(self) -> int:
        return 99

    def describe(self) -> dict[str, str]:
        return {"encoder": "hash", "weights": self.weights, "precision": "fp32"}

    def module(self) -> torch.nn.Module:
        return torch.nn.Identity()

    def preprocess(self, image: PillowImage.Image) -> torch.Tensor:
        return torch.from_numpy(np.array(image.convert("RGB"), dtype=np.float32)).permute(2, 0, 1)

    def tokenize(self, texts: Sequence[str]) -> torch.Tensor:
        return torch.tensor([list(hashlib.sha256(text.encode()).digest()[:16]) for text in texts])

    def is_truncated(self, texts: Sequence[str]) -> np.ndarray:
        return np.zeros(len(texts), dtype=bool)

    def encode_images(self, images: torch.Tensor) -> torch.Tensor:
        self.num_encoded.append(len(images))
        return unit_rows(torch.cos(images.mean(dim=(2, 3)) @ _projection(3, 0) / 64))

    def encode_texts(self, tokens: torch.Tensor) -> torch.Tensor:
        self.num_encoded.append(len(tokens))
        return unit_rows(torch.cos(tokens.float() @ _projection(16, 13) / 64))


class TruthfulDataset(Dataset):
    """Knows why a caption fails: the category goes by the caption's place."""

    def oracle_category(self, caption_position: int, image_position: int) -> str:
        return CATEGORIES[(caption_position + image_position) % len(CATEGORIES)]

    def oracle_subtype(self, caption_position: int, image_position: int) -> str:
        raise AssertionError("no category of this truth has subtypes")


def dataset(name: str = "invented", *, last_text: str = "a view of thing 0 again") -> TruthfulDataset:
    """Images 100, 101, ... with one to three captions each.

    The first two images look alike, so that they tie; a text stands under three images; no id is a position.
    """
    colours = [(17 * i % 256, 71 * i % 256, 133 * i % 256) for i in range(NUM_IMAGES)]
    colours[1] = colours[0]
    captions = [
        Caption(1000 + 10 * i + j, 100 + i, "a thing" if (i % 5, j) == (0, 0) else f"thing {i}, view {j}")
        for i in range(NUM_IMAGES)
        for j in range(1 + i % 3)
    ]
    captions.append(Caption(2000, 100, last_text))
    return TruthfulDataset(
        name, tuple(Image(100 + i, PlainImage(c, (4, 4))) for i, c in enumerate(colours)), tuple(captions)
    )


def workbench(folder: Path, *, data: Dataset | None = None, encoder: Encoder | None = None) -> Workbench:
    return Workbench(
        dataset=data or dataset(),
        encoder=encoder or HashEncoder(),
        store=EmbeddingStore(folder),
        trainer=TrainerSettings(accelerator="cpu", batch_size=64),
    )


def cell(
    bench: Workbench,
    subset: Selection,
    *,
    pooling: PromptPooling,
    statistics: StatisticsSettings,
    template_set: TemplateSet = TEMPLATES,
    num_others: int | None = None,
) -> PromptedQueries:
    """A cell of a subset and all the other queries, or a sample of them."""
    return PromptedQueries(
        dataset=bench.dataset,
        backbone_fingerprint=bench.encoder.fingerprint,
        subset=subset,
        complement=complement_sample(
            len(bench.dataset.captions), subset.positions, num_queries=num_others, seed=statistics.seed
        ),
        template_set=template_set,
        pooling=pooling,
        ks=KS,
        statistics=statistics,
    )


def plain_text_rows(texts: Sequence[str]) -> np.ndarray:
    """Each text encoded by itself, without store or loop, as float64."""
    encoder = HashEncoder()
    return np.stack([encoder.encode_texts(encoder.tokenize([text]))[0].double().numpy() for text in texts])


def plain_image_rows(data: Dataset) -> np.ndarray:
    """Each image encoded by itself, without store or loop, as float64."""
    encoder = HashEncoder()
    pixels = [encoder.preprocess(image.source.load())[None] for image in data.images]
    return np.stack([encoder.encode_images(image)[0].double().numpy() for image in pixels])
