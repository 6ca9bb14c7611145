"""Permutation engine of the drift tests: labels change places within blocks, and exchanged pairs of categories count.

Within a block (the labels of one item; or all items of one annotator with the same reference label) the labels are
exchangeable when nobody drifts. For each pair of categories the sum over an annotator's labels, from some place in
their order to its end, of "said d where the block says c" minus "said c where the block says d" has mean 0 then.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int

from misfire.core.errors import UsageError

# Added to the variance of a sum, in squared items: a pattern that can't occur more often than this isn't a pattern.
_LEAST_VARIANCE = 0.5


@final
@dataclass(frozen=True)
class Exchange:
    """The most unusual exchange of two categories.

    Args:
        statistic: Its size in standard deviations of the permutations, a little shrunk for rare patterns.
        excess: How many more labels say ``to_category`` where the block has ``from_category`` than the other way round,
            each counting as the share of the block's other labels that it contradicts.
        from_category: Code of the category that the block has where the annotator says the other one.
        to_category: Code of the category that the annotator says instead.
        segment: Segment from which on it was counted.
    """

    statistic: float
    excess: float
    from_category: int
    to_category: int
    segment: int


@final
@dataclass(frozen=True, eq=False)
class LabelList:
    """Labels one by one.

    Args:
        codes: Code of each label.
        blocks: Block of each label.
        groups: Whose sum each label counts in, from 0.
        segments: Which segment of its group's order each label lies in, from 0.
    """

    codes: Int[np.ndarray, " label"]
    blocks: Int[np.ndarray, " label"]
    groups: Int[np.ndarray, " label"]
    segments: Int[np.ndarray, " label"]


def exchanges(
    labels: LabelList,
    *,
    num_categories: int,
    num_groups: int,
    num_segments: int,
    num_permutations: int,
    rng: np.random.Generator,
) -> tuple[tuple[Exchange, ...], Float[np.ndarray, "group row"]]:
    """Each group's most unusual exchange, and the size of the most unusual one in each permutation.

    Returns:
        One exchange a group, and the statistics of each group in the observed labelling (first) and the permutations.
    """
    found, statistics = [], []
    kept, shares = _informative(labels, num_categories)
    if len(kept.codes) == 0:  # nobody disagrees with anybody
        return (Exchange(0.0, 0.0, 0, 0, 0),) * num_groups, np.zeros((num_groups, num_permutations + 1))
    codes = np.concatenate([kept.codes[None], _permuted(kept, num_permutations, rng)])
    for group in range(num_groups):
        own = kept.groups == group
        sums = _exchange_sums(codes[:, own], shares[own], kept.segments[own], num_segments)
        sizes = np.abs(sums) / np.sqrt((sums**2).mean(axis=0) + _LEAST_VARIANCE)
        statistics.append(sizes.max(axis=(1, 2)))
        # Of equal exchanges the one that begins last: what comes before it adds nothing.
        late, pair = divmod(int(sizes[0, ::-1].argmax()), sizes.shape[2])
        segment = num_segments - 1 - late
        first, second = (int(side[pair]) for side in np.triu_indices(num_categories, k=1))
        ends = (first, second) if sums[0, segment, pair] > 0 else (second, first)
        excess = abs(float(sums[0, segment, pair]))
        found.append(Exchange(float(statistics[-1][0]), excess, *ends, int(segment)))
    return tuple(found), np.stack(statistics)


def segments_of(num_labels: int, num_segments: int) -> Int[np.ndarray, " label"]:
    """Segment of each label of an annotator in their order; as equal in length as they can be.

    Example:
        >>> segments_of(5, 2).tolist()
        [0, 0, 0, 1, 1]
    """
    return np.arange(num_labels) * num_segments // max(num_labels, 1)


def start_of(segment: int, num_labels: int, num_segments: int) -> int:
    """How many labels come before a segment.

    Example:
        >>> start_of(1, 5, 2)
        3
    """
    return -(-segment * num_labels // num_segments)


def check_permutations(num_permutations: int, num_segments: int) -> None:
    """Reject a number of permutations or of places in the order from which nothing can be read."""
    if num_permutations < 1 or num_segments < 1:
        raise UsageError(
            "the numbers of permutations and of places in the order must be >= 1, got "
            f"{num_permutations} and {num_segments}; use 2000 and 8."
        )


def _informative(labels: LabelList, num_categories: int) -> tuple[LabelList, Float[np.ndarray, "label category"]]:
    """The labels whose block holds several categories, and the category shares of the other labels of their block."""
    block = np.unique(labels.blocks, return_inverse=True)[1]
    num_blocks = int(block.max(initial=-1)) + 1
    counts = np.bincount(block * num_categories + labels.codes, minlength=num_blocks * num_categories)
    counts = counts.reshape(num_blocks, num_categories)
    sizes = counts.sum(axis=1)
    kept = (counts.max(axis=1, initial=0) < sizes)[block]
    shares = counts[block[kept]] / (sizes[block[kept]] - 1)[:, None]
    return LabelList(labels.codes[kept], block[kept], labels.groups[kept], labels.segments[kept]), shares


def _permuted(
    labels: LabelList, num_permutations: int, rng: np.random.Generator
) -> Int[np.ndarray, "permutation label"]:
    """Codes with the labels of each block in random order."""
    order = np.argsort(labels.blocks, kind="stable")
    keys = labels.blocks[order] + rng.random((num_permutations, len(order)))
    permuted = np.empty(keys.shape, dtype=np.int64)
    permuted[:, order] = labels.codes[order][np.argsort(keys, axis=1)]
    return permuted


def _exchange_sums(
    codes: Int[np.ndarray, "row label"],
    shares: Float[np.ndarray, "label category"],
    segments: Int[np.ndarray, " label"],
    num_segments: int,
) -> Float[np.ndarray, "row segment pair"]:
    """For each pair of categories, excess of the second over the first from each segment to the end."""
    num_rows, num_categories = len(codes), shares.shape[1]
    cell = (np.arange(num_rows)[:, None] * num_segments + segments) * num_categories + codes
    size = num_rows * num_segments * num_categories
    by_share = [
        np.bincount(cell.ravel(), weights=np.broadcast_to(column, cell.shape).ravel(), minlength=size)
        for column in shares.T
    ]
    met = np.stack(by_share, axis=-1).astype(np.float64).reshape(num_rows, num_segments, num_categories, num_categories)
    to_the_end = np.flip(np.cumsum(np.flip(met, axis=1), axis=1), axis=1)
    first, second = np.triu_indices(num_categories, k=1)
    sums: Float[np.ndarray, "row segment pair"] = to_the_end[..., second, first] - to_the_end[..., first, second]
    return sums
