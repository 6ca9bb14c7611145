"""An encoder that is an open_clip model with its own weights, preprocessing and tokenizer."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from PIL.Image import Image as PillowImage
from typing_extensions import override

from misfire.core.errors import UsageError
from misfire.embeddings.architecture import vocabulary_size_in
from misfire.embeddings.checkpoint_settings import ACTIVATIONS
from misfire.embeddings.encoder import Encoder, Tokens, unit_rows
from misfire.embeddings.open_clip_network import load_network, vocabulary_size_of
from misfire.embeddings.open_clip_source import ModelSource, locate
from misfire.embeddings.regions import regional_features
from misfire.embeddings.short_context import can_be_shortened, encode_shortened
from misfire.embeddings.text_tokenizer import TokenizerFiles
from misfire.embeddings.weights_file import sha256_of_file

PRECISIONS = ("fp32", "bf16")


@final
@dataclass(frozen=True)
class OpenClipEncoder(Encoder):
    """A model of open_clip; its weights are read when something must be encoded.

    Args:
        model: ``bundled:world_clip``, ``local-dir:FOLDER``, ``hf-hub:ORG/REPO``, or a model that open_clip knows.
        pretrained: For a model that open_clip knows: one of its tags, or a checkpoint trained elsewhere (safetensors,
            or a torch file such as open_clip's ``epoch_N.pt``). None where the model is a folder.
        weights: The file that holds the weights of that tag; nothing is downloaded then.
        activation: ``gelu`` or ``quick_gelu`` (OpenAI's), where nothing beside a checkpoint says which it was trained
            with: neither open_clip's ``params.txt``, beside it or one folder up from ``checkpoints/``, nor an
            ``open_clip_config.json``, nor the name of a published file. Preprocessing comes from the same places, else
            from the model's published weights where these agree, else it is open_clip's default, if at least one of
            them uses that; otherwise it is an error.
        precision: ``fp32``, or ``bf16`` for autocast in bfloat16; rows are normalised and kept in fp32 either way.

    Raises:
        UsageError: If the precision or the activation is none of these.

    Example:
        >>> OpenClipEncoder(model="local-dir:models/ours").name
        'ours'
    """

    model: str
    pretrained: str | None = None
    weights: str | None = None
    activation: str | None = None
    precision: str = "fp32"

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise UsageError(f"precision must be one of {', '.join(PRECISIONS)}, got {self.precision}; use fp32.")
        if self.activation is not None and self.activation not in ACTIVATIONS:
            raise UsageError(
                f"activation must be one of {', '.join(ACTIVATIONS)} or null, got {self.activation}; use quick_gelu "
                "for weights that go back to OpenAI's."
            )

    @property
    @override
    def name(self) -> str:
        name = Path(self.model.split(":", maxsplit=1)[-1]).name
        return name if self.pretrained is None else f"{name} {Path(self.pretrained).name}"

    @cached_property
    def _source(self) -> ModelSource:
        return locate(self.model, self.pretrained, self.weights, self.activation)

    @property
    @override
    def dim(self) -> int:
        return int(self._source.architecture["embed_dim"])

    @property
    @override
    def context_length(self) -> int:
        return int(self._source.architecture["text_cfg"].get("context_length", 77))

    @override
    def describe(self) -> dict[str, str]:
        return dict(self._description)

    @cached_property
    def _description(self) -> dict[str, str]:
        return {**self._source.describe(), "precision": self.precision}

    @override
    def module(self) -> torch.nn.Module:
        return self._network

    @override
    def preprocess(self, image: PillowImage) -> UInt8[torch.Tensor, "channel height width"]:
        return self._source.preprocessing.resize(image)

    @override
    def tokenize(self, texts: Sequence[str]) -> Tokens:
        tokens: torch.Tensor = self._tokenizer(list(texts))
        return tokens

    @override
    def is_truncated(self, texts: Sequence[str]) -> Bool[np.ndarray, " text"]:
        return self._source.tokenizer.is_truncated(self._tokenizer, texts)

    @override
    def may_be_truncated(self, tokens: Tokens) -> Bool[np.ndarray, " text"]:
        return self._source.tokenizer.may_be_truncated(self._tokenizer, tokens)

    @override
    def encode_images(
        self, images: UInt8[torch.Tensor, "image channel height width"]
    ) -> Float[torch.Tensor, "image dim"]:
        with self._inference(images.device.type):
            pixels = self._source.preprocessing.normalise(images)
            return unit_rows(self._network.encode_image(pixels))  # type: ignore[operator]

    def encode_regions(
        self, images: UInt8[torch.Tensor, "image channel height width"]
    ) -> Float[torch.Tensor, "image region dim"]:
        """Embeddings of the regions of preprocessed images, row by row of the grid: unit rows in fp32.

        Raises:
            UsageError: If the visual tower gives no regional features.
        """
        with self._inference(images.device.type):
            pixels = self._source.preprocessing.normalise(images)
            regions = regional_features(self._network, pixels, name=self.name)
            return torch.nn.functional.normalize(regions.float(), dim=-1)

    @override
    def encode_texts(self, tokens: Tokens) -> Float[torch.Tensor, "text dim"]:
        network = self._network
        with self._inference(tokens.device.type):
            if can_be_shortened(network):
                return unit_rows(encode_shortened(network, tokens))
            return unit_rows(network.encode_text(tokens))  # type: ignore[operator]

    @property
    def _network(self) -> torch.nn.Module:
        source = self._source
        if vocabulary_size_in(source.architecture) is not None:
            self._checked_tokenizer(vocabulary_size_in(source.architecture))  # before the weights' gigabytes
        network = _load(
            self.model, json.dumps(source.architecture), source.weights, self._description["weights_sha256"]
        )
        self._checked_tokenizer(vocabulary_size_of(network))
        return network

    @property
    def _tokenizer(self) -> Any:
        return self._checked_tokenizer(vocabulary_size_in(self._source.architecture))

    def _checked_tokenizer(self, vocabulary_size: int | None) -> Any:
        source = self._source
        if vocabulary_size is None:  # a text tower of transformers knows it, its configuration doesn't
            vocabulary_size = vocabulary_size_of(self._network)
        text_cfg = json.dumps(source.architecture["text_cfg"])
        return _load_tokenizer(source.tokenizer, self._description["tokenizer"], text_cfg, vocabulary_size)

    @contextmanager
    def _inference(self, device_type: str) -> Iterator[None]:
        autocast = torch.autocast(device_type, dtype=torch.bfloat16, enabled=self.precision == "bf16")
        with torch.no_grad(), _full_float32(), autocast:
            yield


@lru_cache(maxsize=2)  # the cells of a grid share one model; a comparison of two backbones keeps both
def _load(name: str, architecture: str, weights: Path, weights_sha256: str) -> torch.nn.Module:
    network = load_network(json.loads(architecture), weights, name=name)
    if sha256_of_file(weights) != weights_sha256:
        raise UsageError(f"weights must stay as they were when they were named, got a change of {weights}; run again.")
    return network


@lru_cache(maxsize=4)
def _load_tokenizer(files: TokenizerFiles, description: str, text_cfg: str, vocabulary_size: int) -> Any:
    tokenizer = files.load(json.loads(text_cfg), vocabulary_size=vocabulary_size)
    if files.describe() != description:
        raise UsageError(
            f"a tokenizer must stay as it was when it was named, got a change of {files.place}; run again."
        )
    return tokenizer


@contextmanager
def _full_float32() -> Iterator[None]:
    """Plain fp32 products: neither TF32 nor bf16 parts stand in for them."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            yield
    finally:
        torch.set_float32_matmul_precision(before)
