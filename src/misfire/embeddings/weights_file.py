"""The tensors in a weights file: read without running anything that the file holds."""

import re
import warnings
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from misfire.core.errors import UsageError, name_some
from misfire.core.hashing import sha256_file

SAFETENSORS = ".safetensors"
# Wrappers that training leaves in the names: distributed data parallel and torch.compile.
_PREFIXES = ("module.", "_orig_mod.")
_NOT_TENSORS = "this is no torch file of tensors alone"


def sha256_of_file(path: Path) -> str:
    """SHA-256 of a file, computed once a process for a file that doesn't change."""
    status = path.stat()
    return _sha256_unchanged(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _sha256_unchanged(path: Path, size: int, mtime_ns: int) -> str:  # size and time are the cache's key
    return sha256_file(path)


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """The named tensors of a state dict in safetensors, or in a torch file that holds nothing but data.

    A training checkpoint's optimizer and counters are passed over, and wrappers' prefixes are taken off the names.

    Raises:
        UsageError: If the file isn't whole, holds code, no tensors, or a value that is NaN or infinite.
    """
    loaded = _read_safetensors(path) if path.suffix == SAFETENSORS else _read_torch(path)
    if isinstance(loaded, dict) and isinstance(loaded.get("state_dict"), dict):
        loaded = loaded["state_dict"]
    others = [] if not isinstance(loaded, dict) else [n for n, v in loaded.items() if not isinstance(v, torch.Tensor)]
    if not isinstance(loaded, dict) or not loaded or others:
        what = f"values that are no tensors: {name_some(others)}" if others else "none"
        raise UsageError(
            f"a weights file must hold a state dict of named tensors, got {what} in {path}; save model.state_dict()."
        )
    state = {_bare(name, loaded): value for name, value in loaded.items()}
    broken = [name for name, value in state.items() if value.is_floating_point() and not _is_finite(value)]
    if broken:
        raise UsageError(
            f"weights must be finite, got NaN or infinity in {name_some(broken)} of {len(state)} tensors of {path}; "
            "take an earlier checkpoint."
        )
    return state


def _is_finite(values: torch.Tensor) -> bool:
    # A sum is the quicker question: where it is finite, so are all of its terms.
    return bool(torch.isfinite(values.sum()) or torch.isfinite(values).all())


def _read_safetensors(path: Path) -> Any:
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except Exception as error:  # safetensors has an exception of its own in Rust
        raise _damaged(path, error) from error


def _read_torch(path: Path) -> Any:
    is_archive = zipfile.is_zipfile(path)
    if is_archive and _holds_code(path):
        raise UsageError(
            f"a weights file must hold tensors alone, got the TorchScript archive {path}, which can only be read by "
            "running it; fetch the model's open_clip_model.safetensors, or convert the archive where you trust it."
        )
    try:
        with warnings.catch_warnings(action="ignore"):  # what it says of a strange file, the errors below say
            # Mapped, an optimizer's state is never read from the disk.
            return torch.load(path, map_location="cpu", weights_only=True, mmap=is_archive)
    except Exception as error:  # torch raises whatever unpickling does
        kind = re.search(r"Unsupported global: GLOBAL (\S+)", str(error))
        if kind is not None:
            raise UsageError(
                f"a weights file must hold tensors alone, got {kind[1]} in {path}, which could run code; save the "
                "state dict alone, as safetensors, where you trust the file."
            ) from error
        is_unreadable = type(error).__name__ == "UnpicklingError"
        raise _damaged(path, _NOT_TENSORS if is_unreadable else error) from error


def _holds_code(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        return any(name.partition("/")[2] == "constants.pkl" for name in archive.namelist())


def _bare(name: object, names: Any) -> str:
    bare = str(name)
    for prefix in _PREFIXES:
        if all(str(other).startswith(_PREFIXES) for other in names):
            bare = bare.removeprefix(prefix)
    return bare


def _damaged(path: Path, error: Exception | str) -> UsageError:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return UsageError(f"a weights file must be whole, got {path}: {reason.rstrip('.')}; copy or download it again.")
