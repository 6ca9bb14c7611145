"""What every way of weighting the templates of a prompt ensemble has in common."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float, Int64

from misfire.core.errors import UsageError
from misfire.methods.classification.margin import image_blocks
from misfire.methods.classification.zero_shot import checked_weights, zero_shot_classifier
from misfire.scoring import MeanPooling
from misfire.scoring.gallery import Gallery
from misfire.scoring.scan import check_embeddings


@final
@dataclass(frozen=True, eq=False)
class PromptWeights:
    """How much each template counts for each class.

    Args:
        weights: >= 0 and of sum 1 over a class's templates.
        template_score: What the templates were judged by, higher is better, in the weighting's own unit; NaN where it
            judges none.
        unjudged: Classes of which the weighting knows nothing, such as those that no image is assigned to, so that it
            fell back on what its docstring says.
    """

    weights: Float[torch.Tensor, "class template"]
    template_score: Float[torch.Tensor, " template"]
    unjudged: tuple[int, ...] = ()

    @property
    def of_templates(self) -> Float[torch.Tensor, " template"]:
        """Mean weight of each template over the classes; sums to 1."""
        return self.weights.mean(dim=0)

    @property
    def effective_number(self) -> float:
        """How many equally weighted templates are worth these: exp of the entropy of the mean weights."""
        weights = self.of_templates.double()
        return float(torch.exp(-(torch.xlogy(weights, weights)).sum()))


class PromptWeighting(ABC):
    """Weighs the templates of an ensemble by images without labels.

    A weighting is called once a cell, on the images that it may look at, before the classifier is made. It reads
    embeddings alone and never a label; equal templates get equal weights, and the order of images, classes and
    templates changes nothing but the order of the weights.
    """

    name: ClassVar[str]
    """The weighting's name in configurations, records and labels."""

    @abstractmethod
    def __call__(
        self, images: Float[torch.Tensor, "image dim"], prompts: Float[torch.Tensor, "class template dim"]
    ) -> PromptWeights:
        """Weights of the templates for each class.

        Args:
            images: Unit embeddings of unlabelled images.
            prompts: Unit embedding of each class's prompt by each template.

        Raises:
            UsageError: If images and prompts don't fit, or an option doesn't fit their number.
        """

    def describe(self) -> dict[str, float | int | str | bool | None]:
        """Name and options: all that the weights depend on besides the embeddings."""
        options: dict[str, float | int | str | bool | None] = (
            {one.name: getattr(self, one.name) for one in fields(self)} if is_dataclass(self) else {}
        )
        return {"weighting": self.name, **options}


def template_scans(
    images: Float[torch.Tensor, "image dim"],
    prompts: Float[torch.Tensor, "class template dim"],
    bias: Float[torch.Tensor, "class template"] | None = None,
) -> Iterator[tuple[int, slice, Float[torch.Tensor, "block distinct"], Int64[torch.Tensor, " distinct"]]]:
    """Scores of every image under every template alone: template, images, scores, and the class of each column.

    Classes whose prompts are all equal have one column, which stands for the first of them. A block is overwritten by
    the next; nothing of size images x classes is ever held.

    Args:
        images: Unit embeddings of the images.
        prompts: Unit embedding of each class's prompt by each template.
        bias: Subtracted from the scores of a class under a template.
    """
    check_embeddings(images[:, None], prompts.flatten(0, 1))
    first = Gallery(prompts.flatten(1)).first
    rows = next(image_blocks(len(images), len(first)))
    buffer = torch.empty(rows.stop, len(first), device=images.device)
    for template in range(prompts.shape[1]):
        columns = prompts[first, template].float().T.contiguous()
        for block in image_blocks(len(images), len(first)):
            chosen = images[block].float()
            scores = buffer[: len(chosen)]
            if bias is None:
                torch.mm(chosen, columns, out=scores)
            else:
                torch.addmm(-bias[first, template].float(), chosen, columns, out=scores)
            yield template, block, scores, first


def pseudo_labels(
    images: Float[torch.Tensor, "image dim"], prompts: Float[torch.Tensor, "class template dim"]
) -> Int64[torch.Tensor, " image"]:
    """What the uniform ensemble (mean of the cosines) calls each image."""
    return zero_shot_classifier(prompts, MeanPooling()).labels(images)


def softmax_weights(
    scores: Float[torch.Tensor, "*class template"], *, temperature: float, keep_top: int | None
) -> Float[torch.Tensor, "*class template"]:
    """Softmax over the templates of ``score / temperature``, all but the ``keep_top`` best dropped.

    Of equal scores at the cut, all are kept, so that the order of the templates decides nothing. A score of minus
    infinity has weight 0.
    """
    check_softmax(temperature, keep_top)
    if keep_top is not None:
        cut = scores.topk(min(keep_top, scores.shape[-1]), dim=-1).values[..., -1:]
        scores = scores.masked_fill(scores < cut, -torch.inf)
    return (scores.double() / temperature).softmax(dim=-1).float()


def check_softmax(temperature: float, keep_top: int | None) -> None:
    """Refuse options that give no weights."""
    if not 0 < temperature < float("inf"):
        raise UsageError(
            f"temperature must be a positive finite number, got {temperature}; a small one keeps the best template, a "
            "large one weighs all alike."
        )
    if keep_top is not None and keep_top < 1:
        raise UsageError(f"keep_top must be >= 1, got {keep_top}; leave it out to keep all templates.")


def of_all_classes(
    template_weights: Float[torch.Tensor, " template"], prompts: Float[torch.Tensor, "class template dim"]
) -> Float[torch.Tensor, "class template"]:
    """The same weights for every class."""
    return checked_weights(template_weights, prompts).contiguous()
