"""How a module is trained."""

from dataclasses import dataclass
from typing import final

from misfire.core.counts import check_most, check_seed
from misfire.core.errors import UsageError
from misfire.methods.multilabel.augmentation import Augmentation

PRECISIONS = {"fp32": "32-true", "bf16": "bf16-mixed"}
"""Our names of precisions and Lightning's."""


@final
@dataclass(frozen=True)
class TrainingSettings:
    """How a module is trained.

    Args:
        max_epochs: Most passes over the training images.
        batch_size: Images of a step.
        prompt_learning_rate: Peak rate of context tokens.
        embedding_learning_rate: Peak rate of embeddings that are learned in feature space, for embeddings of length 1:
            only their direction counts, so the rate of longer ones is this times their squared length.
        projector_learning_rate: Peak rate of a linear projector.
        momentum: Of SGD.
        warm_up_epochs: Passes in which the rates rise to their peak, before they fall as a cosine to 0.
        patience: Passes without a better validation figure after which training ends; None to use all.
        validation_share: Share of the training images that choose the epoch and aren't learned from, in (0, 1).
        gamma_negative: Of the asymmetric loss.
        gamma_positive: Of the asymmetric loss.
        clip: Of the asymmetric loss.
        precision: ``fp32`` or ``bf16`` (autocast).
        augmentation: Random views of the training images in place of their stored features; None for none.
        seed: Of the first numbers, the split and the order of images.

    Raises:
        UsageError: If a value is out of its range.
    """

    max_epochs: int = 30
    batch_size: int = 64
    prompt_learning_rate: float | int = 0.005
    embedding_learning_rate: float | int = 0.05
    projector_learning_rate: float | int = 0.01
    momentum: float | int = 0.9
    warm_up_epochs: int = 1
    patience: int | None = 10
    validation_share: float | int = 0.15
    gamma_negative: float | int = 2.0
    gamma_positive: float | int = 1.0
    clip: float | int = 0.05
    precision: str = "fp32"
    seed: int = 0
    augmentation: Augmentation | None = None

    def __post_init__(self) -> None:
        least_one = {"max_epochs": self.max_epochs, "batch_size": self.batch_size, "patience": self.patience or 1}
        for name, value in least_one.items():
            if value < 1:
                raise UsageError(f"{name} must be >= 1, got {value}; leave it out for the default.")
        if not 0 <= self.warm_up_epochs < self.max_epochs:
            raise UsageError(
                f"warm_up_epochs must be at least 0 and below max_epochs, got {self.warm_up_epochs} of "
                f"{self.max_epochs}; use 1, or 0 for a single epoch."
            )
        if not 0 < self.validation_share < 1:
            raise UsageError(f"validation_share must be in (0, 1), got {self.validation_share}; use 0.15.")
        rates = (self.prompt_learning_rate, self.embedding_learning_rate, self.projector_learning_rate)
        if min(rates) <= 0 or not 0 <= self.momentum < 1:
            raise UsageError(
                f"learning rates must be > 0 and the momentum in [0, 1), got {', '.join(map(str, rates))} and "
                f"{self.momentum}; use 0.9 for it."
            )
        check_seed(**{"training.seed": self.seed})
        check_most(1_000_000, max_epochs=self.max_epochs)
        if not (0 <= self.clip < 1 and self.gamma_negative >= 0 and self.gamma_positive >= 0):
            raise UsageError(
                "the asymmetric loss must have powers >= 0 and a clip in [0, 1), got gamma_negative "
                f"{self.gamma_negative}, gamma_positive {self.gamma_positive} and clip {self.clip}; the published ones "
                "are 2, 1 and 0.05."
            )
        if self.precision not in PRECISIONS:
            raise UsageError(f"precision must be one of {', '.join(PRECISIONS)}, got {self.precision!r}; use fp32.")
