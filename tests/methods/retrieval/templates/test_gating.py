"""Who may open a gate: other images' queries alone."""

import numpy as np

from misfire.cells.lab import Workbench
from misfire.methods.retrieval.templates.gating import gated, plain_margins, routed_by, same_for_all
from misfire.methods.retrieval.templates.margin_gate import MarginGate
from misfire.methods.retrieval.templates.ranked_sets import RankedSets
from misfire.methods.retrieval.templates.routers import CategoryRouter, LexicalRouter
from misfire.methods.retrieval.templates.routing_problem import RoutingProblem
from misfire.prompts import TemplateSet
from misfire.scoring import MaxPooling
from tests.methods.retrieval import invented
from tests.methods.retrieval.templates.routers.problems import captions, problem

GATE = MarginGate(num_folds=3, seed=1)
SETS = {"x": TemplateSet("x", ("x {caption}",))}


class Telling(CategoryRouter):
    """Routes every caption to a word that lists the images whose labels it was given."""

    label = "telling"
    needs_labels = True

    def route(self, problem: RoutingProblem) -> tuple[str, ...]:
        return (" ".join(map(str, problem.annotated.captions.images)),) * len(problem.captions)


def with_ranks(bench: Workbench, before: np.ndarray, after: np.ndarray) -> RankedSets:
    """What is known already, so that nothing is ranked."""
    ranked = RankedSets(bench, np.arange(len(before)), SETS, MaxPooling(), before)
    ranked._known["x"] = after
    return ranked


def test_the_gate_opens_where_templates_help_and_no_image_opens_its_own(bench: Workbench) -> None:
    num = len(bench.dataset.captions)
    rng = np.random.default_rng(0)
    margins, routes = rng.random(num), same_for_all("x", num)
    helps = margins < 0.4
    before, after = np.where(helps, 2, 1), np.where(helps, 1, 2)
    chosen = np.array(gated(GATE, routes, with_ranks(bench, before, after), margins, np.ones(num)))
    assert ((chosen == "x") != helps).mean() < 0.1
    images, moved = bench.dataset.targets, 0
    for image in np.unique(images)[:6]:
        own = images == image
        weights = np.where(own, 1000.0, 1.0)
        turned = with_ranks(bench, np.where(own, 1, before), np.where(own, 2, after))
        again = np.array(gated(GATE, routes, turned, margins, weights))
        np.testing.assert_array_equal(again[own], chosen[own])
        moved += int((again[~own] != chosen[~own]).sum())
    assert moved > 0


def test_a_margin_is_the_lead_of_the_best_image(bench: Workbench) -> None:
    gallery = invented.plain_image_rows(bench.dataset)
    texts = invented.plain_text_rows([bench.dataset.captions[position].text for position in (3, 0)])
    expected = [np.sort(gallery @ text)[-1] - np.sort(gallery @ text)[-2] for text in texts]
    np.testing.assert_allclose(plain_margins(bench, np.array([3, 0])), expected, atol=1e-6)


def test_routes_for_other_folds_are_learnt_without_the_labels_of_this_one() -> None:
    asked = captions(["a", "b", "c"], images=[5, 6, 7])
    known = captions(["p", "q", "r", "s"], images=[5, 6, 8, 7])  # nobody asks for image 8, so its label may be used
    routes = routed_by(Telling(), problem(asked, known, ["count"] * 4))
    assert list(routes.chosen) == ["5 6 8 7"] * 3
    assert list(routes.among(np.array([True, False, True]))) == ["5 8 7"] * 2


def test_routes_without_labels_are_the_same_for_any_queries() -> None:
    asked = captions(["two cats", "a red cat", "a cat running"])
    routes = routed_by(LexicalRouter(), problem(asked))
    assert list(routes.chosen) == ["count", "attribute", "action"]
    assert list(routes.among(np.array([False, True, True]))) == ["attribute", "action"]
    assert list(same_for_all("x", 3).among(np.array([True, False, True]))) == ["x", "x"]
