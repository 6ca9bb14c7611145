"""Predicts which category's templates a caption is asked with."""

from abc import ABC, abstractmethod
from typing import ClassVar

from misfire.methods.retrieval.templates.routing_problem import RoutingProblem


class CategoryRouter(ABC):
    """A rule from captions to categories that could run where nobody has labelled anything."""

    label: ClassVar[str]
    """What tables call it."""
    needs_labels: ClassVar[bool] = False
    """Whether it learns from annotated failures."""

    @abstractmethod
    def route(self, problem: RoutingProblem) -> tuple[str, ...]:
        """One of the problem's categories a caption, in order; no label of a caption's own image takes part in it."""
