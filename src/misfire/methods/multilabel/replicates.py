"""What cells are compared by: the names of their estimates, and the bootstrap replicates beside them."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np

from misfire.cells import Logged
from misfire.methods.multilabel.evaluation import ImageBootstrap

MAP, AP = "mean_average_precision", "average_precision"
REPLICATES_FILE = "replicates.npz"


def replicates(bootstraps: Mapping[str, ImageBootstrap]) -> bytes:
    """Average precisions of each class and their replicates, by name, as an NPZ file."""
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {}
    for name, one in bootstraps.items():
        arrays |= {name: one.value, f"{name}_replicates": one.replicates.astype(np.float32)}
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def read_replicates(logged: Logged) -> ImageBootstrap:
    """A finished cell's average precision of each class and its replicates."""
    with np.load(io.BytesIO(logged.read(REPLICATES_FILE)), allow_pickle=False) as stored:
        return ImageBootstrap(stored["own"], stored["own_replicates"].astype(np.float64))
