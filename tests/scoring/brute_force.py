"""A second opinion on ranks: dense scores in float64, then a sort."""

import numpy as np
import torch

from misfire.scoring import Ranks


def ranks_by_sorting(scores: np.ndarray, targets: np.ndarray) -> list[tuple[int, int, int]]:
    """Rank, best and worst of each target: sort by (score descending, position), then look."""
    found = []
    for row, target in zip(scores, targets, strict=True):
        order = sorted(range(len(row)), key=lambda item: (-row[item], item))
        equal = [order.index(item) + 1 for item in range(len(row)) if row[item] == row[target]]
        found.append((order.index(target) + 1, min(equal), max(equal)))
    return found


def log_mean_exp_by_hand(scores: np.ndarray, tau: float) -> np.ndarray:
    """Pooled over axis 1 in extended precision, rounded to float32."""
    scores = scores.astype(np.longdouble)
    peak = scores.max(axis=1, keepdims=True)
    mean = np.exp((scores - peak) / tau).mean(axis=1)
    return (peak[:, 0] + tau * np.log(mean)).astype(np.float32)


def integers(rng: np.random.Generator, *shape: int, most: int = 3) -> torch.Tensor:
    """Integer-valued embeddings: their scores are exact in float32, and many tie."""
    return torch.from_numpy(rng.integers(-most, most + 1, size=shape)).float()


def units(rng: np.random.Generator, *shape: int) -> torch.Tensor:
    """Random unit vectors in float32."""
    return torch.nn.functional.normalize(torch.from_numpy(rng.standard_normal(shape)).float(), dim=-1)


def as_tuples(ranks: Ranks) -> list[tuple[int, int, int]]:
    """A Ranks as what ``ranks_by_sorting`` gives."""
    return list(zip(ranks.rank.tolist(), ranks.best.tolist(), ranks.worst.tolist(), strict=True))
