"""A margin gate over a dataset's queries: where it opens for templates that somebody chose for each of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int

from misfire.cells.lab import Workbench
from misfire.methods.retrieval.templates.margin_gate import MarginGate
from misfire.methods.retrieval.templates.ranked_sets import PLAIN_CAPTION, RankedSets
from misfire.methods.retrieval.templates.routers import CategoryRouter
from misfire.methods.retrieval.templates.routing_problem import RoutingProblem
from misfire.metrics import hit_at_k
from misfire.scoring import MaxPooling, ensemble_top_items


@final
@dataclass(frozen=True)
class Routes:
    """The template set of each query, and what would be chosen if some images' labels weren't known.

    Args:
        chosen: A set's name for each query.
        among: The sets' names for the queries of a mask, chosen without any label of the other queries' images.
    """

    chosen: Sequence[str]
    among: Callable[[Bool[np.ndarray, " query"]], Sequence[str]]


def same_for_all(name: str, num_queries: int) -> Routes:
    """One template set for every query."""
    return Routes([name] * num_queries, lambda is_asked: [name] * int(is_asked.sum()))


def routed_by(router: CategoryRouter, problem: RoutingProblem) -> Routes:
    """A router's choice for each of the problem's captions."""
    chosen = router.route(problem)
    if not router.needs_labels:
        return Routes(chosen, lambda is_asked: [name for name, asked in zip(chosen, is_asked, strict=True) if asked])

    def among(is_asked: Bool[np.ndarray, " query"]) -> Sequence[str]:
        withheld = problem.captions.images[~is_asked]
        return router.route(problem.among(is_asked, ~np.isin(problem.annotated.captions.images, withheld)))

    return Routes(chosen, among)


def gated(
    gate: MarginGate,
    routes: Routes,
    ranked: RankedSets,
    margins: Float[np.ndarray, " query"],
    weights: Float[np.ndarray, " query"],
) -> list[str]:
    """Each query's set where the gate is open, and the plain caption where it's closed.

    No hit and no label of a query's own image has a part in it.

    Args:
        gate: Where to apply what was chosen.
        routes: The sets to apply.
        ranked: Ranks of the queries with these.
        margins: Score of each query's best image with the plain caption less that of the second.
        weights: How many queries each stands for.
    """

    def worth(is_dev: Bool[np.ndarray, " query"]) -> Float[np.ndarray, " dev"]:
        after = hit_at_k(ranked.of(routes.among(is_dev), is_dev), k=gate.k)
        won = after.astype(float) - hit_at_k(ranked.plain_ranks[is_dev], k=gate.k)
        weighted: Float[np.ndarray, " dev"] = weights[is_dev] * won
        return weighted

    images = ranked.bench.dataset.targets[ranked.positions]
    is_open = gate.is_open(margins, images, worth)
    return [name if opened else PLAIN_CAPTION for name, opened in zip(routes.chosen, is_open, strict=True)]


def plain_margins(bench: Workbench, positions: Int[np.ndarray, " query"]) -> Float[np.ndarray, " query"]:
    """Score of each query's best image with the plain caption less that of the second; the target has no part in it.

    Args:
        bench: Dataset, backbone and store.
        positions: Places of the queries among the dataset's captions.
    """
    plain = bench.texts([bench.dataset.captions[position].text for position in positions]).unsqueeze(1)
    top = ensemble_top_items(plain, bench.gallery, MaxPooling(), k=2).score.double()
    margins: Float[np.ndarray, " query"] = (top[:, 0] - top[:, 1]).numpy()
    return margins
