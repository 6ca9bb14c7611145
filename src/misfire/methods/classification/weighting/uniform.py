"""Every template counts the same."""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float
from typing_extensions import override

from misfire.methods.classification.weighting.base import PromptWeighting, PromptWeights, of_all_classes


@final
@dataclass(frozen=True)
class UniformWeighting(PromptWeighting):
    """Equal weights: the ensemble as CLIP's authors use it. It looks at no image.

    Reference:
        Radford et al., "Learning transferable visual models from natural language supervision", ICML 2021,
        section 3.1.4.

    Example:
        >>> UniformWeighting()(torch.ones(1, 2), torch.ones(3, 4, 2)).weights[0]
        tensor([0.2500, 0.2500, 0.2500, 0.2500])
    """

    name: ClassVar[str] = "uniform"

    @override
    def __call__(
        self, images: Float[torch.Tensor, "image dim"], prompts: Float[torch.Tensor, "class template dim"]
    ) -> PromptWeights:
        num_templates = prompts.shape[1]
        weights = torch.full((num_templates,), 1 / num_templates, device=prompts.device)
        return PromptWeights(of_all_classes(weights, prompts), torch.full_like(weights, torch.nan))
