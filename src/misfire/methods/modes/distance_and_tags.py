"""Whether near images share tags: what a method that clusters embeddings takes for granted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from misfire.core.errors import UsageError
from misfire.methods.modes.description_quality import area_under_roc
from misfire.methods.modes.tag_mode import Unchecked

_CELLS_AT_ONCE = 2**24


@dataclass(frozen=True)
class SharedTagDistance:
    """Distances of pairs of images that share at least some number of tags (a row of Table 3).

    Args:
        min_shared: The least number of shared tags.
        num_pairs: Pairs that share as many.
        mean: Mean distance; NaN without a pair.
        deviation: Standard deviation of the distances.
        exceeds_random: Chance that the distance of such a pair is larger than that of a random pair, ties counted half:
            0.5 where shared tags say nothing of the distance.
    """

    min_shared: int
    num_pairs: int
    mean: float
    deviation: float
    exceeds_random: float


def distance_by_shared_tags(
    embeddings: Unchecked,
    tags: Unchecked,
    *,
    min_shared: Sequence[int] = (0, 1, 3, 5, 7),
    num_pairs: int = 200_000,
    rng: np.random.Generator,
) -> list[SharedTagDistance]:
    """Distances of image pairs by the number of tags that they share (Table 3).

    All pairs are looked at where there are no more than ``num_pairs``, else as many drawn at random with replacement.

    Args:
        embeddings: Embedding of each image (``image dim``), as long as the backbone makes it: distances are Euclidean.
        tags: Which tags each image carries (bool ``image tag``).
        min_shared: For which numbers of shared tags a row is wanted.
        num_pairs: How many pairs are looked at.
        rng: Source of the pairs.

    Raises:
        UsageError: If there are fewer than two images, or the arrays are of different images.

    Reference:
        Rezaei et al., "PRIME: Prioritizing Interpretability in Failure Mode Extraction", ICLR 2024, section 5.2.

    Example:
        >>> tags = np.array([[True], [True], [False]])
        >>> rows = distance_by_shared_tags(np.array([[0.0], [1.0], [5.0]]), tags, min_shared=[0, 1],
        ...                                rng=np.random.default_rng(0))
        >>> [(row.num_pairs, row.mean) for row in rows]
        [(3, 3.3333333333333335), (1, 1.0)]
    """
    _check(embeddings, tags)
    first, second = _pairs(len(embeddings), num_pairs, rng)
    distance, shared = np.empty(len(first)), np.empty(len(first), dtype=np.int64)
    at_once = max(1, _CELLS_AT_ONCE // max(1, embeddings.shape[1], tags.shape[1]))
    for start in range(0, len(first), at_once):
        left, right = first[start : start + at_once], second[start : start + at_once]
        distance[start : start + at_once] = np.linalg.norm(embeddings[left] - embeddings[right], axis=1)
        shared[start : start + at_once] = np.count_nonzero(tags[left] & tags[right], axis=1)
    rows = []
    for least in min_shared:
        of_row = distance[shared >= least]
        rows.append(
            SharedTagDistance(
                least,
                len(of_row),
                float(of_row.mean()) if len(of_row) else float("nan"),
                float(of_row.std()) if len(of_row) else float("nan"),
                area_under_roc(of_row, distance),
            )
        )
    return rows


@dataclass(frozen=True)
class NeighbourTags:
    """Tags that an image's nearest images share, against the most that as many images share with it (Table 6).

    Args:
        num_neighbours: How many nearest images, the image itself not counted.
        min_share: Share of them that must carry a tag for it to count, in (0, 1].
        near: Mean number of tags that so many of an image's nearest images carry, each tag looked at by itself.
        near_together: Mean size of the largest set of the image's tags that so many of its nearest carry all at once.
        possible: The same among all images: what the nearest images would share if distance were meaning. Never less
            than ``near_together``.
    """

    num_neighbours: int
    min_share: float
    near: float
    near_together: float
    possible: float


def tags_of_neighbours(
    embeddings: Unchecked,
    tags: Unchecked,
    *,
    num_neighbours: int = 50,
    min_share: float | int = 0.8,
    num_images: int = 200,
    rng: np.random.Generator,
) -> NeighbourTags:
    """How many tags are common among the nearest images, against how many could be (Table 6).

    A tag is common among N images if at least ``min_share`` * N of them carry it. What could be is the largest number
    of tags of the image that at least ``min_share`` * N other images carry all at once, found by an exact search over
    the image's own tags. Means over a sample of the images.

    Args:
        embeddings: Embedding of each image (``image dim``); distances are Euclidean.
        tags: Which tags each image carries (bool ``image tag``).
        num_neighbours: N.
        min_share: Share of the N images, in (0, 1].
        num_images: How many images are looked at; all where there are no more.
        rng: Source of the sample.

    Raises:
        UsageError: If there aren't more images than ``num_neighbours``, the arrays are of different images, or a number
            is out of range.

    Reference:
        Rezaei et al., "PRIME: Prioritizing Interpretability in Failure Mode Extraction", ICLR 2024, section 5.2.
    """
    _check(embeddings, tags)
    if not 1 <= num_neighbours < len(embeddings):
        raise UsageError(f"num_neighbours must be from 1 to {len(embeddings) - 1}, got {num_neighbours}.")
    if not 0 < min_share <= 1 or num_images < 1:
        raise UsageError(f"min_share must be in (0, 1] and num_images >= 1, got {min_share} and {num_images}.")
    looked_at = rng.permutation(len(embeddings))[:num_images]
    needed = int(np.ceil(min_share * num_neighbours - 1e-9))
    squares = (embeddings**2).sum(axis=1)
    counts = np.zeros((len(looked_at), 3))
    for row, image in enumerate(looked_at):
        distance = squares - 2 * embeddings @ embeddings[image]
        distance[image] = -np.inf
        order = np.argsort(distance, kind="stable")[1:]
        nearest, shared = order[:num_neighbours], tags[:, tags[image]]
        counts[row] = (
            np.count_nonzero(np.count_nonzero(tags[nearest], axis=0) >= needed),
            _most_shared(shared[nearest], needed),
            _most_shared(shared[order], needed),
        )
    return NeighbourTags(num_neighbours, min_share, *counts.mean(axis=0).tolist())


def _most_shared(tags: Bool[np.ndarray, "image tag"], min_support: int) -> int:
    """Size of the largest set of columns that at least ``min_support`` rows all have; 0 for too few rows."""
    best = 0

    def grow(rows: np.ndarray, size: int) -> None:
        """Make sets larger that all of ``rows`` have, by columns of ``rows``."""
        nonlocal best
        best = max(best, size)
        counts = np.count_nonzero(rows, axis=0)
        columns = np.flatnonzero(counts >= min_support)
        rows = rows[:, columns[np.argsort(-counts[columns], kind="stable")]]
        # Each of the rows that are needed must have all columns that are still added: with so many columns of its own,
        # the last of the needed rows bounds what can be reached.
        most = np.partition(np.count_nonzero(rows, axis=1), len(rows) - min_support)[len(rows) - min_support]
        if size + most <= best:
            return
        for place in range(rows.shape[1]):
            if size + rows.shape[1] - place <= best:
                return
            grow(rows[rows[:, place], place + 1 :], size + 1)

    if len(tags) >= min_support:
        grow(tags, 0)
    return best


def _pairs(
    num_images: int, num_pairs: int, rng: np.random.Generator
) -> tuple[Int[np.ndarray, " pair"], Int[np.ndarray, " pair"]]:
    if num_images * (num_images - 1) // 2 <= num_pairs:
        first, second = np.triu_indices(num_images, k=1)
        return first, second
    first = rng.integers(num_images, size=num_pairs)
    return first, (first + rng.integers(1, num_images, size=num_pairs)) % num_images


def _check(embeddings: np.ndarray, tags: np.ndarray) -> None:
    if len(embeddings) != len(tags) or len(tags) < 2:
        raise UsageError(
            f"embeddings and tags must be of the same two images or more, got {len(embeddings)} and {len(tags)}."
        )
