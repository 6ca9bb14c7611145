"""Ranks by each prompt alone, out of the scores that a pooling makes one of."""

from typing import TypeGuard

import torch
from jaxtyping import Float, Int, Int64

from misfire.core.errors import UsageError
from misfire.scoring.comparison import Counts, Outcomes, Rivals, compared
from misfire.scoring.pooling import PromptPooling, ScorePooling
from misfire.scoring.scan import DEFAULT_MEMORY_BUDGET_BYTES, Scan, check_targets


def ensemble_outcomes_beside_prompts(
    prompts: Float[torch.Tensor, "query prompt dim"],
    gallery: Float[torch.Tensor, "gallery dim"],
    targets: Int[torch.Tensor, " query"],
    pooling: ScorePooling,
    *,
    memory_budget_bytes: int = DEFAULT_MEMORY_BUDGET_BYTES,
) -> tuple[Outcomes, Int64[torch.Tensor, "query prompt"]]:
    """Outcomes as of :func:`ensemble_outcomes`, and the target's rank by each prompt alone, out of the same scores.

    Args:
        prompts: Embeddings of each query's prompts.
        gallery: Gallery embeddings.
        targets: Gallery position of each query's target.
        pooling: One for which :func:`pools_scores` is true.
        memory_budget_bytes: Working memory beside the inputs.

    Raises:
        UsageError: As :func:`target_ranks`, or if the pooling doesn't take the prompts' own scores.

    Example:
        >>> from misfire.scoring import MaxPooling
        >>> prompts = torch.tensor([[[1.0, 0.0], [0.0, 0.6]]])
        >>> gallery = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
        >>> outcomes, alone = ensemble_outcomes_beside_prompts(prompts, gallery, torch.tensor([1]), MaxPooling())
        >>> outcomes.ranks.rank.tolist(), alone.tolist()
        ([2], [[2, 1]])
    """
    if not pools_scores(pooling):
        raise UsageError(
            f"a pooling must take the prompts' own scores to rank them beside it, got {pooling.describe()}; rank the "
            "prompts by target_ranks."
        )
    scan = Scan(prompts, gallery, pooling, memory_budget_bytes=memory_budget_bytes)
    targets = check_targets(targets, num_queries=len(prompts), num_items=len(gallery))
    num_prompts = prompts.shape[1]
    alone = Counts(targets.repeat_interleave(num_prompts))
    counts, rivals = Counts(targets), Rivals(targets)
    for block in compared(scan, targets, num_best=2, beside=alone):
        counts.add(block)
        rivals.add(block)
    return rivals.outcomes(counts.ranks()), alone.ranks().rank.view(len(targets), num_prompts)


def pools_scores(pooling: PromptPooling) -> TypeGuard[ScorePooling]:
    """Whether a pooling multiplies each prompt as it is with the gallery, and pools the products."""
    return isinstance(pooling, ScorePooling) and type(pooling).before_product is ScorePooling.before_product
