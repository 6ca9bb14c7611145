"""Ranks of the target items, and what else a record of a query's outcome needs."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int, Int64

from misfire.core.errors import UsageError
from misfire.scoring.gallery import GalleryBlock
from misfire.scoring.pooling import MaxPooling, PromptPooling
from misfire.scoring.scan import DEFAULT_MEMORY_BUDGET_BYTES, Scan, check_targets


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


def target_ranks(
    queries: Float[torch.Tensor, "query dim"],
    gallery: Float[torch.Tensor, "gallery dim"],
    targets: Int[torch.Tensor, " query"],
    *,
    memory_budget_bytes: int = DEFAULT_MEMORY_BUDGET_BYTES,
) -> Ranks:
    """Rank of each query's target among the gallery by dot product.

    Scores are float32 whatever the embeddings' precision. Ties go by gallery order, and gallery rows that are equal
    always tie.

    Args:
        queries: Query embeddings, unit length if the score is to be the cosine.
        gallery: Gallery embeddings.
        targets: Gallery position of each query's target.
        memory_budget_bytes: Working memory beside the inputs; nothing of size queries x gallery is ever held.

    Returns:
        Ranks from 1, with their tie bounds.

    Raises:
        UsageError: If the gallery is empty, shapes or devices differ, a value isn't finite, or a target is outside
            the gallery.

    Example:
        >>> gallery = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
        >>> ranks = target_ranks(torch.tensor([[0.0, 1.0]]), gallery, torch.tensor([2]))
        >>> ranks.rank.item(), ranks.best.item(), ranks.worst.item()  # item 1 is equal and stands earlier
        (2, 1, 2)
    """
    return ensemble_ranks(_alone(queries), gallery, targets, MaxPooling(), memory_budget_bytes=memory_budget_bytes)


def ensemble_ranks(
    prompts: Float[torch.Tensor, "query prompt dim"],
    gallery: Float[torch.Tensor, "gallery dim"],
    targets: Int[torch.Tensor, " query"],
    pooling: PromptPooling,
    *,
    memory_budget_bytes: int = DEFAULT_MEMORY_BUDGET_BYTES,
) -> Ranks:
    """Rank of each query's target by the pooled scores of the query's prompts.

    Scores, ties, arguments and errors are those of :func:`target_ranks`.

    Example:
        >>> prompts = torch.tensor([[[1.0, 0.0], [0.0, 0.6]]])
        >>> gallery = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
        >>> ensemble_ranks(prompts, gallery, torch.tensor([1]), MaxPooling()).rank
        tensor([2])
    """
    scan = Scan(prompts, gallery, pooling, memory_budget_bytes=memory_budget_bytes)
    targets = check_targets(targets, num_queries=len(prompts), num_items=len(gallery))
    counts = _Counts(targets)
    for block in _compared(scan, targets, num_best=0):
        counts.add(block)
    return counts.ranks()


def target_outcomes(
    queries: Float[torch.Tensor, "query dim"],
    gallery: Float[torch.Tensor, "gallery dim"],
    targets: Int[torch.Tensor, " query"],
    *,
    memory_budget_bytes: int = DEFAULT_MEMORY_BUDGET_BYTES,
) -> Outcomes:
    """Ranks as of :func:`target_ranks`, the target's and the best item's score, and the margin, in the same pass.

    Example:
        >>> gallery = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
        >>> outcomes = target_outcomes(torch.tensor([[0.75, 0.25]]), gallery, torch.tensor([1]))
        >>> outcomes.top_item, outcomes.margin
        (tensor([0]), tensor([-0.5000]))
    """
    return ensemble_outcomes(_alone(queries), gallery, targets, MaxPooling(), memory_budget_bytes=memory_budget_bytes)


def ensemble_outcomes(
    prompts: Float[torch.Tensor, "query prompt dim"],
    gallery: Float[torch.Tensor, "gallery dim"],
    targets: Int[torch.Tensor, " query"],
    pooling: PromptPooling,
    *,
    memory_budget_bytes: int = DEFAULT_MEMORY_BUDGET_BYTES,
) -> Outcomes:
    """Ranks as of :func:`ensemble_ranks`, the target's and the best item's score, and the margin, in the same pass.

    Example:
        >>> prompts = torch.tensor([[[1.0, 0.0], [0.0, 0.5]]])
        >>> gallery = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
        >>> ensemble_outcomes(prompts, gallery, torch.tensor([1]), MaxPooling()).margin
        tensor([-0.5000])
    """
    scan = Scan(prompts, gallery, pooling, memory_budget_bytes=memory_budget_bytes)
    targets = check_targets(targets, num_queries=len(prompts), num_items=len(gallery))
    counts, rivals = _Counts(targets), _Rivals(targets)
    for block in _compared(scan, targets, num_best=2):
        counts.add(block)
        rivals.add(block)
    return rivals.outcomes(counts.ranks())


@dataclass(frozen=True, eq=False)
class _ComparedBlock:
    """Values that stand to the target's score as the items' pooled scores do."""

    queries: slice
    gallery: GalleryBlock
    values: Float[torch.Tensor, "query member"]
    target_score: Float[torch.Tensor, " query"]
    is_here: Bool[torch.Tensor, " query"]


def _compared(scan: Scan, targets: Int64[torch.Tensor, " query"], *, num_best: int) -> Iterator[_ComparedBlock]:
    for block in scan.blocks_beside(targets):
        target_score = scan.pooling.after_product(block.target_scores[:, :, None])[:, 0]
        if target_score.isnan().any():
            raise UsageError(
                f"pooled scores must not be NaN, got NaN from {scan.pooling.describe()}; mend the pooling."
            )
        values = scan.pooling.against(block.scores, target_score, num_best=num_best)
        values[block.is_here.nonzero()[:, 0], block.target_row] = target_score[block.is_here]
        yield _ComparedBlock(block.queries, block.gallery, block.gallery.expand(values), target_score, block.is_here)


class _Counts:
    """Items scored higher than the target, at least as high, and equal but earlier."""

    def __init__(self, targets: Int64[torch.Tensor, " query"]) -> None:
        self._targets = targets
        self._higher = torch.zeros_like(targets)
        self._at_least = torch.zeros_like(targets)
        self._earlier = torch.zeros_like(targets)

    def add(self, block: _ComparedBlock) -> None:
        target_score = block.target_score[:, None]
        higher = _count(block.values > target_score)
        at_least = _count(block.values >= target_score)
        self._higher[block.queries] += higher
        self._at_least[block.queries] += at_least
        tied = (at_least > higher + block.is_here.long()).nonzero()[:, 0]  # more than the target itself
        equal = block.values[tied] == target_score[tied]
        earlier = block.gallery.members < self._targets[block.queries][tied, None]
        self._earlier[block.queries][tied] += _count(equal & earlier)

    def ranks(self) -> Ranks:
        best = 1 + self._higher
        return Ranks(rank=best + self._earlier, best=best, worst=self._at_least)


class _Rivals:
    """The best item that isn't the target."""

    def __init__(self, targets: Int64[torch.Tensor, " query"]) -> None:
        self._targets = targets
        self._target_score = torch.empty(len(targets), device=targets.device)
        self._score = torch.full((len(targets),), -torch.inf, device=targets.device)
        self._item = torch.full_like(targets, -1)

    def add(self, block: _ComparedBlock) -> None:
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


def _count(mask: Bool[torch.Tensor, "query member"]) -> Int64[torch.Tensor, " query"]:
    # Adding up in 32 bits takes under half the time of torch's count_nonzero, and no gallery has 2**31 items.
    return mask.sum(dim=1, dtype=torch.int32).long()


def _alone(queries: torch.Tensor) -> torch.Tensor:
    """Queries as ensembles of one prompt, of which each pooling of scores is the score."""
    return queries.unsqueeze(1)
