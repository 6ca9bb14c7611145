"""How the items' scores stand to the target's: what ranks, ties and margins are counted from."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import ge, gt
from typing import Any

import torch
from jaxtyping import Bool, Float, Int64

from misfire.core.errors import UsageError
from misfire.scoring.gallery import GalleryBlock
from misfire.scoring.scan import Scan, TargetedBlock


@dataclass(frozen=True, eq=False)
class Ranks:
    """Rank of each query's target in the gallery, from 1.

    ``rank`` is 1 + the items scored higher + the equal-scored items that stand earlier in the gallery. ``best`` and
    ``worst`` are the ranks it would have if all the equal-scored items stood after it, or before it.
    """

    rank: Int64[torch.Tensor, " query"]
    best: Int64[torch.Tensor, " query"]
    worst: Int64[torch.Tensor, " query"]


@dataclass(frozen=True, eq=False)
class Outcomes:
    """What became of each query. Scores are float32; items are gallery positions.

    ``top_item`` and ``top_score`` are those of rank 1. ``margin`` is the target's score minus the best other item's:
    positive if the target leads, NaN if the gallery has no other item.
    """

    ranks: Ranks
    target_score: Float[torch.Tensor, " query"]
    top_item: Int64[torch.Tensor, " query"]
    top_score: Float[torch.Tensor, " query"]
    margin: Float[torch.Tensor, " query"]


@dataclass(frozen=True, eq=False)
class ComparedBlock:
    """Values that stand to the target's score as the items' pooled scores do."""

    queries: slice
    gallery: GalleryBlock
    values: Float[torch.Tensor, "query member"]
    target_score: Float[torch.Tensor, " query"]
    is_here: Bool[torch.Tensor, " query"]


def compared(
    scan: Scan, targets: Int64[torch.Tensor, " query"], *, num_best: int, beside: "Counts | None" = None
) -> Iterator[ComparedBlock]:
    """The pooled scores; those of the parts themselves are counted in ``beside``."""
    for block in scan.blocks_beside(targets):
        if beside is not None:
            beside.add(_parts_of(block))
        target_score = scan.pooling.after_product(block.target_scores[:, :, None])[:, 0]
        if target_score.isnan().any():
            raise UsageError(
                f"pooled scores must not be NaN, got NaN from {scan.pooling.describe()}; mend the pooling."
            )
        values = scan.pooling.against(block.scores, target_score, num_best=num_best)
        values[block.is_here.nonzero()[:, 0], block.target_row] = target_score[block.is_here]
        yield ComparedBlock(block.queries, block.gallery, block.gallery.expand(values), target_score, block.is_here)


def _parts_of(block: TargetedBlock) -> ComparedBlock:
    """A block's parts as queries of their own."""
    num_parts = block.scores.shape[1]
    return ComparedBlock(
        queries=slice(block.queries.start * num_parts, block.queries.stop * num_parts),
        gallery=block.gallery,
        values=block.gallery.expand(block.scores.flatten(0, 1)),
        target_score=block.target_scores.flatten(),
        is_here=block.is_here.repeat_interleave(num_parts),
    )


class Counts:
    """Items scored higher than the target, at least as high, and equal but earlier."""

    def __init__(self, targets: Int64[torch.Tensor, " query"]) -> None:
        self._targets = targets
        self._higher = torch.zeros_like(targets)
        self._at_least = torch.zeros_like(targets)
        self._earlier = torch.zeros_like(targets)

    def add(self, block: ComparedBlock) -> None:
        """Take a block into account."""
        target_score = block.target_score[:, None]
        higher = _count(_compare(gt, block.values, target_score))
        at_least = _count(_compare(ge, block.values, target_score))
        self._higher[block.queries] += higher
        self._at_least[block.queries] += at_least
        tied = (at_least > higher + block.is_here.long()).nonzero()[:, 0]  # more than the target itself
        equal = block.values[tied] == target_score[tied]
        earlier = block.gallery.members < self._targets[block.queries][tied, None]
        self._earlier[block.queries][tied] += _count(equal & earlier)

    def ranks(self) -> Ranks:
        """The targets' ranks over the blocks so far."""
        best = 1 + self._higher
        return Ranks(rank=best + self._earlier, best=best, worst=self._at_least)


class Rivals:
    """The best item that isn't the target."""

    def __init__(self, targets: Int64[torch.Tensor, " query"]) -> None:
        self._targets = targets
        self._target_score = torch.empty(len(targets), device=targets.device)
        self._score = torch.full((len(targets),), -torch.inf, device=targets.device)
        self._item = torch.full_like(targets, -1)

    def add(self, block: ComparedBlock) -> None:
        """Take a block into account; overwrites its values at the targets."""
        targets, members = self._targets[block.queries], block.gallery.members
        here = block.is_here.nonzero()[:, 0]
        block.values[here, torch.searchsorted(members, targets[here])] = -torch.inf
        score, column = block.values.max(dim=1)  # the first of equals
        item = members[column]
        best_score, best_item = self._score[block.queries], self._item[block.queries]
        is_better = (score > best_score) | ((score == best_score) & (item < best_item))
        best_score.copy_(torch.where(is_better, score, best_score))
        best_item.copy_(torch.where(is_better, item, best_item))
        self._target_score[block.queries] = block.target_score

    def outcomes(self, ranks: Ranks) -> Outcomes:
        """The targets' outcomes against their best rivals."""
        is_alone = self._item < 0
        is_first = ranks.rank == 1
        return Outcomes(
            ranks=ranks,
            target_score=self._target_score,
            top_item=torch.where(is_first, self._targets, self._item),
            top_score=torch.where(is_first, self._target_score, self._score),
            margin=torch.where(is_alone, torch.nan, self._target_score - self._score),
        )


def _compare(
    relation: Callable[[Any, Any], Any],
    values: Float[torch.Tensor, "query member"],
    target_score: Float[torch.Tensor, "query 1"],
) -> Bool[torch.Tensor, "query member"]:
    if values.device.type != "cpu":
        mask: torch.Tensor = relation(values, target_score)
        return mask
    return torch.from_numpy(relation(values.numpy(), target_score.numpy()))  # four times as fast as torch there


def _count(mask: Bool[torch.Tensor, "query member"]) -> Int64[torch.Tensor, " query"]:
    # Eight bytes are added up as one number, at an eighth of the price: no byte of a sum of 255 words overflows.
    num_words = mask.shape[1] // 8
    words = mask[:, : 8 * num_words].reshape(-1).view(torch.int64).view(len(mask), num_words)
    counts = mask[:, 8 * num_words :].sum(dim=1)
    for start in range(0, num_words, 255):
        counts += words[:, start : start + 255].sum(dim=1, keepdim=True).view(torch.uint8).sum(dim=1)
    return counts
