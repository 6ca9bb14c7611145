"""A zero-shot classifier made of class prompts: its scores in blocks, its predictions and how sure it is of them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import final

import torch
from jaxtyping import Float, Int64

from misfire.core.errors import UsageError
from misfire.methods.classification.margin import image_blocks
from misfire.scoring import EmbeddingMean, MaxPooling, MeanPooling, PromptPooling
from misfire.scoring.gallery import Gallery
from misfire.scoring.scan import check_embeddings

LOGIT_SCALE = 100.0
"""What CLIP multiplies cosines with before a softmax; its learned scale ends at this bound."""


@final
@dataclass(frozen=True, eq=False)
class Predictions:
    """What a classifier says of each image.

    Args:
        label: The class of the highest score, the lowest of equal ones.
        score: That score.
        runner_up: The class of the second highest score.
        margin: By how much the first is ahead of the second, >= 0.
        max_probability: Softmax of the highest score.
        entropy: Entropy of the softmax, in nats, from 0 to the logarithm of the number of classes.
    """

    label: Int64[torch.Tensor, " image"]
    score: Float[torch.Tensor, " image"]
    runner_up: Int64[torch.Tensor, " image"]
    margin: Float[torch.Tensor, " image"]
    max_probability: Float[torch.Tensor, " image"]
    entropy: Float[torch.Tensor, " image"]


@final
@dataclass(frozen=True, eq=False)
class ZeroShotClassifier:
    """Scores images against the pooled prompts of each class.

    Made by :func:`zero_shot_classifier`. Classes whose prompts are equal score equally to the last bit, and the first
    of them is predicted: the other one's accuracy is 0 by construction.

    Args:
        parts: What of each class is multiplied with the images.
        pooling: Makes one score out of the parts' scores.
        divisor: What the product is divided by.
        shift: Subtracted from a class's score, in units of the score; 0 unless a prior was corrected.
    """

    parts: Float[torch.Tensor, "class part dim"]
    pooling: PromptPooling
    divisor: float
    shift: Float[torch.Tensor, " class"]

    @property
    def num_classes(self) -> int:
        """How many classes there are to choose from."""
        return len(self.parts)

    def shifted(self, shift: Float[torch.Tensor, " class"]) -> "ZeroShotClassifier":
        """The same classifier with this much more subtracted from each class's score."""
        return replace(self, shift=self.shift + shift)

    def blocks(
        self, images: Float[torch.Tensor, "image dim"]
    ) -> Iterator[tuple[slice, Float[torch.Tensor, "block class"]]]:
        """Scores of some images after the other against every class, in float32.

        Raises:
            UsageError: If images and prompts don't fit, or a value isn't finite.
        """
        check_embeddings(images[:, None], self.parts.flatten(0, 1))
        _, num_parts, dim = self.parts.shape
        distinct = Gallery(self.parts.flatten(1))  # classes of equal prompts take one class's score
        columns = self.parts[distinct.first].reshape(-1, dim).float().T.contiguous()
        for block in image_blocks(len(images), columns.shape[1]):
            product = images[block].float() @ columns
            if num_parts > 1:
                by_class = product.view(len(product), len(distinct.first), num_parts)
                product = self.pooling.after_product(by_class.permute(1, 2, 0)).T
            scores = product / self.divisor if self.divisor != 1.0 else product
            if distinct.has_duplicates:
                scores = scores.index_select(1, distinct.row)
            yield block, scores - self.shift if self.shift.any() else scores

    def labels(self, images: Float[torch.Tensor, "image dim"]) -> Int64[torch.Tensor, " image"]:
        """The predicted class of each image: its pseudo-label. Of equal scores the lowest class."""
        found = torch.empty(len(images), dtype=torch.int64, device=images.device)
        for block, scores in self.blocks(images):
            found[block] = scores.max(dim=1).indices
        return found

    def predict(self, images: Float[torch.Tensor, "image dim"], *, logit_scale: float = LOGIT_SCALE) -> Predictions:
        """Classify images and say how surely.

        Args:
            images: Unit embeddings of the images.
            logit_scale: Scores are multiplied by it before the softmax; 100 is CLIP's.

        Raises:
            UsageError: If images and prompts don't fit, or there are fewer than two classes.
        """
        check_logit_scale(logit_scale)
        if self.num_classes < 2:
            raise UsageError(f"there must be at least two classes to tell apart, got {self.num_classes}; name more.")
        labels = [torch.empty(len(images), dtype=torch.int64, device=images.device) for _ in range(2)]
        values = [torch.empty(len(images), device=images.device) for _ in range(4)]
        for block, scores in self.blocks(images):
            best, label = scores.max(dim=1)
            logits = (scores - best[:, None]) * logit_scale
            total = logits.exp().sum(dim=1)
            # Of a softmax with weights exp(logit) / total: log(total) less the mean logit.
            entropy = total.log() - (logits * logits.exp()).sum(dim=1) / total
            second, runner_up = scores.scatter(1, label[:, None], -torch.inf).max(dim=1)
            for place, found in zip(labels, (label, runner_up), strict=True):
                place[block] = found
            for place, value in zip(values, (best, best - second, 1 / total, entropy), strict=True):
                place[block] = value
        return Predictions(labels[0], values[0], labels[1], values[1], values[2], values[3])


def zero_shot_classifier(
    prompts: Float[torch.Tensor, "class template dim"],
    pooling: PromptPooling,
    weights: Float[torch.Tensor, "class template"] | Float[torch.Tensor, " template"] | None = None,
) -> ZeroShotClassifier:
    """A classifier out of the prompts of each class, which may be weighted.

    Weights act on the unit prompts before the product: under ``mean`` a class's score is the weighted mean of its
    prompts' cosines; under ``embedding_mean`` the weighted mean of the prompts is brought to unit length, which takes
    away that a class whose prompts disagree scores lower. Weights sum to 1 over a class's templates.

    Args:
        prompts: Unit embedding of each class's prompt by each template.
        pooling: How a class's prompts make one score: ``mean``, ``embedding_mean``, ``max`` or any other.
        weights: Of each template, or of each class and template; equal ones if left out.

    Raises:
        UsageError: If the weights aren't weights, or the pooling has none (``max``, ``logmeanexp``) and they differ.
    """
    shift = torch.zeros(len(prompts), device=prompts.device)
    if weights is None:
        parts, divisor = pooling.before_product(prompts)
        return ZeroShotClassifier(parts, pooling, divisor, shift)
    weights = checked_weights(weights, prompts)
    if bool((weights == weights[:, :1]).all()):
        return zero_shot_classifier(prompts, pooling)
    if not isinstance(pooling, (MeanPooling, EmbeddingMean)):
        raise UsageError(
            f"pooling must be mean or embedding_mean for weights that differ, got {pooling.name}; choose one of them, "
            "or weighting=uniform."
        )
    mean = torch.einsum("ct,ctd->cd", weights.double(), prompts.double())
    if isinstance(pooling, EmbeddingMean):
        mean = torch.nn.functional.normalize(mean, dim=1)
    return ZeroShotClassifier(mean.float()[:, None], MaxPooling(), 1.0, shift)  # of one part, any pooling is the score


def checked_weights(
    weights: torch.Tensor, prompts: Float[torch.Tensor, "class template dim"]
) -> Float[torch.Tensor, "class template"]:
    """Weights a class and template.

    Raises:
        UsageError: If one is negative or not finite, a class's don't sum to 1, or the shape is another.
    """
    shape = tuple(prompts.shape[:2])
    if tuple(weights.shape) not in (shape, shape[1:]):
        raise UsageError(
            f"weights must be one a template or one a class and template, {shape}, got shape {tuple(weights.shape)}; "
            "compute them for these classes and templates."
        )
    wide = weights.expand(shape)
    sums = wide.double().sum(dim=1)
    if not bool((wide >= 0).all()) or not bool(((sums - 1).abs() < 1e-4).all()):
        raise UsageError(
            f"weights must be >= 0 and sum to 1 over a class's templates, got a least of {float(wide.min()):.3g} and "
            f"sums from {float(sums.min()):.3g} to {float(sums.max()):.3g}; divide them by their sum."
        )
    return wide


def check_logit_scale(logit_scale: float) -> None:
    """Refuse a scale that gives no softmax."""
    if not 0 < logit_scale < float("inf"):
        raise UsageError(f"logit_scale must be a positive finite number, got {logit_scale}; CLIP's is 100.")
