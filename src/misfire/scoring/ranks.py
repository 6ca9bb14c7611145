"""Ranks of the target items, and what else a record of a query's outcome needs."""

import torch
from jaxtyping import Float, Int

from misfire.scoring.comparison import Counts, Outcomes, Ranks, Rivals, compared
from misfire.scoring.pooling import MaxPooling, PromptPooling
from misfire.scoring.scan import DEFAULT_MEMORY_BUDGET_BYTES, Scan, check_targets


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
    counts = Counts(targets)
    for block in compared(scan, targets, num_best=0):
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
    counts, rivals = Counts(targets), Rivals(targets)
    for block in compared(scan, targets, num_best=2):
        counts.add(block)
        rivals.add(block)
    return rivals.outcomes(counts.ranks())


def _alone(queries: torch.Tensor) -> torch.Tensor:
    """Queries as ensembles of one prompt, of which each pooling of scores is the score."""
    return queries.unsqueeze(1)
