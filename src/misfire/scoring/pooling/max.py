"""The best prompt's score."""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float
from typing_extensions import override

from misfire.scoring.pooling.base import RunningPool, ScorePooling, unchanged


@final
@dataclass(frozen=True)
class MaxPooling(ScorePooling):
    """Maximum over the prompts: one good prompt suffices.

    Example:
        >>> MaxPooling()(torch.tensor([[0.1, 0.4], [0.3, 0.2]]))
        tensor([0.3000, 0.4000])
    """

    name: ClassVar[str] = "max"

    @override
    def __call__(self, scores: Float[torch.Tensor, "*query prompt gallery"]) -> Float[torch.Tensor, "*query gallery"]:
        return scores.amax(dim=-2)

    @override
    def running(self) -> RunningPool:
        return RunningPool(
            parts_of=unchanged, state_of=unchanged, join=torch.maximum, score_of=lambda state, num_prompts: state
        )
