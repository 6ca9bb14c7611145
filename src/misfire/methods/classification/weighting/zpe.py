"""Weights by how far the best class of an image stands out of what a template says of all images."""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float
from typing_extensions import override

from misfire.core.errors import UsageError
from misfire.methods.classification.weighting.base import (
    PromptWeighting,
    PromptWeights,
    check_softmax,
    of_all_classes,
    softmax_weights,
    template_scans,
)


@final
@dataclass(frozen=True)
class ZpeWeighting(PromptWeighting):
    """Zero-shot prompt ensembling: a template counts by the mean over images of its largest bias-corrected score.

    A class's bias under a template is its mean score over images whatever they show. The paper takes half of it from
    images of the pretraining data and half from the images at hand; without the former, all of it comes from the
    latter.

    Args:
        temperature: Of the softmax over the templates' scores, in units of the cosine; 0.01 is the published softmax of
            CLIP's logits.
        keep_top: Keep only this many of the best templates; all by default.
        pretraining_mean: Mean unit embedding of pretraining images, if there are any.

    Raises:
        UsageError: If an option is out of its range.

    Reference:
        Allingham et al., "A simple zero-shot prompt weighting technique to improve prompt ensembling in text-image
        models", ICML 2023, algorithm 2.
    """

    temperature: float = 0.01
    keep_top: int | None = None
    pretraining_mean: tuple[float, ...] | None = None
    name: ClassVar[str] = "zpe"

    def __post_init__(self) -> None:
        check_softmax(self.temperature, self.keep_top)

    @override
    def __call__(
        self, images: Float[torch.Tensor, "image dim"], prompts: Float[torch.Tensor, "class template dim"]
    ) -> PromptWeights:
        mean_image = images.double().mean(dim=0)
        if self.pretraining_mean is not None:
            if len(self.pretraining_mean) != len(mean_image):
                raise UsageError(
                    f"pretraining_mean must have {len(mean_image)} values, as the embeddings have, got "
                    f"{len(self.pretraining_mean)}; embed the pretraining images with the same backbone."
                )
            mean_image = (mean_image + torch.tensor(self.pretraining_mean, dtype=torch.float64)) / 2
        bias = prompts.double() @ mean_image  # a mean of scores is the score of the mean
        total = torch.zeros(prompts.shape[1], dtype=torch.float64, device=images.device)
        for template, _, scores, _ in template_scans(images, prompts, bias):
            total[template] += scores.amax(dim=1).double().sum()
        score = total / len(images)
        weights = softmax_weights(score, temperature=self.temperature, keep_top=self.keep_top)
        return PromptWeights(of_all_classes(weights, prompts), score.float())
