"""What bounds a hit rate: texts that stand on several images, ties, and the precision of the scores."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from misfire.core.errors import UsageError
from misfire.data import Dataset, folded
from misfire.metrics import hit_at_k
from misfire.scoring import Outcomes, Ranks, TopItems

ROUNDING: Mapping[str, float] = {"fp32": 2.0**-24, "bf16": 2.0**-8}
"""Differences of two cosines below which rounding each of them to the precision can swap them, or make them equal.

A number in [0.5, 1) is rounded by at most a quarter of the precision's machine epsilon (2**-23, 2**-7), so a difference
of two by at most half of it. Errors of the network and of the sum within a dot product come on top.
"""


@dataclass(frozen=True)
class HitBounds:
    """Counts of one system's hits at one cut-off, and how many of them hang on ties or on rounding.

    Args:
        hits: Hits under the tie rule.
        if_ties_lose: Hits if every equal-scored image stood before the target.
        if_ties_win: Hits if every equal-scored image stood after it.
        within_fp32: Hits whose target leads the first image beyond the cut-off by less than ``ROUNDING["fp32"]``.
        within_bf16: The same for ``ROUNDING["bf16"]``.
    """

    hits: int
    if_ties_lose: int
    if_ties_win: int
    within_fp32: int
    within_bf16: int


def hit_bounds(
    rank: Int[np.ndarray, " query"],
    best_rank: Int[np.ndarray, " query"],
    worst_rank: Int[np.ndarray, " query"],
    lead: Float[np.ndarray, " query"],
    *,
    k: int,
) -> HitBounds:
    """Hits at ``k`` with their bounds.

    Args:
        rank: Rank of each target, from 1.
        best_rank: Its rank if ties went its way.
        worst_rank: Its rank if they went the other way.
        lead: Score of the target less that of the ``k``-th best other image; infinite where there is no such image.
        k: Cut-off, >= 1.

    Raises:
        UsageError: If k < 1 or a rank isn't one.

    Example:
        >>> two = np.array([1, 2])
        >>> hit_bounds(two, np.array([1, 1]), two, np.array([0.001, 0.0]), k=1)
        HitBounds(hits=1, if_ties_lose=1, if_ties_win=2, within_fp32=0, within_bf16=1)
    """
    hits = hit_at_k(rank, k=k)
    return HitBounds(
        hits=int(hits.sum()),
        if_ties_lose=int(hit_at_k(worst_rank, k=k).sum()),
        if_ties_win=int(hit_at_k(best_rank, k=k).sum()),
        within_fp32=int((hits & (lead < ROUNDING["fp32"])).sum()),
        within_bf16=int((hits & (lead < ROUNDING["bf16"])).sum()),
    )


def hit_ceiling(dataset: Dataset, positions: Int[np.ndarray, " query"], *, k: int) -> float:
    """The best expected text-to-image hit@k on some queries of a reader who sees nothing but their texts.

    One list of ``k`` images must do for all queries of the same text (:func:`misfire.data.card.folded`): the best one
    holds those on which it stands most often. Over all captions and at 1 it is the card's ``hit_at_1_ceiling``.

    Args:
        dataset: Its captions are the queries.
        positions: Places of the queries among the captions.
        k: Cut-off, >= 1.

    Returns:
        A fraction in (0, 1]; 1 where no text stands on more than ``k`` images.

    Raises:
        UsageError: If there is no query or k < 1.
    """
    if not len(positions) or k < 1:
        raise UsageError(f"a ceiling must have queries and k >= 1, got {len(positions)} and {k}; give both.")
    images_of_texts: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for position in positions:
        caption = dataset.captions[position]
        images_of_texts[folded(caption.text)][caption.image_id] += 1
    best = sum(count for images in images_of_texts.values() for _, count in images.most_common(k))
    return best / len(positions)


@dataclass(frozen=True, eq=False)
class RankedSide:
    """The outcomes of a cell's queries under one system, and the best items of its subset's queries."""

    outcomes: Outcomes
    subset_top: TopItems

    @cached_property
    def ranks(self) -> Int[np.ndarray, " query"]:
        """Rank of each query's target, the subset's queries first."""
        return self.outcomes.ranks.rank.numpy()

    def but_for(self, is_other: Bool[np.ndarray, " query"], other: "RankedSide") -> "RankedSide":
        """The same with another side's outcomes for some of the queries.

        Args:
            is_other: For which.
            other: Whose; of the same queries, with as many best items.
        """
        if not is_other.any():
            return self
        where = torch.from_numpy(is_other)
        ours, theirs = self.outcomes, other.outcomes
        top = where[: len(self.subset_top.score), None]

        def either(own: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
            return torch.where(where, others, own)

        return RankedSide(
            outcomes=Outcomes(
                ranks=Ranks(
                    either(ours.ranks.rank, theirs.ranks.rank),
                    either(ours.ranks.best, theirs.ranks.best),
                    either(ours.ranks.worst, theirs.ranks.worst),
                ),
                target_score=either(ours.target_score, theirs.target_score),
                top_item=either(ours.top_item, theirs.top_item),
                top_score=either(ours.top_score, theirs.top_score),
                margin=either(ours.margin, theirs.margin),
            ),
            subset_top=TopItems(
                torch.where(top, other.subset_top.position, self.subset_top.position),
                torch.where(top, other.subset_top.score, self.subset_top.score),
            ),
        )

    def bounds(self, targets: Int[torch.Tensor, " subset"], *, k: int) -> HitBounds:
        """The subset's hits at ``k``, and how many hang on ties or on rounding."""
        chosen = slice(len(targets))
        ranks = self.outcomes.ranks
        return hit_bounds(
            ranks.rank[chosen].numpy(),
            ranks.best[chosen].numpy(),
            ranks.worst[chosen].numpy(),
            lead(self.outcomes.target_score[chosen], self.subset_top, targets, k=k),
            k=k,
        )


def lead(
    target_score: Float[torch.Tensor, " query"],
    top: TopItems,
    targets: Int[torch.Tensor, " query"],
    *,
    k: int,
) -> Float[np.ndarray, " query"]:
    """Score of each target less that of the ``k``-th best other item; infinite where ``top`` holds no such item.

    Args:
        target_score: The targets' scores.
        top: Each query's best items: ``k + 1`` of them, or all that there are.
        targets: Gallery position of each query's target.
        k: Cut-off, >= 1.
    """
    rivals = torch.where(top.position == targets[:, None], -torch.inf, top.score).sort(dim=1, descending=True).values
    if k > rivals.shape[1]:
        return np.full(len(targets), np.inf)
    return (target_score - rivals[:, k - 1]).double().numpy()
