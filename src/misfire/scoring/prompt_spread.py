"""How far the prompts of a query disagree, and what that leaves of a soft maximum at a given temperature."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Int

from misfire.core.errors import UsageError
from misfire.scoring.pooling import LogMeanExpPooling
from misfire.scoring.pooling.logmeanexp import log_mean_exp
from misfire.scoring.scan import DEFAULT_MEMORY_BUDGET_BYTES, Scan, TargetedBlock, check_targets


@final
@dataclass(frozen=True)
class PromptSpread:
    """Spread of the scores over a query's prompts, and how far LogMeanExp at ``tau`` stands from the mean.

    For a tau far above the spread, LogMeanExp is the mean plus variance / (2 tau). A shift below the gap can't change
    the target's rank.

    Args:
        tau: The temperature in question.
        deviation: Median over queries and items of the standard deviation over the prompts, in units of the score.
        shift: Median over queries and items of LogMeanExp minus the mean; never negative.
        largest_shift: The largest of them.
        gap: Median over queries of the distance between the target's mean score and the nearest other item's; NaN
            where the gallery has one distinct item.
    """

    tau: float
    deviation: float
    shift: float
    largest_shift: float
    gap: float


def prompt_spread(
    prompts: Float[torch.Tensor, "query prompt dim"],
    gallery: Float[torch.Tensor, "gallery dim"],
    targets: Int[torch.Tensor, " query"],
    *,
    tau: float,
    memory_budget_bytes: int = DEFAULT_MEMORY_BUDGET_BYTES,
) -> PromptSpread:
    """Spread of the scores over each query's prompts, against ``tau``. Equal gallery rows count once.

    Two values a query and distinct item are kept for the medians, so that this is for a sample of the queries.

    Args:
        prompts: Embeddings of each query's prompts.
        gallery: Gallery embeddings.
        targets: Gallery position of each query's target.
        tau: Temperature, > 0.
        memory_budget_bytes: Working memory beside the inputs and the kept values.

    Raises:
        UsageError: If there is no query, tau isn't positive and finite, or as :func:`misfire.scoring.ensemble_ranks`.

    Example:
        >>> prompts = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
        >>> gallery = torch.tensor([[0.5, 0.3], [0.1, 0.1]])
        >>> spread = prompt_spread(prompts, gallery, torch.tensor([0]), tau=1.0)
        >>> round(spread.largest_shift, 4), round(0.1**2 / 2, 4), round(spread.gap, 4)
        (0.005, 0.005, 0.3)
    """
    if not len(prompts):
        raise UsageError("a spread over prompts needs a query, got none; give some.")
    scan = Scan(prompts, gallery, LogMeanExpPooling(tau), memory_budget_bytes=memory_budget_bytes)
    targets = check_targets(targets, num_queries=len(prompts), num_items=len(gallery))
    gap = torch.full((len(prompts),), torch.inf, dtype=torch.float64, device=scan.device)
    deviations, shifts = [], []
    for block in scan.blocks_beside(targets):
        scores = block.scores.double()
        mean = scores.mean(dim=1)
        deviations.append(scores.std(dim=1, correction=0).float().flatten())
        soft = log_mean_exp(scores.movedim(1, 0), torch.tensor(tau, dtype=torch.float64, device=scan.device))
        shifts.append((soft - mean).clamp_min_(0.0).flatten())  # below 0 by rounding alone
        gap[block.queries] = torch.minimum(gap[block.queries], _nearest(block, mean))
    shift = torch.cat(shifts)
    return PromptSpread(
        tau=tau,
        deviation=float(torch.cat(deviations).median()),
        shift=float(shift.median()),
        largest_shift=float(shift.max()),
        gap=float(torch.where(gap.isinf(), torch.nan, gap).median()),
    )


def _nearest(block: TargetedBlock, mean: Float[torch.Tensor, "query row"]) -> Float[torch.Tensor, " query"]:
    """Distance between each target's mean score and the nearest of the block's other rows."""
    distance = (mean - block.target_scores.double().mean(dim=1)[:, None]).abs_()
    distance[block.is_here.nonzero()[:, 0], block.target_row] = torch.inf
    return distance.amin(dim=1)
