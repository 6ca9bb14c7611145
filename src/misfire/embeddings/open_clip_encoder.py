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
from jaxtyping import Bool, Float
from PIL.Image import Image as PillowImage
from typing_extensions import override

from misfire.core.errors import UsageError
from misfire.embeddings.encoder import Encoder, Tokens, unit_rows
from misfire.embeddings.open_clip_source import ModelSource, locate, sha256_of_weights
from misfire.embeddings.short_context import can_be_shortened, encode_shortened

PRECISIONS = ("fp32", "bf16")


@final
@dataclass(frozen=True)
class OpenClipEncoder(Encoder):
    """A model of open_clip; its weights are read when something must be encoded.

    Args:
        model: ``bundled:world_clip``, ``local-dir:FOLDER``, or a model that open_clip knows.
        pretrained: A tag or a weights file; None where the model is a folder. A file says nothing about its
            activation: choose the model's ``-quickgelu`` variant for weights trained with QuickGELU (OpenAI's were).
        precision: ``fp32``, or ``bf16`` for autocast in bfloat16; rows are normalised and kept in fp32 either way.

    Raises:
        UsageError: If the precision is neither.

    Example:
        >>> OpenClipEncoder(model="local-dir:models/ours").name
        'ours'
    """

    model: str
    pretrained: str | None = None
    precision: str = "fp32"

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise UsageError(f"precision must be one of {', '.join(PRECISIONS)}, got {self.precision}; use fp32.")

    @property
    @override
    def name(self) -> str:
        name = Path(self.model.split(":", maxsplit=1)[-1]).name
        return name if self.pretrained is None else f"{name} {Path(self.pretrained).name}"

    @cached_property
    def _source(self) -> ModelSource:
        return locate(self.model, self.pretrained)

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
        source = self._source
        architecture = source.architecture
        return {
            "encoder": "open_clip",
            "architecture": _canonical(_without_paths(architecture)),
            "activation": "QuickGELU" if architecture.get("quick_gelu", False) else "GELU",
            "weights_sha256": sha256_of_weights(source.weights),
            "preprocessing": _canonical(source.preprocessing),
            "tokenizer": " ".join(sha256_of_weights(path) for path in source.vocabulary),
            "precision": self.precision,
        }

    @override
    def module(self) -> torch.nn.Module:
        return self._loaded.network

    @override
    def preprocess(self, image: PillowImage) -> Float[torch.Tensor, "channel height width"]:
        pixels: torch.Tensor = self._loaded.transform(image.convert("RGB"))
        return pixels

    @override
    def tokenize(self, texts: Sequence[str]) -> Tokens:
        tokens: torch.Tensor = self._loaded.tokenizer(list(texts))
        return tokens

    @override
    def is_truncated(self, texts: Sequence[str]) -> Bool[np.ndarray, " text"]:
        # In a context twice as long, a token beyond the model's own is one that the model doesn't read.
        tokenizer, length = self._loaded.tokenizer, self.context_length
        tokens = tokenizer(["", *texts], context_length=2 * length)
        padding = tokens[0, -1]
        truncated: Bool[np.ndarray, " text"] = (tokens[1:, length:] != padding).any(dim=1).numpy()
        return truncated

    @override
    def encode_images(
        self, images: Float[torch.Tensor, "image channel height width"]
    ) -> Float[torch.Tensor, "image dim"]:
        with self._inference(images.device.type):
            return unit_rows(self._loaded.network.encode_image(images))  # type: ignore[operator]

    @override
    def encode_texts(self, tokens: Tokens) -> Float[torch.Tensor, "text dim"]:
        network = self._loaded.network
        with self._inference(tokens.device.type):
            if can_be_shortened(network):
                return unit_rows(encode_shortened(network, tokens))
            return unit_rows(network.encode_text(tokens))  # type: ignore[operator]

    @property
    def _loaded(self) -> "_Loaded":
        source = self._source
        return _load(
            source.model_name, source.pretrained, source.weights, source.merges, self._description["weights_sha256"]
        )

    @contextmanager
    def _inference(self, device_type: str) -> Iterator[None]:
        autocast = torch.autocast(device_type, dtype=torch.bfloat16, enabled=self.precision == "bf16")
        with torch.no_grad(), _full_float32(), autocast:
            yield


@dataclass(frozen=True)
class _Loaded:
    network: torch.nn.Module
    transform: Any
    tokenizer: Any


@lru_cache(maxsize=2)  # the cells of a grid share one model; a comparison of two backbones keeps both
def _load(model_name: str, pretrained: str | None, weights: Path, merges: Path | None, weights_sha256: str) -> _Loaded:
    import open_clip

    try:
        network, transform = open_clip.create_model_from_pretrained(model_name, pretrained=pretrained)
        own_merges = {} if merges is None else {"bpe_path": str(merges)}
        tokenizer = open_clip.get_tokenizer(model_name, **own_merges)
    except Exception as error:  # open_clip raises whatever the file or its libraries do
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UsageError(
            f"backbone {model_name} must load with its own weights {weights.name}, got: {reason} "
            "Check that model and weights belong together and that the file is whole."
        ) from error
    if sha256_of_weights(weights) != weights_sha256:
        raise UsageError(f"weights must stay as they were when they were named, got a change of {weights}; run again.")
    return _Loaded(network.eval().requires_grad_(False), transform, tokenizer)


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


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _without_paths(architecture: dict[str, Any]) -> dict[str, Any]:
    text = {name: value for name, value in architecture["text_cfg"].items() if name != "tokenizer_kwargs"}
    options = architecture["text_cfg"].get("tokenizer_kwargs", {})
    kept = {name: value for name, value in options.items() if name != "bpe_path"}  # its content's hash is the key's
    return {**architecture, "text_cfg": {**text, "tokenizer_kwargs": kept}}
