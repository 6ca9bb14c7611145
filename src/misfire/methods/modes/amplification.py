"""A linear model on stored features that leans on spurious correlations on purpose: the first half of FACTS."""

import logging
import warnings
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Float, Int
from scipy.special import softmax

from misfire.core.counts import check_most
from misfire.core.errors import UsageError
from misfire.methods.modes.scored_images import unit


@final
@dataclass(frozen=True)
class AmplifiedModel:
    """A linear classifier whose mistakes tell images of a class apart by what usually goes with another class.

    Attributes:
        weights: A row a class.
        bias: A number a class.
        epoch: Which pass was chosen, from 1.
        spreads: After each pass, the variance of the true class's probability within classes, their mean.
    """

    weights: Float[np.ndarray, "class dim"]
    bias: Float[np.ndarray, " class"]
    epoch: int
    spreads: tuple[float, ...]

    def predictions(self, embeddings: Float[np.ndarray, "image dim"]) -> Float[np.ndarray, "image class"]:
        """Probability of each class."""
        return np.asarray(softmax(unit(embeddings) @ self.weights.T + self.bias, axis=1))


@final
@dataclass(frozen=True)
class Amplification:
    """Empirical risk minimisation with strong weight decay; the pass with the widest spread is chosen.

    Strong decay lets a model fit what most images of a class share, its usual context included, and nothing of the few
    that lack it, so that the true class's probability splits the two. The pass is chosen by the variance of that
    probability within classes, which reads no context. Training runs in a Lightning loop over features that are
    already stored.

    Args:
        weight_decay: Of stochastic gradient descent, on weights and biases.
        learning_rate: Its step.
        momentum: Its momentum.
        num_epochs: Passes over the images.
        batch_size: Images a step.

    Raises:
        UsageError: If a setting is out of its range.

    Reference:
        Yenamandra et al., "FACTS: First amplify correlations and then slice to discover bias", ICCV 2023.
    """

    weight_decay: float = 0.01
    learning_rate: float = 0.05
    momentum: float = 0.9
    num_epochs: int = 20
    batch_size: int = 128

    def __post_init__(self) -> None:
        check_most(1_000_000, num_epochs=self.num_epochs)
        for name in ("num_epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} must be >= 1, got {getattr(self, name)}; 20 and 128 are the defaults.")
        if self.weight_decay < 0 or self.learning_rate <= 0 or not 0 <= self.momentum < 1:
            raise UsageError(
                "weight_decay must be >= 0, learning_rate > 0 and momentum in [0, 1), got "
                f"{self.weight_decay}, {self.learning_rate} and {self.momentum}; 0.01, 0.05 and 0.9 are the defaults."
            )

    def fit(
        self,
        embeddings: Float[np.ndarray, "image dim"],
        labels: Int[np.ndarray, " image"],
        *,
        num_classes: int,
        rng: np.random.Generator,
    ) -> AmplifiedModel:
        """Train on the images of a biased set.

        Args:
            embeddings: Their features.
            labels: Class of each.
            num_classes: How many classes there are.
            rng: Order of the images.

        Raises:
            UsageError: If there is only one class among the labels.
        """
        if len(np.unique(labels)) < 2:
            raise UsageError(
                f"amplification needs images of two classes, got {len(np.unique(labels))}; bring all classes together."
            )
        import pytorch_lightning as pl
        import torch
        from torch.utils.data import DataLoader, TensorDataset

        for name in ("pytorch_lightning.utilities.rank_zero", "lightning.pytorch.utilities.rank_zero"):
            logging.getLogger(name).setLevel(logging.ERROR)
        points = torch.from_numpy(unit(embeddings).astype(np.float32))
        targets = torch.from_numpy(labels.astype(np.int64))
        order = torch.Generator().manual_seed(int(rng.integers(2**62)))
        loader = DataLoader(TensorDataset(points, targets), batch_size=self.batch_size, shuffle=True, generator=order)
        head = torch.nn.Linear(points.shape[1], num_classes)
        torch.nn.init.zeros_(head.weight)
        torch.nn.init.zeros_(head.bias)
        kept: list[tuple[float, np.ndarray, np.ndarray]] = []
        settings = self

        class Task(pl.LightningModule):
            def __init__(self) -> None:
                super().__init__()
                self.head = head

            def training_step(self, batch: Any, _: int) -> torch.Tensor:
                return torch.nn.functional.cross_entropy(self.head(batch[0]), batch[1])

            def configure_optimizers(self) -> torch.optim.Optimizer:
                return torch.optim.SGD(
                    self.head.parameters(),
                    lr=settings.learning_rate,
                    momentum=settings.momentum,
                    weight_decay=settings.weight_decay,
                )

            def on_train_epoch_end(self) -> None:
                with torch.no_grad():
                    chances = self.head(points).softmax(dim=1)[torch.arange(len(targets)), targets].numpy()
                state = [one.detach().clone().numpy() for one in (self.head.weight, self.head.bias)]
                kept.append((_spread(chances, labels), state[0], state[1]))

        trainer = pl.Trainer(
            max_epochs=self.num_epochs,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="pytorch_lightning")
            warnings.filterwarnings("ignore", category=FutureWarning)
            trainer.fit(Task(), loader)
        spreads = tuple(spread for spread, _, _ in kept)
        best = int(np.argmax(spreads))
        return AmplifiedModel(kept[best][1].astype(np.float64), kept[best][2].astype(np.float64), best + 1, spreads)


def _spread(chances: Float[np.ndarray, " image"], labels: Int[np.ndarray, " image"]) -> float:
    """Variance of the true class's probability within classes, their mean."""
    return float(np.mean([chances[labels == one].var() for one in np.unique(labels)]))
