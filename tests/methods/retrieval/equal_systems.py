"""Two retrieval systems whose truth is known: equal up to noise, or one of them better by a given amount."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Systems:
    """Ranks of the same queries under several systems, and the image of each query."""

    ranks: tuple[np.ndarray, ...]
    images: np.ndarray


def systems(
    rng: np.random.Generator,
    *,
    lifts: tuple[float, ...] = (0.0, 0.0),
    num_images: int = 300,
    captions_per_image: int = 5,
    gallery: int = 40,
    noise: float = 0.4,
) -> Systems:
    """A query's target leads by an amount that its image, its caption and the system's own noise make up.

    Args:
        rng: Source of everything.
        lifts: By how much each system scores all targets higher; equal lifts are systems of equal quality.
        num_images: How many images.
        captions_per_image: How many queries each has.
        gallery: How many images a query ranks.
        noise: Standard deviation of what two systems don't share.
    """
    num_queries = num_images * captions_per_image
    images = np.repeat(np.arange(num_images), captions_per_image)
    lead = 2.0 + 0.6 * rng.normal(size=num_images)[images] + 0.6 * rng.normal(size=num_queries)
    rivals = rng.normal(size=(num_queries, gallery - 1))
    ranks = []
    for lift in lifts:
        own = lead + lift + noise * rng.normal(size=num_queries) + 0.3 * rng.normal(size=num_images)[images]
        seen = rivals + noise * rng.normal(size=rivals.shape)
        ranks.append(1 + (seen > own[:, None]).sum(axis=1))
    return Systems(tuple(ranks), images)


def mined(rng: np.random.Generator, baseline_ranks: np.ndarray, *, num_failures: int, num_others: int) -> np.ndarray:
    """Positions of some of the baseline's top-1 failures, then of a sample of all other queries."""
    failing = np.sort(rng.choice(np.flatnonzero(baseline_ranks > 1), num_failures, replace=False))
    others = np.setdiff1d(np.arange(len(baseline_ranks)), failing)
    return np.concatenate([failing, np.sort(rng.choice(others, num_others, replace=False))])
