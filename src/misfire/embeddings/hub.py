"""What is fetched from the Hugging Face hub into its cache: a model's folder, or a tokenizer's."""

from pathlib import Path
from typing import Any

from misfire.core.errors import UsageError
from misfire.core.hub import offline_if_unreachable
from misfire.embeddings.text_tokenizer import VOCABULARY_PATTERNS, vocabulary_files

HUB = "hf-hub:"
# Those that open_clip's own upload writes, and that its download looks for.
_WEIGHT_NAMES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")


def download_repository(repository: str, config_name: str, local_prefix: str) -> Path:
    """The folder in the hub's cache with a repository's configuration, weights and tokenizer.

    Raises:
        UsageError: If the cache lacks it and it can't be downloaded; it says which files to put where.
    """
    try:
        folder = _snapshot(repository, [config_name, *VOCABULARY_PATTERNS])
        return folder if _has_weights(folder) else _first_weights(repository).parent
    except Exception as error:  # the hub's client raises its own, its transport's and the system's
        raise UsageError(
            f"{HUB}{repository} must be in the hub's cache or downloadable, got {type(error).__name__}; connect to the "
            f"network once, or put {config_name}, {_WEIGHT_NAMES[0]} and the tokenizer's files of "
            f"https://huggingface.co/{repository} into a folder and set backbone.model={local_prefix}FOLDER."
        ) from error


def download_tokenizer(repository: str, beside: Path) -> Path:
    """The folder in the hub's cache with a tokenizer's files.

    Raises:
        UsageError: If the cache lacks them and they can't be downloaded; it says which files to put where.
    """
    try:
        folder = _snapshot(repository, list(VOCABULARY_PATTERNS))
        if vocabulary_files(folder):
            return folder
        reason = "a repository without any"
    except Exception as error:  # the hub's client raises its own, its transport's and the system's
        reason = type(error).__name__
    raise UsageError(
        f"the tokenizer {repository} must be in the hub's cache or downloadable, got {reason}; connect to the network "
        f"once, or put tokenizer.json and tokenizer_config.json of https://huggingface.co/{repository} into {beside}, "
        "beside the weights."
    )


def _snapshot(repository: str, patterns: list[str]) -> Path:
    import huggingface_hub

    with offline_if_unreachable():
        return Path(huggingface_hub.snapshot_download(repository, allow_patterns=patterns))


def _has_weights(folder: Path) -> bool:
    return any((folder / name).is_file() for name in _WEIGHT_NAMES)


def _first_weights(repository: str) -> Path:
    import huggingface_hub
    from huggingface_hub.errors import EntryNotFoundError

    client: Any = huggingface_hub
    with offline_if_unreachable():
        try:
            return Path(client.hf_hub_download(repository, _WEIGHT_NAMES[0]))
        except EntryNotFoundError:
            return Path(client.hf_hub_download(repository, _WEIGHT_NAMES[1]))
