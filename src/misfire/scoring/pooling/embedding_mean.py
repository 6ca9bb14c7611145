"""CLIP's classical prompt ensemble."""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float
from typing_extensions import override

from misfire.core.errors import UsageError
from misfire.scoring.pooling.base import PromptPooling, RunningPool, unchanged


@final
@dataclass(frozen=True)
class EmbeddingMean(PromptPooling):
    """Mean of the prompts' unit embeddings, normalised again, then one dot product.

    Raises:
        UsageError: On ranking, if a prompt's embedding or a query's mean is zero, and so has no direction.

    Reference:
        Radford et al., "Learning transferable visual models from natural language supervision", ICML 2021,
        section 3.1.4.
    """

    name: ClassVar[str] = "embedding_mean"

    @override
    def before_product(
        self, prompts: Float[torch.Tensor, "query prompt dim"]
    ) -> tuple[Float[torch.Tensor, "query part dim"], float]:
        mean = _unit(prompts.double(), "a prompt's embedding").mean(dim=1, keepdim=True)
        return _unit(mean, "the mean of a query's unit embeddings").float(), 1.0

    @override
    def after_product(self, scores: Float[torch.Tensor, "query part gallery"]) -> Float[torch.Tensor, "query gallery"]:
        return scores.squeeze(1)

    @override
    def running(self) -> RunningPool:
        # The mean of the unit prompts' scores: dividing it by the mean's length, which is at most 1, sets items further
        # apart and swaps none.
        return RunningPool(
            parts_of=lambda prompts: _unit(prompts.double(), "a prompt's embedding").float(),
            state_of=unchanged,
            join=torch.add,
            score_of=torch.div,
        )


def _unit(vectors: Float[torch.Tensor, "*batch dim"], what: str) -> Float[torch.Tensor, "*batch dim"]:
    lengths = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
    num_zero = int((lengths == 0).sum())
    if num_zero:
        raise UsageError(
            f"{what} must not be zero to be normalised, got {num_zero} of length 0; "
            "mend the encoder or pool the scores."
        )
    unit: torch.Tensor = vectors / lengths
    return unit
