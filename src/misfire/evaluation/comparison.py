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
from misfire.evaluation.flips import Flips, flip_ledger
from misfire.evaluation.ledger import net_change
from misfire.evaluation.outcome import CellOutcome
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
    frames = [_placed(outcome, frame) for outcome, frame in zip(outcomes, records, strict=True)]
    places, images = _shared_axis(frames)
    adjusted = _family(frames, places, images, "is_subset", k, num_replicates, rng)
    everywhere = _family(frames, places, images, "weight", k, num_replicates, rng)
    tests = [_flips(frame[frame["is_subset"] > 0], k) for frame in frames]
    by_holm = holm(np.array([mcnemar(flips.fixed, flips.broken).p_exact for flips in tests]))
    return [
        _compared(outcome, frame, k, len(outcomes), float(p_subset), float(p_holm), float(p_all))
        for outcome, frame, p_subset, p_holm, p_all in zip(outcomes, frames, adjusted, by_holm, everywhere, strict=True)
    ]


def _compared(
    outcome: CellOutcome, frame: pd.DataFrame, k: int, num_cells: int, p_subset: float, p_holm: float, p_all: float
) -> ComparedCell:
    subset = frame[frame["is_subset"] > 0]
    flips = _flips(subset, k)
    low, high = _score_interval(subset, flips, k, outcome.confidence)
    before, after = (hit_at_k(frame[f"{side}_rank"].to_numpy(), k=k) for side in ("baseline", "ensembled"))
    alpha = 1 - outcome.confidence
    least = smallest_significant_count(0, alpha=alpha)
    return ComparedCell(
        cell_id=outcome.cell_id,
        k=k,
        num_cells=num_cells,
        flips=flips,
        ranking=_ranking(subset["baseline_rank"].to_numpy(), subset["ensembled_rank"].to_numpy()),
        test=mcnemar(flips.fixed, flips.broken),
        p_adjusted=p_subset,
        p_holm=p_holm,
        p_everywhere=p_all,
        net_everywhere=_weighted_mean(after.astype(float) - before, frame["weight"].to_numpy()),
        net_low=_net_low(outcome, frame, k, num_cells),
        low=low,
        high=high,
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


def _placed(outcome: CellOutcome, frame: pd.DataFrame) -> pd.DataFrame:
    """Records with what a query stands for: 1 on the subset, its share of the others on the complement."""
    is_subset = (frame["part"] == "subset").to_numpy()
    num_asked = int((~is_subset).sum())
    weight = np.where(is_subset, 1.0, outcome.num_others / num_asked if num_asked else 0.0)
    if outcome.num_others and not num_asked:
        weight = np.full(len(frame), np.nan)
    return frame.assign(weight=weight, is_subset=np.where(is_subset, 1.0, np.nan), dataset=outcome.dataset_fingerprint)


def _shared_axis(
    frames: Sequence[pd.DataFrame],
) -> tuple[list[Int[np.ndarray, " _"]], Int[np.ndarray, " query"]]:
    """Where each cell's queries stand on an axis that has every query once, and a number for the image of each.

    Ids of different datasets are different queries and images.
    """
    asked = pd.concat([frame[["dataset", "query_id", "image_id"]] for frame in frames])
    sizes = [len(frame) for frame in frames]
    asked = asked.assign(place=asked.groupby(["dataset", "query_id"], sort=True).ngroup().to_numpy())
    once = asked.drop_duplicates("place").sort_values("place")
    images = once.groupby(["dataset", "image_id"], sort=True).ngroup().to_numpy().astype(np.int64)
    return np.split(asked["place"].to_numpy().astype(np.int64), np.cumsum(sizes)[:-1]), images


def _family(
    frames: Sequence[pd.DataFrame],
    places: Sequence[Int[np.ndarray, " _"]],
    images: Int[np.ndarray, " query"],
    weight: str,
    k: int,
    num_replicates: int,
    rng: np.random.Generator,
) -> Float[np.ndarray, " cell"]:
    before, after = (
        np.stack(
            [
                _weighted_hits(frame, f"{side}_rank", weight, own, len(images), k)
                for frame, own in zip(frames, places, strict=True)
            ]
        )
        for side in ("baseline", "ensembled")
    )
    return max_t(before, after, clusters=images, num_replicates=num_replicates, rng=rng)


def _weighted_hits(
    frame: pd.DataFrame, ranks: str, weight: str, places: Int[np.ndarray, " _"], num_queries: int, k: int
) -> Float[np.ndarray, " query"]:
    """Hits times weights on the shared axis; NaN for a query that the cell or the family doesn't have."""
    values = np.full(num_queries, np.nan)
    values[places] = hit_at_k(frame[ranks].to_numpy(), k=k) * frame[weight].to_numpy()
    return values


def _net_low(outcome: CellOutcome, frame: pd.DataFrame, k: int, num_cells: int) -> float:
    ordered = frame.sort_values("is_subset", kind="stable")  # NaN, which is the others', comes last
    net = net_change(
        ordered["baseline_rank"].to_numpy(),
        ordered["ensembled_rank"].to_numpy(),
        ordered["image_id"].to_numpy(),
        num_subset=int((ordered["is_subset"] > 0).sum()),
        num_others=outcome.num_others,
        k=k,
        confidence=1 - (1 - outcome.confidence) / num_cells,
    )
    return math.nan if net is None else net.low


def _flips(subset: pd.DataFrame, k: int) -> Flips:
    return flip_ledger(subset["baseline_rank"].to_numpy(), subset["ensembled_rank"].to_numpy(), k=k)


def _score_interval(subset: pd.DataFrame, flips: Flips, k: int, confidence: float) -> tuple[float, float]:
    if subset["image_id"].nunique() < 2:  # one image says nothing of how images differ
        return paired_score_interval(flips.fixed, flips.broken, flips.num_queries, confidence=confidence)
    return clustered_score_interval(
        hit_at_k(subset["baseline_rank"].to_numpy(), k=k),
        hit_at_k(subset["ensembled_rank"].to_numpy(), k=k),
        subset["image_id"].to_numpy(),
        confidence=confidence,
    )


def _ranking(before: Int[np.ndarray, " query"], after: Int[np.ndarray, " query"]) -> Ranking:
    return Ranking(int((after < before).sum()), int((after == before).sum()), int((after > before).sum()))


def _weighted_mean(delta: Float[np.ndarray, " query"], weight: Float[np.ndarray, " query"]) -> float:
    return float((delta * weight).sum() / weight.sum())
