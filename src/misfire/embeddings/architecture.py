"""open_clip's ``model_cfg``: which network it stands for, whatever it is spelled like."""

import json
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from misfire.core.errors import UsageError

DEFAULT_IMAGE_SIZE, DEFAULT_CONTEXT_LENGTH, DEFAULT_VOCABULARY_SIZE = 224, 77, 49408
# Told apart elsewhere in a fingerprint: the preprocessing has the size, the tokenizer's content its name and options.
_ELSEWHERE = ("image_size", "hf_tokenizer_name", "tokenizer_kwargs", "timm_model_pretrained", "hf_model_pretrained")


def open_clip_folder() -> Path:
    """Where the installed open_clip lies, found without importing it.

    Raises:
        UsageError: If it isn't installed.
    """
    spec = find_spec("open_clip")
    if spec is None or spec.origin is None:
        raise UsageError("open_clip must be installed, got no such package; run pip install open_clip_torch.")
    return Path(spec.origin).parent


def built_in(model: str) -> dict[str, Any]:
    """The ``model_cfg`` of a model that open_clip knows by name.

    Raises:
        UsageError: If it knows none of that name.
    """
    path = open_clip_folder() / "model_configs" / f"{model.replace('/', '-')}.json"
    if not path.is_file():
        raise UsageError(
            f"model must be one that open_clip knows, bundled:NAME, local-dir:FOLDER or hf-hub:ORG/REPO, got {model}; "
            "open_clip.list_models() lists the names."
        )
    return dict(json.loads(path.read_text(encoding="utf-8")))


def has_both_activations(model: str) -> bool:
    """Whether open_clip knows a model with GELU and with QuickGELU, so that its name chooses between them."""
    plain = model.replace("/", "-").removesuffix("-quickgelu")
    configs = open_clip_folder() / "model_configs"
    return (configs / f"{plain}.json").is_file() and (configs / f"{plain}-quickgelu.json").is_file()


def activation_of(architecture: Mapping[str, Any]) -> str:
    """``QuickGELU`` or ``GELU``."""
    return "QuickGELU" if architecture.get("quick_gelu", False) else "GELU"


def image_size_of(architecture: Mapping[str, Any]) -> Any:
    """The side or sides of the image tower's input."""
    return architecture["vision_cfg"].get("image_size", DEFAULT_IMAGE_SIZE)


def comparable(architecture: Mapping[str, Any]) -> dict[str, Any]:
    """Equal for equal networks: without activation, image size and tokenizer, with defaults written out."""
    parts = {name: value for name, value in architecture.items() if name != "quick_gelu"}
    parts["custom_text"] = bool(parts.get("custom_text", False))
    for name in ("vision_cfg", "text_cfg"):
        parts[name] = {key: value for key, value in parts[name].items() if key not in _ELSEWHERE}
    parts["text_cfg"].setdefault("context_length", DEFAULT_CONTEXT_LENGTH)
    if "hf_model_name" not in parts["text_cfg"]:
        parts["text_cfg"].setdefault("vocab_size", DEFAULT_VOCABULARY_SIZE)
    return parts


def vocabulary_size_in(architecture: Mapping[str, Any]) -> int | None:
    """How many tokens open_clip's own text tower knows; None where a model of transformers has its own number."""
    text = architecture["text_cfg"]
    return None if "hf_model_name" in text else int(text.get("vocab_size", DEFAULT_VOCABULARY_SIZE))
