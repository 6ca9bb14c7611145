"""The prompts' mean score."""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float
from typing_extensions import override

from misfire.scoring.pooling.base import RunningPool, ScorePooling, unchanged


@final
@dataclass(frozen=True)
class MeanPooling(ScorePooling):
    """Arithmetic mean over the prompts: every prompt votes.

    The mean of the scores is the score of the prompts' sum divided by their number, so ranking takes one product a
    query. It ranks as ``EmbeddingMean`` does where all the prompts have unit length.

    Example:
        >>> MeanPooling()(torch.tensor([[0.1, 0.4], [0.3, 0.2]]))
        tensor([0.2000, 0.3000])
    """

    name: ClassVar[str] = "mean"

    @override
    def __call__(self, scores: Float[torch.Tensor, "*query prompt gallery"]) -> Float[torch.Tensor, "*query gallery"]:
        return scores.mean(dim=-2)

    @override
    def before_product(
        self, prompts: Float[torch.Tensor, "query prompt dim"]
    ) -> tuple[Float[torch.Tensor, "query part dim"], float]:
        # The sum, not the mean: it has no rounding where the embeddings are integers, so their ties stay ties.
        return prompts.sum(dim=1, keepdim=True, dtype=torch.float64).float(), float(prompts.shape[1])

    @override
    def running(self) -> RunningPool:
        return RunningPool(parts_of=unchanged, state_of=unchanged, join=torch.add, score_of=torch.div)
