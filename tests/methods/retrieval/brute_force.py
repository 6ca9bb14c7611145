"""Retrieval spelled out in loops, from the definitions."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Ranked:
    """One query's outcome."""

    rank: int
    best_rank: int
    worst_rank: int
    target_score: float
    top1_score: float
    margin: float
    top1: int


def ranked(scores: Sequence[float], target: int) -> Ranked:
    """The outcome of a query by its score for every item: equal scores rank by place."""
    own = scores[target]
    higher = sum(score > own for score in scores)
    earlier = sum(score == own for score in scores[:target])
    equal = sum(score == own for score in scores)
    rivals = [score for item, score in enumerate(scores) if item != target]
    top = max(range(len(scores)), key=lambda item: (scores[item], -item))
    return Ranked(1 + higher + earlier, 1 + higher, higher + equal, own, max(scores), own - max(rivals), top)


def _log_mean_exp(tau: float) -> Callable[[Sequence[float]], float]:
    return lambda values: tau * math.log(sum(math.exp(value / tau) for value in values) / len(values))


POOL: dict[str, Callable[[Sequence[float]], float]] = {
    "max": max,
    "mean": lambda values: sum(values) / len(values),
    "logmeanexp 1": _log_mean_exp(1.0),
    "logmeanexp 0.05": _log_mean_exp(0.05),
}


def pooled_scores(prompts: np.ndarray, gallery: np.ndarray, pooling: str) -> list[float]:
    """One score an item out of a query's prompts."""
    if pooling == "embedding_mean":
        mean = sum(prompts) / len(prompts)
        return [float(np.dot(mean / math.sqrt(float(np.dot(mean, mean))), item)) for item in gallery]
    return [POOL[pooling]([float(np.dot(prompt, item)) for prompt in prompts]) for item in gallery]
