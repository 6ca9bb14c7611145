"""Whether the most confident members of some discovered part lie in each true partition: P@K, beside chance."""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int

from misfire.core.errors import UsageError


@final
@dataclass(frozen=True)
class PrecisionAtK:
    """P@K of discovered parts, and what parts without any knowledge give.

    Attributes:
        k: How many of a part's most confident members count.
        value: Mean over the true partitions, in [0, 1].
        per_partition: P@K of each true partition.
        best_part: For each true partition, the part that matches it best.
        by_chance: Mean of the value when images are dealt to as many parts of the same sizes.
        chance_low: 2.5 % quantile of it.
        chance_high: 97.5 % quantile of it.
    """

    k: int
    value: float
    per_partition: Float[np.ndarray, " partition"]
    best_part: Int[np.ndarray, " partition"]
    by_chance: float
    chance_low: float
    chance_high: float


def precision_at_k(
    weights: Float[np.ndarray, "image part"],
    truth: Bool[np.ndarray, "image partition"],
    *,
    k: int = 10,
    num_deals: int = 200,
    rng: np.random.Generator,
) -> PrecisionAtK:
    """P@K of discovered parts against true partitions, averaged over the partitions.

    For each true partition the part is taken whose ``k`` most confident members have the largest overlap with it, and
    the overlap is divided by ``k``: a part with fewer members can't fill its places. Of equally confident members the
    earlier image counts. Since the best of many parts is taken, parts without any knowledge reach far more than a
    partition's share; ``by_chance`` says how much, for parts of the same sizes.

    Args:
        weights: How surely each image belongs to each part; only images above 0 are members.
        truth: Whether each image lies in each true partition, usually the bias-conflicting ones of a class.
        k: How many members of a part count.
        num_deals: How many random deals stand for chance.
        rng: Source of the deals.

    Raises:
        UsageError: If ``k`` or ``num_deals`` is below 1, there is no part, or a partition is empty or absent.

    Reference:
        Eyuboglu et al., ICLR 2022; Yenamandra et al., ICCV 2023; Csurka et al., 2024, appendix B.

    Example:
        >>> weights = np.array([[0.9, 0.0], [0.8, 0.0], [0.0, 0.7], [0.0, 0.6]])
        >>> truth = np.array([[True], [True], [False], [True]])
        >>> precision_at_k(weights, truth, k=2, num_deals=1, rng=np.random.default_rng(0)).value
        1.0
    """
    if k < 1 or num_deals < 1:
        raise UsageError(f"k and num_deals must be >= 1, got {k} and {num_deals}; 10 and 200 are usual.")
    if not weights.shape[1]:
        raise UsageError("P@K needs a discovered part, got none; give it a method that finds some.")
    empty = np.flatnonzero(~truth.any(axis=0)).tolist()
    if empty or not truth.shape[1]:
        raise UsageError(f"P@K needs true partitions with images, got empty ones: {empty or 'all'}; leave these out.")
    overlaps = _overlaps(_top_members(weights, k), truth)
    best = overlaps.argmax(axis=0)
    per_partition = overlaps.max(axis=0) / k
    sizes = (weights > 0).sum(axis=0)
    dealt = [
        float((_overlaps(_dealt_members(sizes, len(weights), k, rng), truth).max(axis=0) / k).mean())
        for _ in range(num_deals)
    ]
    low, high = np.quantile(dealt, [0.025, 0.975])
    return PrecisionAtK(
        k, float(per_partition.mean()), per_partition, best, float(np.mean(dealt)), float(low), float(high)
    )


def _top_members(weights: Float[np.ndarray, "image part"], k: int) -> list[np.ndarray]:
    """The most confident members of each part."""
    best = np.argsort(-weights, axis=0, kind="stable")[:k]
    return [column[weights[column, part] > 0] for part, column in enumerate(best.T)]


def _dealt_members(
    sizes: Int[np.ndarray, " part"], num_images: int, k: int, rng: np.random.Generator
) -> list[np.ndarray]:
    """As many images a part as count, drawn without regard to anything; parts that share no image stay apart."""
    counts = np.minimum(sizes, k)
    if counts.sum() <= num_images:
        return np.split(rng.permutation(num_images)[: counts.sum()], counts.cumsum()[:-1])
    return [rng.choice(num_images, size=count, replace=False) for count in counts]


def _overlaps(
    members: list[np.ndarray], truth: Bool[np.ndarray, "image partition"]
) -> Int[np.ndarray, "part partition"]:
    return np.stack([truth[chosen].sum(axis=0) for chosen in members])
