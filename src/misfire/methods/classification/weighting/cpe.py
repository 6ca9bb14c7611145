"""Weights by the worst classes' matching margins."""

from dataclasses import dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float, Int64
from typing_extensions import override

from misfire.core.errors import UsageError
from misfire.methods.classification.margin import margins_of_means, template_margins
from misfire.methods.classification.weighting.base import (
    PromptWeighting,
    PromptWeights,
    check_softmax,
    of_all_classes,
    pseudo_labels,
    softmax_weights,
    template_scans,
)


@final
@dataclass(frozen=True)
class CpeWeighting(PromptWeighting):
    """Class-wise prompt ensemble: a template counts by its Worst-k CMM, the mean of its ``k`` lowest matching margins.

    No label is read: margins are taken by what the uniform ensemble calls the images. The paper leaves open how a
    margin becomes a weight and by whose pseudo-labels; each choice is an option here.

    Args:
        worst_k: How many of the lowest margins are averaged; all that are defined where there are fewer.
        temperature: Of the softmax over the templates' Worst-k CMM, in units of the cosine; 0.01 is CLIP's.
        keep_top: Keep only this many of the best templates; all by default.
        per_class: Weigh each class's templates by the class's own margins, instead of all classes' by the Worst-k CMM.
            A class that no image is assigned to has no margin and takes the templates' common weights.
        own_labels: Take each template's margins by what that template alone calls the images.

    Raises:
        UsageError: If an option is out of its range.

    Reference:
        Shao et al., "Investigating the limitation of CLIP models: the worst-performing categories", 2023.
    """

    worst_k: int = 10
    temperature: float = 0.01
    keep_top: int | None = None
    per_class: bool = False
    own_labels: bool = False
    name: ClassVar[str] = "cpe"

    def __post_init__(self) -> None:
        if self.worst_k < 1:
            raise UsageError(f"worst_k must be >= 1, got {self.worst_k}; 1 judges a template by its worst class.")
        check_softmax(self.temperature, self.keep_top)

    @override
    def __call__(
        self, images: Float[torch.Tensor, "image dim"], prompts: Float[torch.Tensor, "class template dim"]
    ) -> PromptWeights:
        if self.own_labels:
            margins = own_margins(images, prompts)
        else:
            margins = template_margins(images, prompts, pseudo_labels(images, prompts))
        scores = worst_k_margin(margins, self.worst_k)
        common = softmax_weights(scores, temperature=self.temperature, keep_top=self.keep_top)
        weights = of_all_classes(common, prompts)
        unjudged = margins.isnan().all(dim=0)
        if self.per_class:
            # A template by which no image is of the class says nothing good of it.
            by_class = softmax_weights(
                margins.T.nan_to_num(nan=-torch.inf), temperature=self.temperature, keep_top=self.keep_top
            )
            weights = torch.where(unjudged[:, None], weights, by_class)
        return PromptWeights(weights, scores.float(), tuple(unjudged.nonzero()[:, 0].tolist()))


def worst_k_margin(margins: Float[torch.Tensor, "template class"], k: int) -> Float[torch.Tensor, " template"]:
    """Mean of the ``k`` lowest margins of each template, of as many as are defined where they are fewer.

    Example:
        >>> worst_k_margin(torch.tensor([[0.3, 0.1, torch.nan, 0.2]]), 2)
        tensor([0.1500])
    """
    lowest = margins.nan_to_num(nan=torch.inf).sort(dim=1).values[:, :k]
    known = lowest.isfinite()
    return lowest.masked_fill(~known, 0.0).sum(dim=1) / known.sum(dim=1)


def own_margins(
    images: Float[torch.Tensor, "image dim"], prompts: Float[torch.Tensor, "class template dim"]
) -> Float[torch.Tensor, "template class"]:
    """Margins of each template by its own predictions."""
    num_classes, _, dim = prompts.shape
    sums = torch.zeros(num_classes, dim, dtype=torch.float64, device=images.device)
    counts = torch.zeros(num_classes, dtype=torch.int64, device=images.device)
    margins = []
    for template, block, scores, first in template_scans(images, prompts):
        label: Int64[torch.Tensor, " block"] = first[scores.max(dim=1).indices]
        sums.index_add_(0, label, images[block].double())
        counts += torch.bincount(label, minlength=num_classes)
        if block.stop == len(images):
            margins.append(margins_of_means(sums / counts[:, None], prompts[:, template]))
            sums.zero_()
            counts.zero_()
    return torch.stack(margins)
