"""Where an open_clip model's definition and weights lie, found without importing open_clip where that is possible."""

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from misfire.core.errors import UsageError
from misfire.core.hashing import sha256_file

BUNDLED = "bundled:"
LOCAL_DIR = "local-dir:"
HUB = "hf-hub:"
# The order in which open_clip itself prefers the weights in a folder.
_WEIGHT_NAMES = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin",
    "open_clip_pytorch_model.pth",
    "model.safetensors",
    "pytorch_model.bin",
    "pytorch_model.pth",
    "model.pth",
)
_VOCABULARY_PATTERNS = ("tokenizer*", "vocab*", "merges*", "special_tokens_map.json", "*.model")


@dataclass(frozen=True)
class ModelSource:
    """A model as open_clip can load it from this disk.

    Attributes:
        model_name: First argument of open_clip's ``create_model``.
        pretrained: Its second argument: a tag, a file, or None for a folder.
        architecture: open_clip's ``model_cfg``.
        preprocessing: What differs from open_clip's default ``PreprocessCfg``.
        weights: The weights' file.
        merges: The byte-pair merges' file of open_clip's own tokenizer, None for the default or another tokenizer.
        vocabulary: The files that define the tokenizer, in order.
    """

    model_name: str
    pretrained: str | None
    architecture: dict[str, Any]
    preprocessing: dict[str, Any]
    weights: Path
    merges: Path | None
    vocabulary: tuple[Path, ...]


def locate(model: str, pretrained: str | None) -> ModelSource:
    """Find a model's definition and weights.

    Args:
        model: ``bundled:NAME`` (ships with misfire), ``local-dir:FOLDER`` (``open_clip_config.json`` beside the
            weights), or the name of a model that open_clip knows.
        pretrained: For a known model: one of its tags, or a weights file. A folder holds its own weights.

    Raises:
        UsageError: If the model is unknown, its weights are not here, or its activation is not the weights' own.
    """
    if model.startswith(HUB):
        raise UsageError(
            f"model must be on this disk, got {model}; download the repository into a folder "
            f"and set backbone.model={LOCAL_DIR}FOLDER."
        )
    if model.startswith((BUNDLED, LOCAL_DIR)):
        if pretrained is not None:
            raise UsageError(f"pretrained must be null for {model}, got {pretrained}; the folder holds the weights.")
        return _in_folder(_folder(model))
    if pretrained is None:
        raise UsageError(
            f"pretrained must name the weights of {model}, got null; set backbone.pretrained to a tag or to a file."
        )
    if Path(pretrained).is_file():
        return _built_in(model, pretrained, preprocessing={}, weights=Path(pretrained))
    return _tagged(model, pretrained)


def sha256_of_weights(path: Path) -> str:
    """SHA-256 of a weights file, computed once a process for a file that doesn't change."""
    status = path.stat()
    return _sha256_unchanged(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _sha256_unchanged(path: Path, size: int, mtime_ns: int) -> str:  # size and time are the cache's key
    return sha256_file(path)


def _folder(model: str) -> Path:
    if model.startswith(LOCAL_DIR):
        return Path(model.removeprefix(LOCAL_DIR))
    return Path(__file__).parent / model.removeprefix(BUNDLED)


def _in_folder(folder: Path) -> ModelSource:
    config_path = folder / "open_clip_config.json"
    if not config_path.is_file():
        raise UsageError(
            f"a model's folder must hold open_clip_config.json and its weights, got {folder}; "
            "name a folder written by open_clip's hub tools or by the training script."
        )
    config = json.loads(config_path.read_text(encoding="utf-8"))
    if "model_cfg" not in config:
        raise UsageError(f"{config_path} must have the key model_cfg, got {sorted(config)}; add open_clip's model_cfg.")
    found = [folder / name for name in _WEIGHT_NAMES if (folder / name).is_file()]
    if not found:
        raise UsageError(
            f"a model's folder must hold its weights, got none in {folder}; save them there as model.safetensors."
        )
    merges_name = config["model_cfg"]["text_cfg"].get("tokenizer_kwargs", {}).get("bpe_path")
    merges = folder / merges_name if merges_name is not None else None
    vocabulary = {path for pattern in _VOCABULARY_PATTERNS for path in folder.glob(pattern)}
    if merges is not None:
        vocabulary.add(merges)
    return ModelSource(
        model_name=f"{LOCAL_DIR}{folder}",
        pretrained=None,
        architecture=config["model_cfg"],
        preprocessing=config.get("preprocess_cfg", {}),
        weights=found[0],
        merges=merges,
        vocabulary=tuple(sorted(vocabulary)) or (_default_merges(),),
    )


def _built_in(model: str, pretrained: str, *, preprocessing: dict[str, Any], weights: Path) -> ModelSource:
    path = _open_clip_folder() / "model_configs" / f"{model.replace('/', '-')}.json"
    if not path.is_file():
        raise UsageError(
            f"model must be one that open_clip knows, {BUNDLED}NAME or {LOCAL_DIR}FOLDER, got {model}; "
            "open_clip.list_models() lists the names."
        )
    return ModelSource(
        model_name=model,
        pretrained=pretrained,
        architecture=json.loads(path.read_text(encoding="utf-8")),
        preprocessing=preprocessing,
        weights=weights,
        merges=None,
        vocabulary=(_default_merges(),),
    )


def _tagged(model: str, tag: str) -> ModelSource:
    from open_clip.pretrained import download_pretrained, get_pretrained_cfg, list_pretrained_tags_by_model

    source = _built_in(model, tag, preprocessing={}, weights=Path())  # an unknown model is named before its tag
    cleaned = model.replace("/", "-")
    settings = get_pretrained_cfg(cleaned, tag)
    if not settings:
        tags = ", ".join(list_pretrained_tags_by_model(cleaned))
        raise UsageError(f"pretrained must be a weights file or a tag of {model} ({tags}), got {tag}; correct it.")
    if settings.get("quick_gelu", False) != source.architecture.get("quick_gelu", False):
        is_quick = settings.get("quick_gelu", False)
        raise UsageError(
            f"the model's activation must be that of its weights, got {model} for {tag}, which was trained with "
            f"{'QuickGELU' if is_quick else 'GELU'}; choose the variant {'with' if is_quick else 'without'} -quickgelu."
        )
    try:
        weights = download_pretrained(settings)
    except Exception as error:  # open_clip and its download clients raise whatever they like
        raise UsageError(
            f"the weights {tag} of {model} must be on this disk or downloadable, got {type(error).__name__}; connect "
            "to the network once, or set backbone.pretrained to a file."
        ) from error
    known = ("size", "mode", "mean", "std", "interpolation", "resize_mode", "fill_color")
    preprocessing = {name: settings[name] for name in known if name in settings}
    return _built_in(model, tag, preprocessing=preprocessing, weights=Path(weights))


def _default_merges() -> Path:
    return _open_clip_folder() / "bpe_simple_vocab_16e6.txt.gz"


def _open_clip_folder() -> Path:
    spec = find_spec("open_clip")  # finds the package without importing it
    if spec is None or spec.origin is None:
        raise UsageError("open_clip must be installed, got no such package; run pip install open_clip_torch.")
    return Path(spec.origin).parent
