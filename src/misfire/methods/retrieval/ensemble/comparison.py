"""All cells of a sweep side by side, tested on the same queries and corrected for how many they are."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import final

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from misfire.core.errors import UsageError
from misfire.methods.retrieval.ensemble.ledger import net_change
from misfire.methods.retrieval.ensemble.outcome import CellOutcome
from misfire.methods.retrieval.flips import Flips, flip_ledger
from misfire.metrics import hit_at_k
from misfire.stats import (
    DetectableGain,
    FlipEffect,
    McNemar,
    clustered_score_interval,
    flip_effect,
    holm,
    max_t,
    mcnemar,
    minimum_detectable_gain,
    paired_score_interval,
    smallest_significant_count,
)

NUM_SWAPS = 10_000


@final
class Claim(Enum):
    """What a cell's numbers support."""

    GAIN = "gain"
    """More hits than chance gives the best of as many cells, and not by the choice of the queries alone."""
    LOSS = "loss"
    """Fewer hits than chance gives the worst of as many cells."""
    CHOSEN = "chosen"
    """More hits on queries that were chosen because the baseline misses them, and no proof of more hits over all."""
    NONE = "none"
    """Nothing that can be told from no change."""


@final
@dataclass(frozen=True)
class Ranking:
    """Queries whose target stands higher (``wins``), as high (``ties``) or lower (``losses``) than before."""

    wins: int
    ties: int
    losses: int


@final
@dataclass(frozen=True)
class ComparedCell:
    """A cell at one cut-off among the others of its sweep; shares are fractions.

    Args:
        cell_id: Which cell.
        k: The cut-off.
        num_cells: How many cells the p-values are adjusted for.
        flips: The subset's flips.
        ranking: What became of the subset's ranks.
        test: McNemar's test of the flips, not adjusted.
        p_adjusted: Max-T adjusted p-value of the gain on the subset.
        p_holm: Holm's adjusted exact p-value, which holds without resampling.
        p_everywhere: Max-T adjusted p-value of the net change over all queries, the complement's weighted as a sample;
            NaN where there are others and none was asked.
        net_everywhere: Estimated net change over all queries; NaN likewise.
        net_low: Lower end of its score interval at a level shared out over all cells (Bonferroni's); NaN likewise, and
            where the subset or the others show a single image.
        low: Lower end of the score interval of the gain on the subset, captions clustered by image.
        high: Its upper end.
        shared_low: Lower end of the same interval at a level shared out over all cells (Bonferroni's), which holds for
            the best of them, too.
        shared_high: Its upper end.
        effect: How one-sided the flips are.
        detectable: The gain that as many queries, as many of them broken, would show.
        least_gain: Smallest gain that, observed without any broken query, is significant by itself; NaN if none is.
        is_failure_mined: Whether the subset was chosen because the baseline fails on it.
        confidence: Of the intervals; one less it is the level of the tests.
    """

    cell_id: str
    k: int
    num_cells: int
    flips: Flips
    ranking: Ranking
    test: McNemar
    p_adjusted: float
    p_holm: float
    p_everywhere: float
    net_everywhere: float
    net_low: float
    low: float
    high: float
    shared_low: float
    shared_high: float
    effect: FlipEffect
    detectable: DetectableGain
    least_gain: float
    is_failure_mined: bool
    confidence: float

    @property
    def claim(self) -> Claim:
        """What may be said of the cell at this level, with all cells and the choice of the queries in mind."""
        level = 1 - self.confidence + 1e-12
        if not self.p_adjusted <= level or not self.flips.net:
            return Claim.NONE
        if self.flips.net < 0:
            return Claim.LOSS
        if self.is_failure_mined and not (self.p_everywhere <= level and self.net_low > 0):
            return Claim.CHOSEN
        return Claim.GAIN


def compare_cells(
    outcomes: Sequence[CellOutcome],
    records: Sequence[pd.DataFrame],
    *,
    k: int,
    num_replicates: int = NUM_SWAPS,
    rng: np.random.Generator,
) -> list[ComparedCell]:
    """Test each cell's gain in hit@k, adjusted for all of them on the same swaps of systems.

    Two families are tested, each by Westfall and Young's max-T with the captions of an image swapped together: the
    gains on the subsets, and the net changes over all queries. The second weights each query of a complement by how
    many it stands for. There a subset that was chosen by the baseline's failing is no advantage: two systems of equal
    quality lose on the complement what they seem to win on the subset. Where few others are asked, none of them may
    flip, and no swap shows what might have: so the net change of a mined subset must be above zero by its score
    interval, too, which knows how little so few can tell.

    Args:
        outcomes: Finished cells.
        records: The records of each, one row a query.
        k: Cut-off, >= 1.
        num_replicates: How many swaps are drawn for each family.
        rng: Source of the swaps.

    Returns:
        One comparison a cell, in the cells' order.

    Raises:
        UsageError: If there is no cell, or not as many records as cells.
    """
    if not outcomes or len(outcomes) != len(records):
        raise UsageError(
            f"a comparison needs cells and the records of each, got {len(outcomes)} and {len(records)}; read both."
        )
    asked = [_asked(outcome, frame) for outcome, frame in zip(outcomes, records, strict=True)]
    places, images = _shared_axis(asked)
    adjusted = _family(asked, places, images, [one.on_subset for one in asked], k, num_replicates, rng)
    everywhere = _family(asked, places, images, [one.weight for one in asked], k, num_replicates, rng)
    flips = [one.flips(k) for one in asked]
    by_holm = holm(np.array([mcnemar(one.fixed, one.broken).p_exact for one in flips]))
    return [
        _compared(one, own, k, len(outcomes), float(p_subset), float(p_holm), float(p_all))
        for one, own, p_subset, p_holm, p_all in zip(asked, flips, adjusted, by_holm, everywhere, strict=True)
    ]


@final
@dataclass(frozen=True, eq=False)
class _Asked:
    """The queries of a cell's records, the subset's first: image and both ranks of each, and how many it stands for."""

    outcome: CellOutcome
    num_subset: int
    query: Int[np.ndarray, " _"]
    image: Int[np.ndarray, " _"]
    before: Int[np.ndarray, " _"]
    after: Int[np.ndarray, " _"]
    weight: Float[np.ndarray, " _"]

    @property
    def on_subset(self) -> Float[np.ndarray, " _"]:
        """1 for the subset's queries, NaN for the others."""
        return np.where(np.arange(len(self.query)) < self.num_subset, 1.0, np.nan)

    def flips(self, k: int) -> Flips:
        """The subset's flips."""
        return flip_ledger(self.before[: self.num_subset], self.after[: self.num_subset], k=k)


def _asked(outcome: CellOutcome, frame: pd.DataFrame) -> _Asked:
    is_subset = (frame["part"] == "subset").to_numpy()
    order = np.argsort(~is_subset, kind="stable")
    num_subset = int(is_subset.sum())
    num_asked = len(frame) - num_subset
    weight = np.ones(len(frame))
    weight[num_subset:] = outcome.num_others / max(num_asked, 1)
    if outcome.num_others and not num_asked:
        weight[:] = np.nan
    return _Asked(
        outcome=outcome,
        num_subset=num_subset,
        query=frame["query_id"].to_numpy()[order],
        image=frame["image_id"].to_numpy()[order],
        before=frame["baseline_rank"].to_numpy()[order],
        after=frame["ensembled_rank"].to_numpy()[order],
        weight=weight,
    )


def _compared(
    asked: _Asked, flips: Flips, k: int, num_cells: int, p_subset: float, p_holm: float, p_all: float
) -> ComparedCell:
    outcome, subset = asked.outcome, slice(asked.num_subset)
    alpha = 1 - outcome.confidence
    low, high = _score_interval(asked, flips, k, confidence=outcome.confidence)
    shared_low, shared_high = _score_interval(asked, flips, k, confidence=1 - alpha / num_cells)
    least = smallest_significant_count(0, alpha=alpha)
    delta = hit_at_k(asked.after, k=k).astype(float) - hit_at_k(asked.before, k=k)
    return ComparedCell(
        cell_id=outcome.cell_id,
        k=k,
        num_cells=num_cells,
        flips=flips,
        ranking=_ranking(asked.before[subset], asked.after[subset]),
        test=mcnemar(flips.fixed, flips.broken),
        p_adjusted=p_subset,
        p_holm=p_holm,
        p_everywhere=p_all,
        net_everywhere=float((delta * asked.weight).sum() / asked.weight.sum()),
        net_low=_net_low(asked, k, num_cells),
        low=low,
        high=high,
        shared_low=shared_low,
        shared_high=shared_high,
        effect=_effect(flips.fixed, flips.broken, confidence=outcome.confidence),
        detectable=detectable_gain(flips.broken, flips.num_queries, alpha=alpha),
        least_gain=least / flips.num_queries if least <= flips.num_queries else math.nan,
        is_failure_mined=outcome.is_failure_mined,
        confidence=outcome.confidence,
    )


@cache  # the search for it is slow, and cells of a sweep often break as many
def detectable_gain(broken: int, num_queries: int, *, alpha: float) -> DetectableGain:
    """The gain that shows with 80 % power if as large a share of the queries breaks as was observed.

    Args:
        broken: Queries that only the baseline hits.
        num_queries: All queries.
        alpha: Two-sided level of the test.

    Returns:
        NaN with its reason where half of the queries or more broke.
    """
    share = broken / num_queries
    if share >= 0.5:
        return DetectableGain(math.nan, math.nan, share, "half of the queries or more broke.")
    return minimum_detectable_gain(num_queries, broken_share=share, alpha=alpha)


@cache
def _effect(fixed: int, broken: int, *, confidence: float) -> FlipEffect:
    return flip_effect(fixed, broken, confidence=confidence)


def _shared_axis(asked: Sequence[_Asked]) -> tuple[list[Int[np.ndarray, " _"]], Int[np.ndarray, " query"]]:
    """Where each cell's queries stand on an axis that has every query once, and a number for the image of each.

    Ids of different datasets are different queries and images.
    """
    datasets = sorted({one.outcome.dataset_fingerprint for one in asked})
    dataset = np.repeat(
        [datasets.index(one.outcome.dataset_fingerprint) for one in asked], [len(one.query) for one in asked]
    )
    queries = np.column_stack([dataset, np.concatenate([one.query for one in asked])])
    _, first, place = np.unique(queries, axis=0, return_index=True, return_inverse=True)
    its_image = np.column_stack([dataset, np.concatenate([one.image for one in asked])])[first]
    images = np.unique(its_image, axis=0, return_inverse=True)[1].ravel()
    ends = np.cumsum([len(one.query) for one in asked])[:-1]
    return np.split(place.ravel(), ends), images


def _family(
    asked: Sequence[_Asked],
    places: Sequence[Int[np.ndarray, " _"]],
    images: Int[np.ndarray, " query"],
    weights: Sequence[Float[np.ndarray, " _"]],
    k: int,
    num_replicates: int,
    rng: np.random.Generator,
) -> Float[np.ndarray, " cell"]:
    before, after = np.full((2, len(asked), len(images)), np.nan)
    for row, (one, place, weight) in enumerate(zip(asked, places, weights, strict=True)):
        before[row, place] = hit_at_k(one.before, k=k) * weight
        after[row, place] = hit_at_k(one.after, k=k) * weight
    return max_t(before, after, clusters=images, num_replicates=num_replicates, rng=rng)


def _net_low(asked: _Asked, k: int, num_cells: int) -> float:
    net = net_change(
        asked.before,
        asked.after,
        asked.image,
        num_subset=asked.num_subset,
        num_others=asked.outcome.num_others,
        k=k,
        confidence=1 - (1 - asked.outcome.confidence) / num_cells,
    )
    return math.nan if net is None else net.low


def _score_interval(asked: _Asked, flips: Flips, k: int, *, confidence: float) -> tuple[float, float]:
    subset = slice(asked.num_subset)
    if len(np.unique(asked.image[subset])) < 2:  # one image says nothing of how images differ
        return paired_score_interval(flips.fixed, flips.broken, flips.num_queries, confidence=confidence)
    return clustered_score_interval(
        hit_at_k(asked.before[subset], k=k),
        hit_at_k(asked.after[subset], k=k),
        asked.image[subset],
        confidence=confidence,
    )


def _ranking(before: Int[np.ndarray, " query"], after: Int[np.ndarray, " query"]) -> Ranking:
    return Ranking(int((after < before).sum()), int((after == before).sum()), int((after > before).sum()))
