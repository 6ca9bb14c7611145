"""The prior that a zero-shot classifier carries from its pretraining, found without labels and taken away again."""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float

from misfire.core.counts import check_most
from misfire.core.errors import UsageError
from misfire.methods.classification.zero_shot import LOGIT_SCALE, ZeroShotClassifier, check_logit_scale

_FLOOR = 1e-12  # of a prior in the logarithm, as in the released code


@final
@dataclass(frozen=True)
class PriorCorrection:
    """Subtracts the logarithm of a classifier's own prior: the direct remedy for classes that are never predicted.

    The prior is a fixed point: if images came to the classes as it says, their average predicted probabilities would be
    it again. With the average probabilities of the images of each pseudo-class as columns of a matrix, it is the
    matrix's principal eigenvector. A class that nothing is predicted as has no column, but a row: its prior is small,
    and the correction lifts it.

    Args:
        logit_scale: Scores are multiplied by it before the softmax; 100 is CLIP's.
        strength: Which share of the prior's logarithm is subtracted; 1 as published, 0 leaves the classifier as it is.
        num_rounds: How often the prior of the corrected classifier is taken away again.

    Raises:
        UsageError: If an option is out of its range.

    Reference:
        Zhu et al., "Enhancing zero-shot vision models by label-free prompt distribution learning and bias correcting"
        (Frolic), NeurIPS 2024, section 3.3.
    """

    logit_scale: float = LOGIT_SCALE
    strength: float = 1.0
    num_rounds: int = 1

    def __post_init__(self) -> None:
        check_logit_scale(self.logit_scale)
        if not 0 <= self.strength <= 1:
            raise UsageError(f"strength must be in [0, 1], got {self.strength}; 1 subtracts the whole prior.")
        if self.num_rounds < 1:
            raise UsageError(f"num_rounds must be >= 1, got {self.num_rounds}; leave the correction out for none.")
        check_most(1000, num_rounds=self.num_rounds)

    def __call__(self, classifier: ZeroShotClassifier, images: Float[torch.Tensor, "image dim"]) -> ZeroShotClassifier:
        """The classifier without its prior on these unlabelled images.

        Raises:
            UsageError: If images and prompts don't fit.
        """
        for _ in range(self.num_rounds):
            prior = principal_vector(mean_probabilities(classifier, images, logit_scale=self.logit_scale))
            shift = self.strength * prior.clamp(min=_FLOOR).log() / self.logit_scale
            classifier = classifier.shifted((shift - shift.mean()).float())  # the mean moves no prediction
        return classifier


def mean_probabilities(
    classifier: ZeroShotClassifier, images: Float[torch.Tensor, "image dim"], *, logit_scale: float
) -> Float[torch.Tensor, "class pseudo_class"]:
    """Column k: mean predicted probabilities of the images that are called k; 0 where no image is."""
    num_classes = classifier.num_classes
    sums = torch.zeros(num_classes, num_classes, dtype=torch.float64, device=images.device)
    counts = torch.zeros(num_classes, dtype=torch.int64, device=images.device)
    for _, scores in classifier.blocks(images):
        label = scores.max(dim=1).indices
        sums.index_add_(0, label, (scores * logit_scale).softmax(dim=1).double())
        counts += torch.bincount(label, minlength=num_classes)
    return (sums / counts.clamp(min=1)[:, None]).T


def principal_vector(
    matrix: Float[torch.Tensor, "class class"], *, tolerance: float = 1e-9, most_steps: int = 10_000
) -> Float[torch.Tensor, " class"]:
    """Eigenvector of the largest eigenvalue of a matrix without negative entries, >= 0 and of sum 1.

    By the power method from equal parts, which also decides where several classes are never confused with the rest and
    there is more than one such vector.

    Example:
        >>> principal_vector(torch.tensor([[0.9, 0.2], [0.1, 0.8]], dtype=torch.float64))
        tensor([0.6667, 0.3333], dtype=torch.float64)
    """
    vector = torch.full((len(matrix),), 1 / len(matrix), dtype=torch.float64, device=matrix.device)
    for _ in range(most_steps):
        following = matrix.double() @ vector
        following = following / following.sum()
        if float((following - vector).abs().sum()) < tolerance:
            return following
        vector = following
    return vector
