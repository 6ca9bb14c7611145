"""Weights that know nothing: what any other weighting must beat."""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float
from typing_extensions import override

from misfire.core.counts import check_seed
from misfire.core.hashing import sha256_bytes
from misfire.core.seeding import generator
from misfire.methods.classification.weighting.base import PromptWeighting, PromptWeights, of_all_classes


@final
@dataclass(frozen=True)
class RandomWeighting(PromptWeighting):
    """Weights drawn at random, uniformly from all that sum to 1: a placebo.

    A template's draw depends on the seed and on its prompts alone, so that equal templates get equal weights and their
    order decides nothing.

    Args:
        seed: Of the draws.

    Raises:
        UsageError: If the seed is negative.
    """

    seed: int = 0
    name: ClassVar[str] = "random"

    def __post_init__(self) -> None:
        check_seed(**{"weighting.seed": self.seed})

    @override
    def __call__(
        self, images: Float[torch.Tensor, "image dim"], prompts: Float[torch.Tensor, "class template dim"]
    ) -> PromptWeights:
        draws = torch.tensor([self._draw(prompts[:, template]) for template in range(prompts.shape[1])])
        weights = (draws / draws.sum()).to(prompts.device)
        return PromptWeights(of_all_classes(weights, prompts), torch.full_like(weights, torch.nan))

    def _draw(self, prompts: Float[torch.Tensor, "class dim"]) -> float:
        # Exponential draws over their sum are uniform on the simplex. The set of the classes' rows names the template,
        # whatever order they stand in.
        rows = sorted(sha256_bytes(row.tobytes()) for row in prompts.float().cpu().numpy())
        return float(generator(self.seed, "random weighting", *rows).exponential())
