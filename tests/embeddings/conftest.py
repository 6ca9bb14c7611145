"""A fake encoder that is pure torch, and a tiny open_clip model that is made on the spot."""

import gzip
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from misfire.embeddings import EmbeddingStore, Encoder, TrainerSettings
from misfire.embeddings.encoder import unit_rows

DIM = 6


@dataclass
class FakeEncoder(Encoder):
    """A text's embedding is drawn from its hash, an image's from its mean colour; counts what it is asked for."""

    weights: str = "fake weights"
    precision: str = "fp32"
    preprocessing: str = "mean colour"
    poisoned: str | None = None
    encoded: list[int] = field(default_factory=list)
    network: torch.nn.Module = field(default_factory=torch.nn.Identity)

    @property
    def name(self) -> str:
        return "fake"

    @property
    def dim(self) -> int:
        return DIM

    @property
    def context_length(self) -> int:
        return 3

    def describe(self) -> dict[str, str]:
        return {
            "encoder": "fake",
            "weights_sha256": hashlib.sha256(self.weights.encode()).hexdigest(),
            "preprocessing": self.preprocessing,
            "precision": self.precision,
        }

    def module(self) -> torch.nn.Module:
        return self.network

    def preprocess(self, image: Image.Image) -> torch.Tensor:
        return torch.from_numpy(np.asarray(image.convert("RGB"), dtype=np.float32)).permute(2, 0, 1)

    def tokenize(self, texts: Sequence[str]) -> torch.Tensor:
        return torch.tensor([list(hashlib.sha256(text.encode()).digest()[:DIM]) for text in texts])

    def is_truncated(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([len(text.split()) > self.context_length for text in texts], dtype=bool)

    def encode_images(self, images: torch.Tensor) -> torch.Tensor:
        self.encoded.append(len(images))
        return unit_rows(images.mean(dim=(2, 3)).repeat(1, DIM // 3) + 1)

    def encode_texts(self, tokens: torch.Tensor) -> torch.Tensor:
        self.encoded.append(len(tokens))
        rows = unit_rows(tokens.float() + 1)
        if self.poisoned is not None:
            rows[(tokens == self.tokenize([self.poisoned])).all(dim=1)] = torch.nan
        return rows


def expected_text_rows(texts: Sequence[str]) -> np.ndarray:
    """The fake encoder's rows, computed without it."""
    rows = np.array([list(hashlib.sha256(text.encode()).digest()[:DIM]) for text in texts], dtype=np.float64) + 1
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@dataclass(frozen=True)
class SolidSource:
    colour: tuple[int, int, int]

    @property
    def content_sha256(self) -> str:
        return hashlib.sha256(repr(self.colour).encode()).hexdigest()

    def load(self) -> Image.Image:
        return Image.new("RGB", (40, 30), self.colour)


@dataclass(frozen=True)
class SolidImage:
    id: int
    source: SolidSource


def solid_images(*colours: tuple[int, int, int]) -> list[SolidImage]:
    return [SolidImage(index, SolidSource(colour)) for index, colour in enumerate(colours)]


@pytest.fixture
def encoder() -> FakeEncoder:
    return FakeEncoder()


@pytest.fixture
def store(tmp_path: Path) -> EmbeddingStore:
    return EmbeddingStore(tmp_path / "store")


@pytest.fixture
def trainer() -> TrainerSettings:
    return TrainerSettings(accelerator="cpu", batch_size=4)


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that open_clip can load: 2 + 2 layers, width 32, 64 px, context 16, 200 byte-pair merges."""
    import open_clip
    from open_clip.tokenizer import default_bpe
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("tiny_clip")
    merges = gzip.decompress(Path(default_bpe()).read_bytes()).decode().split("\n")[:201]
    (folder / "merges.txt.gz").write_bytes(gzip.compress("\n".join(merges).encode(), mtime=0))
    model_cfg = {
        "embed_dim": 24,
        "vision_cfg": {"image_size": 64, "layers": 2, "width": 32, "head_width": 16, "patch_size": 16},
        "text_cfg": {
            "context_length": 16,
            "vocab_size": 512 + 200 + 2,
            "width": 32,
            "heads": 2,
            "layers": 2,
            "tokenizer_kwargs": {"bpe_path": "merges.txt.gz"},
        },
    }
    config = {"model_cfg": model_cfg, "preprocess_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    torch.manual_seed(0)
    network = open_clip.CLIP(**json.loads(json.dumps(model_cfg)))
    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, folder / "model.safetensors")
    return folder
