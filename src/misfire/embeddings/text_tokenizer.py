"""The tokenizer that belongs to a model's weights: the files that define it, and whether it can be theirs."""

import gzip
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Bool
from typing_extensions import override

from misfire.core.errors import UsageError
from misfire.embeddings.architecture import DEFAULT_CONTEXT_LENGTH
from misfire.embeddings.weights_file import sha256_of_file

VOCABULARY_PATTERNS = (
    "tokenizer*.json",
    "vocab*",
    "merges.txt",
    "special_tokens_map.json",
    "added_tokens.json",
    "*.model",
)
# What transformers reads where a fast tokenizer's file exists; the other files then define nothing.
_FAST = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
# Published models leave up to a twentieth of their token embeddings without a token (bert-base-uncased in 32,000).
_LEAST_FILLED = 0.9
_MOST_BYTES = 2**26  # of unpacked merges; open_clip's are 1.4 million


@dataclass(frozen=True)
class TokenizerFiles(ABC):
    """Files of a tokenizer and open_clip's options for it.

    Args:
        place: The merges' file, or the folder of a tokenizer of transformers.
        options: open_clip's ``tokenizer_kwargs`` as JSON text, paths left out.
    """

    place: Path
    options: str = "{}"

    @abstractmethod
    def describe(self) -> str:
        """JSON text of the content: hashes of what defines the tokenizer, and the options."""

    @abstractmethod
    def load(self, text_cfg: Mapping[str, Any], *, vocabulary_size: int) -> Any:
        """open_clip's tokenizer, checked against the text tower it must fit.

        Args:
            text_cfg: open_clip's settings of the text tower.
            vocabulary_size: How many tokens the text tower has an embedding for.

        Raises:
            UsageError: If the files don't load, or the vocabulary is another than the tower's.
        """

    @abstractmethod
    def is_truncated(self, tokenizer: Any, texts: Sequence[str]) -> Bool[np.ndarray, " text"]:
        """Whether each text has more tokens than the context of a loaded tokenizer."""

    def may_be_truncated(self, tokenizer: Any, tokens: torch.Tensor) -> Bool[np.ndarray, " text"]:
        """Which rows of tokens may be of a text that has more of them than the context."""
        del tokenizer
        return np.ones(len(tokens), dtype=bool)


@final
@dataclass(frozen=True)
class BytePairTokenizer(TokenizerFiles):
    """open_clip's own tokenizer over a file of byte-pair merges."""

    @override
    def describe(self) -> str:
        return json.dumps({"merges": sha256_of_file(self.place), **json.loads(self.options)}, sort_keys=True)

    @override
    def load(self, text_cfg: Mapping[str, Any], *, vocabulary_size: int) -> Any:
        from misfire.embeddings.tokenizer_module import tokenizer_module

        try:
            options = {"bpe_path": str(self.place), **json.loads(self.options)}
            tokenizer = tokenizer_module().SimpleTokenizer(context_length=_context(text_cfg), **options)
        except Exception as error:  # a damaged archive, text or option
            raise _unloadable(self.place, error) from error
        _check_size(len(tokenizer.encoder), vocabulary_size, least=vocabulary_size, place=self.place)
        _check_end(tokenizer.eot_token_id, len(tokenizer.encoder) - 1, text_cfg, self.place)
        return tokenizer

    @override
    def is_truncated(self, tokenizer: Any, texts: Sequence[str]) -> Bool[np.ndarray, " text"]:
        # In a context twice as long, a token beyond the model's own is one that the model doesn't read.
        length = tokenizer.context_length
        tokens = tokenizer(["", *texts], context_length=2 * length)
        truncated: Bool[np.ndarray, " text"] = (tokens[1:, length:] != tokens[0, -1]).any(dim=1).numpy()
        return truncated

    @override
    def may_be_truncated(self, tokenizer: Any, tokens: torch.Tensor) -> Bool[np.ndarray, " text"]:
        # A cut row ends with the end token; one that has room behind it wasn't cut.
        is_full: Bool[np.ndarray, " text"] = (tokens[:, -1] == tokenizer.eot_token_id).numpy()
        return is_full


@final
@dataclass(frozen=True)
class HuggingFaceTokenizer(TokenizerFiles):
    """A tokenizer of the transformers library, as open_clip wraps it; SigLIP's and the multilingual models'."""

    @override
    def describe(self) -> str:
        content = {path.name: sha256_of_file(path) for path in vocabulary_files(self.place)}
        return json.dumps({"files": content, **json.loads(self.options)}, sort_keys=True)

    @override
    def load(self, text_cfg: Mapping[str, Any], *, vocabulary_size: int) -> Any:
        try:
            import transformers  # noqa: F401  the wrapper's only need, absent in a plain installation
        except ImportError as error:
            raise UsageError(
                f"transformers must be installed for the tokenizer in {self.place}, got no such package; run "
                'pip install "misfire[siglip]".'
            ) from error
        from open_clip.tokenizer import HFTokenizer

        mode = text_cfg.get("tokenizer_mode")
        try:
            options = {"local_files_only": True, **json.loads(self.options)}
            tokenizer = HFTokenizer(str(self.place), context_length=_context(text_cfg), tokenizer_mode=mode, **options)
        except Exception as error:  # transformers raises whatever its files make it raise
            raise _unloadable(self.place, error) from error
        inner = tokenizer.tokenizer
        ids = inner.get_vocab().values()
        _check_size(max(ids) + 1, vocabulary_size, least=int(_LEAST_FILLED * vocabulary_size), place=self.place)
        _check_end(inner.eos_token_id, max(ids), text_cfg, self.place)
        return tokenizer

    @override
    def is_truncated(self, tokenizer: Any, texts: Sequence[str]) -> Bool[np.ndarray, " text"]:
        length = tokenizer.context_length
        cleaned = [tokenizer.clean_fn(text) for text in texts]
        counts = [len(ids) for ids in tokenizer.tokenizer(cleaned, verbose=False).input_ids]
        truncated: Bool[np.ndarray, " text"] = np.array(counts, dtype=np.int64) > length
        return truncated


def vocabulary_files(folder: Path) -> tuple[Path, ...]:
    """The files in a folder that define a tokenizer of transformers, in order; none where it has none."""
    if (folder / _FAST[0]).is_file():
        return tuple(folder / name for name in sorted(_FAST) if (folder / name).is_file())
    return tuple(sorted({path for pattern in VOCABULARY_PATTERNS for path in folder.glob(pattern)}))


def check_merges(folder: Path, merges: Path) -> None:
    """Refuse a folder whose ``merges.txt`` or ``tokenizer.json`` has other merges than those that open_clip will use.

    open_clip reads neither where the model has its own kind of tokenizer, so a model trained with them would be given
    other tokens without a word.

    Raises:
        UsageError: If they differ.
    """
    for name, found in (("merges.txt", _text_merges(folder)), ("tokenizer.json", _json_merges(folder))):
        if found is not None and found != _used_merges(merges):
            raise UsageError(
                f"the byte-pair merges of a model's folder must be one and the same, got other ones in {folder / name} "
                f"than in {merges}, which open_clip uses; name the right tokenizer in open_clip_config.json or remove "
                "the stray file."
            )


def _used_merges(merges: Path) -> list[str]:
    try:
        with gzip.open(merges) as file:
            data = file.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise EOFError(f"it unpacks to more than {_MOST_BYTES:,} bytes")
        lines = data.decode("utf-8").split("\n")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise _unloadable(merges, error) from error
    return [" ".join(line.split()) for line in lines[1 : 49152 - 256 - 2 + 1] if line.strip()]


def _text_merges(folder: Path) -> list[str] | None:
    path = folder / "merges.txt"
    if not path.is_file():
        return None
    lines = path.read_text(encoding="utf-8").split("\n")
    lines = lines[1:] if lines[0].startswith("#version") else lines
    return [" ".join(line.split()) for line in lines if line.strip()]


def _json_merges(folder: Path) -> list[str] | None:
    path = folder / "tokenizer.json"
    if not path.is_file():
        return None
    try:
        merges = json.loads(path.read_text(encoding="utf-8"))["model"].get("merges", [])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unloadable(path, error) from error
    return [merge if isinstance(merge, str) else " ".join(merge) for merge in merges]


def _check_size(size: int, vocabulary_size: int, *, least: int, place: Path) -> None:
    if not least <= size <= vocabulary_size:
        raise UsageError(
            f"a tokenizer's vocabulary must be the one that the text tower was trained on ({vocabulary_size:,} "
            f"tokens), got {size:,} tokens in {place}; put the model's own tokenizer there."
        )


def _check_end(end: int | None, highest: int, text_cfg: Mapping[str, Any], place: Path) -> None:
    if "hf_model_name" in text_cfg or text_cfg.get("embed_cls", False):
        return  # such a tower isn't read at an end token
    pooling = text_cfg.get("pool_type", "argmax")
    wanted = {"argmax": highest, "eos": text_cfg.get("eos_id", 2)}.get(pooling, end)
    if end != wanted:
        raise UsageError(
            f"a tokenizer's end token must be the id that the text tower is read at ({wanted}), got {end} in {place}; "
            "put the model's own tokenizer there."
        )


def _context(text_cfg: Mapping[str, Any]) -> int:
    return int(text_cfg.get("context_length", DEFAULT_CONTEXT_LENGTH))


def _unloadable(place: Path, error: Exception) -> UsageError:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return UsageError(
        f"a tokenizer's files must be whole, got {place}: {reason.rstrip('.')}; put the model's own there."
    )
