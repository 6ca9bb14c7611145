"""Where an open_clip model's definition and weights lie, found without reading the weights."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from misfire.core.errors import UsageError, name_some
from misfire.embeddings.architecture import (
    activation_of,
    built_in,
    comparable,
    has_both_activations,
    image_size_of,
    open_clip_folder,
)
from misfire.embeddings.checkpoint_settings import ACTIVATIONS, CONFIG_NAME, read_config, settle
from misfire.embeddings.hub import HUB, download_repository, download_tokenizer
from misfire.embeddings.preprocessing import Preprocessing, preprocessing_of
from misfire.embeddings.published import (
    QUICK,
    download_tag,
    preprocessing_settings,
    recognise,
    settings_of_tag,
    tags_of,
)
from misfire.embeddings.text_tokenizer import (
    BytePairTokenizer,
    HuggingFaceTokenizer,
    TokenizerFiles,
    check_merges,
    vocabulary_files,
)
from misfire.embeddings.weights_file import sha256_of_file

BUNDLED = "bundled:"
LOCAL_DIR = "local-dir:"
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
_WEIGHT_PATTERNS = ("*.safetensors", "*.bin", "*.pth", "*.pt")
# Masking tokens at random, open_clip's other option, is a choice of training.
_TOKENIZER_OPTIONS = frozenset({"clean", "strip_sep_token", "language", "additional_special_tokens"})


@dataclass(frozen=True)
class ModelSource:
    """A model on this disk.

    Attributes:
        architecture: open_clip's ``model_cfg``.
        preprocessing: What takes effect, whatever was left to open_clip's defaults.
        weights: The weights' file.
        tokenizer: What turns texts into tokens.
    """

    architecture: dict[str, Any]
    preprocessing: Preprocessing
    weights: Path
    tokenizer: TokenizerFiles

    def describe(self) -> dict[str, str]:
        """Content alone: equal wherever the files lie and whichever way they were named."""
        return {
            "encoder": "open_clip",
            "architecture": json.dumps(comparable(self.architecture), sort_keys=True),
            "activation": activation_of(self.architecture),
            "weights_sha256": sha256_of_file(self.weights),
            "preprocessing": self.preprocessing.describe(),
            "tokenizer": self.tokenizer.describe(),
        }


def locate(
    model: str, pretrained: str | None = None, weights: str | None = None, activation: str | None = None
) -> ModelSource:
    """Find a model's definition and weights.

    Args:
        model: ``bundled:NAME`` (ships with misfire), ``local-dir:FOLDER`` (``open_clip_config.json`` beside the
            weights), ``hf-hub:ORG/REPO``, or the name of a model that open_clip knows.
        pretrained: For a known model: one of its tags, or a checkpoint trained elsewhere. A folder holds its own.
        weights: The file that holds the weights of the tag, so that nothing is downloaded.
        activation: ``gelu`` or ``quick_gelu``, for a checkpoint that says neither.

    Raises:
        UsageError: If the model is unknown, its weights are not here, or what is known about them doesn't agree.
    """
    if model.startswith((BUNDLED, LOCAL_DIR, HUB)):
        for name, value in (("pretrained", pretrained), ("weights", weights)):
            if value is not None:
                raise UsageError(f"{name} must be null for {model}, got {value}; the folder holds the weights.")
        return _in_folder(_folder(model), activation)
    architecture = built_in(model)  # an unknown model is named before its weights
    if pretrained is None:
        raise UsageError(
            f"pretrained must name the weights of {model}, got null; set backbone.pretrained to a tag or to a file."
        )
    settings = settings_of_tag(model, pretrained)
    if settings:
        return _tagged(model, pretrained, settings, architecture, weights, activation)
    file = Path(pretrained).expanduser()
    if not file.is_file():
        raise UsageError(
            f"pretrained must be a weights file or a tag of {model} ({', '.join(tags_of(model))}), got {pretrained}; "
            "correct it."
        )
    if weights is not None:
        raise UsageError(f"weights must be null where pretrained is a file, got {weights}; name the file once.")
    architecture, preprocessing = settle(model, file, activation)
    return ModelSource(architecture, preprocessing, file, _tokenizer(architecture, file.parent))


def _tagged(
    model: str,
    tag: str,
    settings: Mapping[str, Any],
    architecture: dict[str, Any],
    weights: str | None,
    activation: str | None,
) -> ModelSource:
    own = ACTIVATIONS["quick_gelu" if settings.get("quick_gelu", False) else "gelu"]
    if own != activation_of(architecture) and has_both_activations(model):
        is_quick = own == ACTIVATIONS["quick_gelu"]
        raise UsageError(
            f"the model's activation must be that of its weights, got {model} for {tag}, which was trained with {own}; "
            f"choose the variant {'with' if is_quick else 'without'} {QUICK}."
        )
    _check_asked(activation, architecture, f"{tag} of {model}")
    file = download_tag(model, tag, settings) if weights is None else _named_file(model, tag, weights)
    preprocessing = preprocessing_of(
        preprocessing_settings(settings), image_size=image_size_of(architecture), place=f"the tag {tag} of {model}"
    )
    return ModelSource(architecture, preprocessing, file, _tokenizer(architecture, file.parent))


def _named_file(model: str, tag: str, weights: str) -> Path:
    file = Path(weights).expanduser()
    if not file.is_file():
        raise UsageError(f"weights must be a file, got {weights}, which isn't there; correct backbone.weights.")
    known = recognise(file)
    if known and (model.replace("/", "-"), tag.lower().replace("-", "_")) not in known:
        raise UsageError(
            f"weights must hold {tag} of {model}, got {file}, which is {known[0][1]} of {known[0][0]}; name the right "
            "file or tag."
        )
    return file


def _folder(model: str) -> Path:
    if model.startswith(HUB):
        return download_repository(model.removeprefix(HUB), CONFIG_NAME, LOCAL_DIR)
    if model.startswith(LOCAL_DIR):
        return Path(model.removeprefix(LOCAL_DIR)).expanduser()
    return Path(__file__).parent / model.removeprefix(BUNDLED)


def _in_folder(folder: Path, activation: str | None) -> ModelSource:
    path = folder / CONFIG_NAME
    if not path.is_file():
        raise UsageError(
            f"a model's folder must hold {CONFIG_NAME} and its weights, got {folder}; "
            "name a folder written by open_clip's hub tools or by the training script."
        )
    config = read_config(path)
    architecture = config["model_cfg"]
    if not config.get("preprocess_cfg"):
        raise UsageError(
            f"{path} must say in preprocess_cfg how the weights' pictures were prepared, got none; add it, with mean, "
            "std, interpolation and resize_mode as in training."
        )
    _check_asked(activation, architecture, str(path))
    preprocessing = preprocessing_of(config["preprocess_cfg"], image_size=image_size_of(architecture), place=str(path))
    weights = _weights_in(folder)
    return ModelSource(architecture, preprocessing, weights, _tokenizer_in(architecture, folder))


def _weights_in(folder: Path) -> Path:
    preferred = [folder / name for name in _WEIGHT_NAMES if (folder / name).is_file()]
    others = sorted({path for pattern in _WEIGHT_PATTERNS for path in folder.glob(pattern)})
    found = preferred[:1] or others
    if len(found) != 1:
        what = f"{name_some(path.name for path in found)} in" if found else "none in"
        raise UsageError(
            f"a model's folder must hold its weights, got {what} {folder}; save them there as model.safetensors."
        )
    return found[0]


def _tokenizer_in(architecture: Mapping[str, Any], folder: Path) -> TokenizerFiles:
    """The tokenizer of a folder, by the folder's own files alone where its configuration speaks of any."""
    options = _options(architecture)
    if architecture["text_cfg"].get("hf_tokenizer_name"):
        if not vocabulary_files(folder):
            raise UsageError(
                f"the folder of a model with its own tokenizer must hold the tokenizer's files, got none in {folder}; "
                f"put tokenizer.json and tokenizer_config.json of "
                f"{architecture['text_cfg']['hf_tokenizer_name']} there."
            )
        return HuggingFaceTokenizer(folder, options)
    name = architecture["text_cfg"].get("tokenizer_kwargs", {}).get("bpe_path")
    merges = _default_merges() if name is None else folder / name
    if not merges.is_file():
        raise UsageError(f"bpe_path must name a file in the model's folder, got {merges}; put the merges there.")
    check_merges(folder, merges)
    return BytePairTokenizer(merges, options)


def _tokenizer(architecture: Mapping[str, Any], beside: Path) -> TokenizerFiles:
    """The tokenizer of a model that open_clip knows; files beside the weights go before what would be downloaded."""
    options = _options(architecture)
    repository = architecture["text_cfg"].get("hf_tokenizer_name")
    if not repository:
        return BytePairTokenizer(_default_merges(), options)
    is_beside = any((beside / name).is_file() for name in ("tokenizer.json", "tokenizer_config.json"))
    return HuggingFaceTokenizer(beside if is_beside else download_tokenizer(repository, beside), options)


def _options(architecture: Mapping[str, Any]) -> str:
    given = {k: v for k, v in architecture["text_cfg"].get("tokenizer_kwargs", {}).items() if k != "bpe_path"}
    unknown = sorted(set(given) - _TOKENIZER_OPTIONS)
    if unknown:
        raise UsageError(
            f"tokenizer_kwargs must be among {', '.join(sorted(_TOKENIZER_OPTIONS))}, got {name_some(unknown)}; remove "
            "what only training needs."
        )
    return json.dumps(given, sort_keys=True)


def _check_asked(activation: str | None, architecture: Mapping[str, Any], place: str) -> None:
    if activation is not None and ACTIVATIONS[activation] != activation_of(architecture):
        raise UsageError(
            f"backbone.activation must be that of the weights, got {ACTIVATIONS[activation]} but "
            f"{activation_of(architecture)} in {place}; leave it null."
        )


def _default_merges() -> Path:
    return open_clip_folder() / "bpe_simple_vocab_16e6.txt.gz"
