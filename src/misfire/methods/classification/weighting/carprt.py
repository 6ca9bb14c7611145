"""Weights a class and template, by the scores of the images that a template gives to the class."""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float, Int64
from typing_extensions import override

from misfire.core.errors import UsageError
from misfire.methods.classification.weighting.base import (
    PromptWeighting,
    PromptWeights,
    check_softmax,
    softmax_weights,
    template_scans,
)


@final
@dataclass(frozen=True)
class CarprtWeighting(PromptWeighting):
    """Class-aware prompt reweighting: for each class, a template counts by the mean score of the images that it wins.

    A template by which the class wins no image has weight 0 for it, as in the released code to 11 digits. A class that
    wins no image by any template can't be judged in this way: the released code leaves its weights uniform, and so just
    the classes at 0 % unmended. Here they are judged by the class's nearest images instead, which no other class need
    lose. Since each template is judged by the images that it wins itself, a template of another domain that wins only
    a few sure ones may keep weight; the shared weights of ``cpe`` and ``zpe`` don't have this gap.

    Args:
        temperature: Of the softmax over a class's templates, in units of the cosine; 0.01 is the released code's 1 on
            CLIP's logits.
        keep_top: Keep only this many of a class's best templates; all by default.
        nearest_images: By how many of its most similar images a class is judged that wins none; 0 leaves its weights
            uniform, as released.

    Raises:
        UsageError: If an option is out of its range.

    Reference:
        "CARPRT: class-aware zero-shot prompt reweighting for vision-language models", ICLR 2026, and its released code.
    """

    temperature: float = 0.01
    keep_top: int | None = None
    nearest_images: int = 10
    name: ClassVar[str] = "carprt"

    def __post_init__(self) -> None:
        check_softmax(self.temperature, self.keep_top)
        if self.nearest_images < 0:
            raise UsageError(f"nearest_images must be >= 0, got {self.nearest_images}; 0 is as released.")

    @override
    def __call__(
        self, images: Float[torch.Tensor, "image dim"], prompts: Float[torch.Tensor, "class template dim"]
    ) -> PromptWeights:
        num_classes, num_templates, _ = prompts.shape
        sums = torch.zeros(num_templates, num_classes, dtype=torch.float64, device=images.device)
        counts = torch.zeros(num_templates, num_classes, dtype=torch.int64, device=images.device)
        for template, _, scores, first in template_scans(images, prompts):
            best, column = scores.max(dim=1)
            label = first[column]
            sums[template].index_add_(0, label, best.double())
            counts[template] += torch.bincount(label, minlength=num_classes)
        mean = (sums / counts).T.nan_to_num(nan=-torch.inf)
        unjudged = (counts.sum(dim=0) == 0).nonzero()[:, 0]
        mean[unjudged] = self._by_nearest_images(images, prompts, unjudged) if self.nearest_images else 0.0
        weights = softmax_weights(mean, temperature=self.temperature, keep_top=self.keep_top)
        template_score = sums.sum(dim=1) / len(images)
        return PromptWeights(weights, template_score.float(), tuple(unjudged.tolist()))

    def _by_nearest_images(
        self,
        images: Float[torch.Tensor, "image dim"],
        prompts: Float[torch.Tensor, "class template dim"],
        classes: Int64[torch.Tensor, " unjudged"],
    ) -> Float[torch.Tensor, "unjudged template"]:
        """Mean score of each class's nearest images by each template."""
        found = torch.zeros(len(classes), prompts.shape[1], dtype=torch.float64, device=images.device)
        for row, one in enumerate(classes.tolist()):
            scores = images.float() @ prompts[one].float().T
            found[row] = scores.topk(min(self.nearest_images, len(images)), dim=0).values.double().mean(dim=0)
        return found
