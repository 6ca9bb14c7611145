"""The same mend on the images that weren't mined: a number that no choice of queries has touched."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from misfire.cells import Flips
from misfire.methods.retrieval.flips import flip_ledger
from misfire.metrics import hit_at_k
from misfire.stats import clustered_score_interval


@dataclass(frozen=True)
class ConfirmedGain:
    """Flips on some queries of the half that wasn't mined, and the score interval of their gain, as fractions.

    ``low`` and ``high`` are None where the queries show fewer than two images.
    """

    flips: Flips
    low: float | None
    high: float | None


def confirm(
    baseline_ranks: Int[np.ndarray, " query"],
    ensembled_ranks: Int[np.ndarray, " query"],
    clusters: Int[np.ndarray, " query"],
    *,
    k: int,
    confidence: float,
) -> tuple[ConfirmedGain, ConfirmedGain]:
    """The gain on queries of images that weren't mined: on all of them, and on the baseline's failures among them.

    Args:
        baseline_ranks: Rank of each query's target before, from 1.
        ensembled_ranks: Rank of the same query's target after.
        clusters: Image of each query; captions of an image are resampled together.
        k: Cut-off, >= 1.
        confidence: Coverage of the intervals, in (0, 1).

    Returns:
        That of all these queries, which nothing chose, so that it is what it seems; and that of those among them that
        the baseline misses at rank 1, which were chosen as a mined subset is, so that the same caution holds for them.
    """

    def gain(chosen: Bool[np.ndarray, " query"]) -> ConfirmedGain:
        before, after = baseline_ranks[chosen], ensembled_ranks[chosen]
        flips = flip_ledger(before, after, k=k)
        if len(np.unique(clusters[chosen])) < 2:
            return ConfirmedGain(flips, None, None)
        low, high = clustered_score_interval(
            hit_at_k(before, k=k), hit_at_k(after, k=k), clusters[chosen], confidence=confidence
        )
        return ConfirmedGain(flips, low, high)

    everyone = np.ones(len(baseline_ranks), dtype=bool)
    return gain(everyone), gain(baseline_ranks > 1)
