"""Templates that are chosen caption by caption: what such a choice is given, and what it gives."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from jaxtyping import Float, Int
from typing_extensions import override

from misfire.cells.lab import Workbench
from misfire.core.errors import UsageError
from misfire.failures import FailureSet
from misfire.prompts import RoutedTemplates, TemplateChoice, TemplateSet
from misfire.scoring import PromptPooling


@final
@dataclass(frozen=True, eq=False)
class AskedQueries:
    """The queries of a cell: its subset's, a sample of the others, and some that may be of the subset by their labels.

    Args:
        positions: Places of the queries among the dataset's captions, each once.
        weights: How many queries of the dataset each stands for; 0 for those that are asked beside the sample.
        categories: Failure categories of the subset, in lower case.
        is_sample_missing: Whether there are other queries than the subset's and none of them is asked.
    """

    positions: Int[np.ndarray, " query"]
    weights: Float[np.ndarray, " query"]
    categories: tuple[str, ...]
    is_sample_missing: bool = False

    @classmethod
    def of_sample(
        cls,
        subset: Int[np.ndarray, " subset"],
        others: Int[np.ndarray, " other"],
        doubtful: Int[np.ndarray, " doubtful"],
        *,
        num_others: int,
        categories: Sequence[str],
    ) -> "AskedQueries":
        """A subset that is asked whole, with a sample of the others.

        Args:
            subset: Places of the subset's queries.
            others: Places of the sampled others.
            doubtful: Places of those asked beside them.
            num_others: How many queries the others are a sample of.
            categories: Failure categories of the subset, in lower case.

        Example:
            >>> asked = AskedQueries.of_sample(
            ...     np.array([4]), np.array([0, 2]), np.array([7]), num_others=10, categories=["count"])
            >>> asked.positions.tolist(), asked.weights.tolist()
            ([4, 0, 2, 7], [1.0, 5.0, 5.0, 0.0])
        """
        weight = num_others / max(len(others), 1)
        return cls(
            positions=np.concatenate([subset, others, doubtful]).astype(np.int64),
            weights=np.repeat([1.0, weight, 0.0], [len(subset), len(others), len(doubtful)]),
            categories=tuple(categories),
            is_sample_missing=num_others > 0 and not len(others),
        )


class TemplatesByCaption(TemplateChoice):
    """Decides which templates each caption is asked with, by itself."""

    learns_from_hits: ClassVar[bool] = False
    """Whether what other queries retrieve under the pooling in use has a part in the choice."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What tables call it."""

    @property
    @abstractmethod
    def needs_labels(self) -> bool:
        """Whether it learns from annotated failures."""

    @property
    def is_oracle(self) -> bool:
        """Whether gold labels choose what is asked, so that no deployed system could."""
        return False

    @abstractmethod
    def for_queries(
        self,
        bench: Workbench,
        failure_set: FailureSet | None,
        asked: AskedQueries,
        pooling: PromptPooling,
        *,
        learnt_from: Int[np.ndarray, " known"] | None = None,
    ) -> RoutedTemplates:
        """The template set of each of these queries.

        Args:
            bench: Where texts are embedded.
            failure_set: Annotated failures, from which may be learnt; those of a query's own image are withheld.
            asked: The queries.
            pooling: What makes one score out of the prompts' scores.
            learnt_from: Places of the only captions whose labels may be learnt from; any where it's None.

        Raises:
            UsageError: If there is nothing to go by.
        """

    @override
    def for_categories(self, categories: Sequence[str]) -> TemplateSet:
        raise UsageError(
            f"templates={self.name} must be chosen caption by caption, got a slice of queries; use templates=matched "
            "where one set must serve them all."
        )
