"""What every way of making one score out of several prompts has in common."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from typing import ClassVar, final

import torch
from jaxtyping import Float
from typing_extensions import override


@final
@dataclass(frozen=True)
class RunningPool:
    """A pooling as a running one: prompts join one after the other, in any order.

    What it scores stands to the pooled scores as they stand to each other: of two items the same is ahead, by no more
    than by the pooled scores, and a prompt's higher score never lowers it.

    Args:
        parts_of: What of each prompt is multiplied with the gallery.
        state_of: The state of one prompt out of its scores, in float64.
        join: The state of two groups of prompts that share none, out of theirs.
        score_of: The score out of a state and the number of prompts.
        rounding: What rounding may add to a difference of two scores in float64.
    """

    parts_of: Callable[[torch.Tensor], torch.Tensor]
    state_of: Callable[[torch.Tensor], torch.Tensor]
    join: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    score_of: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    rounding: float = 1e-12


def unchanged(values: torch.Tensor) -> torch.Tensor:
    """The values themselves."""
    return values


class PromptPooling(ABC):
    """Makes one score per query and gallery item out of a query's prompts.

    A pooling may act on the embeddings (``before_product``), on the scores (``after_product``), or on both. It treats
    queries and gallery items independently of each other.
    """

    name: ClassVar[str]
    """The pooling's name in configurations, records and labels."""

    def describe(self) -> dict[str, float | str]:
        """Name and parameters: all that the pooled scores depend on."""
        parameters: dict[str, float | str] = vars(self) if is_dataclass(self) else {}
        return {"pooling": self.name, **parameters}

    @property
    def label(self) -> str:
        """The pooling with its parameters, if it has some: ``logmeanexp tau=1``."""
        name, *parameters = self.describe().items()
        return " ".join([str(name[1]), *(f"{key}={value:g}" for key, value in parameters)])

    @abstractmethod
    def before_product(
        self, prompts: Float[torch.Tensor, "query prompt dim"]
    ) -> tuple[Float[torch.Tensor, "query part dim"], float]:
        """What is multiplied with the gallery, and what the product is divided by."""

    @abstractmethod
    def after_product(self, scores: Float[torch.Tensor, "query part gallery"]) -> Float[torch.Tensor, "query gallery"]:
        """Pooled scores out of the parts' scores."""

    def against(
        self,
        scores: Float[torch.Tensor, "query part gallery"],
        reference: Float[torch.Tensor, " query"],
        *,
        num_best: int,
    ) -> Float[torch.Tensor, "query gallery"]:
        """Pooled scores that are exact where it matters; a pooling that is dear to compute may save the rest.

        Args:
            scores: The parts' scores.
            reference: A pooled score per query.
            num_best: How many of a query's best items must have their exact score (and stay the best).

        Returns:
            Values that stand to the reference (above, equal, below) as the pooled scores do.
        """
        del reference, num_best
        return self.after_product(scores)

    def running(self) -> RunningPool | None:
        """How the pooled score grows by a prompt; none where it doesn't grow by one."""
        return None


class ScorePooling(PromptPooling):
    """Reduces the prompt axis after the dot product. One prompt's score is the pooled score."""

    @abstractmethod
    def __call__(self, scores: Float[torch.Tensor, "*query prompt gallery"]) -> Float[torch.Tensor, "*query gallery"]:
        """One score per query and gallery item, in the dtype of ``scores``."""

    @override
    def before_product(
        self, prompts: Float[torch.Tensor, "query prompt dim"]
    ) -> tuple[Float[torch.Tensor, "query part dim"], float]:
        return prompts, 1.0

    @override
    def after_product(self, scores: Float[torch.Tensor, "query part gallery"]) -> Float[torch.Tensor, "query gallery"]:
        return scores.squeeze(1) if scores.shape[1] == 1 else self(scores)
