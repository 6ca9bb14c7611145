"""A soft maximum between the mean and the maximum."""

import math
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float
from typing_extensions import override

from misfire.core.errors import UsageError
from misfire.scoring.pooling.base import RunningPool, ScorePooling, unchanged

_PAIRS_AT_ONCE = 1 << 13  # with 15 prompts a megabyte, which stays in the cache


def log_mean_exp(
    scores: Float[torch.Tensor, "prompt *#pair"], tau: Float[torch.Tensor, "*#pair"]
) -> Float[torch.Tensor, "*pair"]:
    """``tau * log(mean(exp(scores / tau)))`` over the first axis, in float64; it falls from max to mean as tau grows.

    It is a centre plus a correction. The centre is the mean where tau is large beside the scores' spread, so that no
    digit is lost to cancellation, and the maximum where tau is small, so that nothing overflows.

    Example:
        >>> round(log_mean_exp(torch.tensor([0.0, 1.0]), torch.tensor(1.0)).item(), 6)  # log((1 + e) / 2)
        0.620115
    """
    scores = scores.double()
    tau = tau.double()
    mean = scores.mean(dim=0)
    peak = scores.amax(dim=0)
    centre = torch.where(peak - mean <= tau, mean, peak)
    return centre + tau * ((scores - centre) / tau).expm1_().mean(dim=0).log1p_()


@final
@dataclass(frozen=True)
class LogMeanExpPooling(ScorePooling):
    """Soft maximum over the prompts: the maximum for a small ``tau``, the mean for a large one.

    Log-sum-exp differs from it by the constant ``tau * log(number of prompts)`` and ranks the same.

    Args:
        tau: Temperature, > 0, in units of the score.

    Raises:
        UsageError: If tau isn't a positive finite number.

    Example:
        >>> LogMeanExpPooling(tau=1e-3)(torch.tensor([[0.1, 0.4], [0.3, 0.2]]))
        tensor([0.2993, 0.3993])
    """

    tau: float = 1.0
    name: ClassVar[str] = "logmeanexp"

    def __post_init__(self) -> None:
        check_tau(self.tau)

    @override
    def __call__(self, scores: Float[torch.Tensor, "*query prompt gallery"]) -> Float[torch.Tensor, "*query gallery"]:
        tau = torch.tensor(self.tau, dtype=torch.float64, device=scores.device)
        return log_mean_exp(scores.movedim(-2, 0), tau).to(scores.dtype)

    @override
    def against(
        self,
        scores: Float[torch.Tensor, "query part gallery"],
        reference: Float[torch.Tensor, " query"],
        *,
        num_best: int,
    ) -> Float[torch.Tensor, "query gallery"]:
        """Exponentials only where the prompts' least and greatest score don't settle the matter."""
        if scores.shape[1] == 1:
            return self.after_product(scores)
        lower, upper = scores.amin(dim=1), scores.amax(dim=1)
        unsettled = (upper >= reference[:, None]) & (lower <= reference[:, None])
        if num_best:
            unsettled |= upper >= lower.topk(min(num_best, lower.shape[1])).values[:, -1:]
        query, item = unsettled.nonzero(as_tuple=True)
        tau = torch.tensor(self.tau, dtype=torch.float64, device=scores.device)
        for start in range(0, len(query), _PAIRS_AT_ONCE):
            pair = (query[start : start + _PAIRS_AT_ONCE], item[start : start + _PAIRS_AT_ONCE])
            upper[pair] = log_mean_exp(prompt_scores(scores, *pair), tau).to(scores.dtype)
        return upper

    @override
    def running(self) -> RunningPool:
        # The logarithm of a sum is of the order of 1 where tau is large, and is multiplied by tau.
        return RunningPool(
            parts_of=unchanged,
            state_of=lambda scores: scores / self.tau,
            join=torch.logaddexp,
            score_of=lambda state, num_prompts: self.tau * (state - num_prompts.double().log()),
            rounding=1e-12 + self.tau * 2.0**-44,
        )


def prompt_scores(
    scores: Float[torch.Tensor, "query prompt gallery"],
    query: torch.Tensor,
    item: torch.Tensor,
) -> Float[torch.Tensor, "prompt pair"]:
    """The prompts' scores of chosen pairs of a query and an item, prompts first."""
    _, num_prompts, num_items = scores.shape
    first = query * (num_prompts * num_items) + item
    offset = torch.arange(num_prompts, device=scores.device)[:, None] * num_items
    return scores.reshape(-1).index_select(0, (first + offset).reshape(-1)).view(num_prompts, len(first))


def check_tau(tau: float) -> None:
    """Refuse a temperature that has no LogMeanExp."""
    if not (math.isfinite(tau) and tau > 0):
        raise UsageError(f"tau must be a positive finite number, got {tau}; for tau -> 0 use max, for tau -> inf mean.")
