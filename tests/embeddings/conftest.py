"""A fake encoder that is pure torch, and a tiny open_clip model that is made on the spot."""

import gzip
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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


@dataclass(frozen=True)
class TinyLibrary:
    """open_clip with two more models by name, Tiny and Tiny-quickgelu, and random weights for both.

    Attributes:
        folder: An empty folder for files.
        weights: A state dict in safetensors.
        configs: The folder of the models' configurations.
    """

    folder: Path
    weights: Path
    configs: Path

    def config(self, name: str) -> dict[str, Any]:
        from open_clip.factory import get_model_config

        return dict(get_model_config(name))

    def rows(self, model: str, file: Path, image: Image.Image, texts: Sequence[str], **forced: Any) -> torch.Tensor:
        """The embeddings of an image and of texts by open_clip's own loading, preprocessing and encoding."""
        import open_clip

        options = {"force_quick_gelu": False, **forced}
        network, _, preprocess = open_clip.create_model_and_transforms(model, pretrained=str(file), **options)
        tokens = open_clip.get_tokenizer(model)(list(texts))
        with torch.no_grad():
            images = network.eval().encode_image(preprocess(image)[None], normalize=True)
            return torch.cat([images, network.encode_text(tokens, normalize=True)])


def own_rows(encoder: Encoder, image: Image.Image, texts: Sequence[str]) -> torch.Tensor:
    """The same embeddings by an encoder."""
    images = encoder.encode_images(encoder.preprocess(image)[None])
    return torch.cat([images, encoder.encode_texts(encoder.tokenize(texts))])


@pytest.fixture
def tiny_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TinyLibrary:
    import open_clip
    from open_clip.pretrained import _PRETRAINED, _pcfg
    from safetensors.torch import save_file

    vision = {"image_size": 32, "layers": 1, "width": 16, "head_width": 8, "patch_size": 16}
    text = {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1}
    plain: dict[str, Any] = {"embed_dim": 8, "vision_cfg": vision, "text_cfg": text}
    quick = _pcfg(hf_hub="nobody/tiny-quick/", quick_gelu=True)
    tags = {"Tiny": {"plain": _pcfg(hf_hub="nobody/tiny/"), "quick": quick}, "Tiny-quickgelu": {"quick": quick}}
    configs = tmp_path / "library/model_configs"
    configs.mkdir(parents=True)
    for name, config in (("Tiny", plain), ("Tiny-quickgelu", {**plain, "quick_gelu": True})):
        (configs / f"{name}.json").write_text(json.dumps(config))
        monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, name, config)
        monkeypatch.setitem(_PRETRAINED, name, tags[name])
    monkeypatch.setattr("misfire.embeddings.architecture.open_clip_folder", lambda: configs.parent)
    folder = tmp_path / "files"
    folder.mkdir()
    torch.manual_seed(0)
    network = open_clip.CLIP(**json.loads(json.dumps(plain)))
    # As large as trained ones, so that the activations differ visibly.
    state = {name: 2 * value.contiguous() for name, value in network.state_dict().items()}
    save_file(state, folder / "weights.safetensors")
    return TinyLibrary(folder, folder / "weights.safetensors", configs)
