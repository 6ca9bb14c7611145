"""Template sets by a category that is predicted caption by caption, without the caption's own label."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Int
from typing_extensions import override

from misfire.cells.lab import Workbench
from misfire.failures import FailureSet, load_taxonomy
from misfire.methods.retrieval.templates.by_caption import AskedQueries, TemplatesByCaption
from misfire.methods.retrieval.templates.routers import CategoryRouter
from misfire.methods.retrieval.templates.routing_problem import Annotated, Captions, RoutingProblem
from misfire.prompts import RoutedTemplates, TemplateSet
from misfire.scoring import PromptPooling


@final
@dataclass(frozen=True)
class PredictedTemplates(TemplatesByCaption):
    """The template set of the category that a router predicts for each caption; no gold label of its own is read.

    Args:
        sets: Template sets by category, in lower case.
        router: Predicts a caption's category out of these.
        name: What tables call it.
    """

    sets: Mapping[str, TemplateSet]
    router: CategoryRouter
    name: str = "predicted"

    @property
    @override
    def needs_labels(self) -> bool:
        return self.router.needs_labels

    @override
    def for_queries(
        self,
        bench: Workbench,
        failure_set: FailureSet | None,
        asked: AskedQueries,
        pooling: PromptPooling,
        *,
        learnt_from: Int[np.ndarray, " known"] | None = None,
    ) -> RoutedTemplates:
        return self.for_positions(bench, failure_set, asked.positions, learnt_from=learnt_from)

    def for_positions(
        self,
        bench: Workbench,
        failure_set: FailureSet | None,
        positions: Int[np.ndarray, " query"],
        *,
        learnt_from: Int[np.ndarray, " known"] | None = None,
    ) -> RoutedTemplates:
        """The template set of each of these queries.

        Args:
            bench: Where texts are embedded.
            failure_set: Annotated failures, from which a router may learn; those of a query's own image are withheld.
            positions: Places of the queries among the dataset's captions.
            learnt_from: Places of the only captions whose labels a router may learn from; any where it's None.

        Raises:
            UsageError: If the router has nothing to go by, or the sets differ in size.
        """
        routes = self.router.route(routing_problem(bench, failure_set, positions, tuple(self.sets), learnt_from))
        ids = [bench.dataset.captions[position].id for position in positions]
        return RoutedTemplates(self.name, self.sets, dict(zip(ids, routes, strict=True)))


def routing_problem(
    bench: Workbench,
    failure_set: FailureSet | None,
    positions: Int[np.ndarray, " query"],
    categories: tuple[str, ...],
    learnt_from: Int[np.ndarray, " known"] | None = None,
) -> RoutingProblem:
    """The captions at some positions, with the annotated failures of some categories.

    Args:
        bench: Its dataset has the captions, its encoder embeds.
        failure_set: The annotated failures; none are known without it.
        positions: Places of the queries among the dataset's captions.
        categories: Names of the categories to choose from, in lower case.
        learnt_from: Places of the only captions whose labels are known; all of the failure set's where it's None.
    """
    taxonomy = load_taxonomy() if failure_set is None else failure_set.label_taxonomy
    labelled: list[tuple[str, int]] = []
    if failure_set is not None:
        places = failure_set.positions(bench.dataset).tolist()
        names = [(failure.category or "").lower() for failure in failure_set.failures]
        labelled = [(name, place) for name, place in zip(names, places, strict=True) if name in categories]
    if learnt_from is not None:
        may_be_known = set(learnt_from.tolist())
        labelled = [(name, place) for name, place in labelled if place in may_be_known]
    known = np.array([place for _, place in labelled], dtype=np.int64)
    return RoutingProblem(
        captions=_captions(bench, positions),
        annotated=Annotated(_captions(bench, known), tuple(name for name, _ in labelled)),
        categories={name: taxonomy.category(name) for name in categories},
        embed=bench.texts,
    )


def _captions(bench: Workbench, positions: Int[np.ndarray, " query"]) -> Captions:
    captions = [bench.dataset.captions[position] for position in positions]
    return Captions(
        tuple(caption.text for caption in captions),
        np.array([caption.image_id for caption in captions], dtype=np.int64),
    )
