"""Invented captions that want a category."""

import hashlib
from collections.abc import Sequence

import numpy as np
import torch

from misfire.failures import load_taxonomy
from misfire.methods.retrieval.templates.routing_problem import Annotated, Captions, RoutingProblem

NAMES = ("object", "attribute", "action", "count", "context", "spatial")


def embed(texts: Sequence[str]) -> torch.Tensor:
    """Unit rows that count hashed words: captions that share words are near to each other."""
    rows = torch.zeros(len(texts), 512)
    for row, text in enumerate(texts):
        for word in text.lower().split():
            rows[row, int(hashlib.sha256(word.encode()).hexdigest(), 16) % 512] += 1
    return torch.nn.functional.normalize(rows, dim=-1)


def captions(texts: Sequence[str], images: Sequence[int] | None = None) -> Captions:
    return Captions(tuple(texts), np.array(range(len(texts)) if images is None else images, dtype=np.int64))


def problem(asked: Captions, known: Captions | None = None, categories: Sequence[str] = ()) -> RoutingProblem:
    taxonomy = load_taxonomy()
    return RoutingProblem(
        captions=asked,
        annotated=Annotated(captions([]) if known is None else known, tuple(categories)),
        categories={name: taxonomy.category(name) for name in NAMES},
        embed=embed,
    )
