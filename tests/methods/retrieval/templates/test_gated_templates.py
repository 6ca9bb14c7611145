"""A gate before templates against loops, against the gap's, and where it is known which queries it must open for."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from misfire.cells.lab import Workbench
from misfire.core.errors import UsageError
from misfire.failures import AllFailures, AllQueries, FailureSet
from misfire.methods.retrieval.ensemble.ensembling import ensemble_outcome
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.methods.retrieval.gap.oracle_gap import GapPlan, gap_outcome
from misfire.methods.retrieval.gap.systems import GapSystems
from misfire.methods.retrieval.prompted import PromptedQueries
from misfire.methods.retrieval.templates.by_caption import AskedQueries
from misfire.methods.retrieval.templates.gated_templates import GatedTemplates
from misfire.methods.retrieval.templates.margin_gate import MarginGate
from misfire.methods.retrieval.templates.routers import CategoryRouter, LexicalRouter, OutOfFoldRouter, ZeroShotRouter
from misfire.methods.retrieval.templates.routers.out_of_fold import image_folds
from misfire.methods.retrieval.templates.routing import PredictedTemplates
from misfire.prompts import MatchedTemplates, TemplateChoice, TemplateSet
from misfire.scoring import LogMeanExpPooling, MeanPooling
from misfire.stats import StatisticsSettings
from tests.methods.retrieval import invented
from tests.methods.retrieval.brute_force import pooled_scores, ranked
from tests.methods.retrieval.finished import of_outcome

SETS = {
    name: TemplateSet(name, ("{caption}", f"{word}: {{caption}}", f"{{caption}}, {word}"))
    for name, word in (("object", "things"), ("action", "doing"), ("count", "how many"))
}
GENERIC = TemplateSet("generic", ("{caption}", "a photo of {caption}"))
GATE = MarginGate(k=1, num_folds=3, seed=2)
ROUTERS: tuple[CategoryRouter, ...] = (ZeroShotRouter(), LexicalRouter(), OutOfFoldRouter(num_folds=3))


def everything(bench: Workbench, weights: np.ndarray | None = None) -> AskedQueries:
    positions = np.arange(len(bench.dataset.captions))
    return AskedQueries(positions, np.ones(len(positions)) if weights is None else weights, ())


def rank_in_loops(bench: Workbench, position: int, templates: TemplateSet) -> int:
    data = bench.dataset
    prompts = invented.plain_text_rows(list(templates.render(data.captions[position].text)))
    return ranked(pooled_scores(prompts, invented.plain_image_rows(data), "mean"), int(data.targets[position])).rank


def margin_in_loops(bench: Workbench, position: int) -> float:
    (plain,) = invented.plain_text_rows([bench.dataset.captions[position].text])
    best, second = sorted(float(np.dot(plain, row)) for row in invented.plain_image_rows(bench.dataset))[:-3:-1]
    return best - second


def open_in_loops(bench: Workbench, templates: TemplateSet, weights: np.ndarray) -> list[bool]:
    """Every threshold that tells margins apart is tried on the other folds' images; of the best, the lowest."""
    num = len(bench.dataset.captions)
    margins = [margin_in_loops(bench, position) for position in range(num)]
    images = [caption.image_id for caption in bench.dataset.captions]
    fold = image_folds(np.array(images), num_folds=GATE.num_folds, seed=GATE.seed)
    plain = TemplateSet("plain", ("{caption}",))
    won = [
        (rank_in_loops(bench, place, templates) <= 1) * 1.0 - (rank_in_loops(bench, place, plain) <= 1)
        for place in range(num)
    ]
    opened = []
    for place in range(num):
        dev = [other for other in range(num) if fold[images[other]] != fold[images[place]]]
        known = sorted({margins[other] for other in dev})
        tried = [-np.inf, *((a + b) / 2 for a, b in pairwise(known)), np.inf]
        sums = [sum(weights[other] * won[other] for other in dev if margins[other] < one) for one in tried]
        best = next(one for one, total in zip(tried, sums, strict=True) if total >= max(sums) - 1e-9)
        opened.append(margins[place] < best)
    return opened


@pytest.mark.parametrize("weight_of_others", [1.0, 0.05])
def test_the_gate_is_open_where_loops_say_so(bench: Workbench, weight_of_others: float) -> None:
    num = len(bench.dataset.captions)
    weights = np.where(np.arange(num) % 3 == 0, 1.0, weight_of_others)
    routed = GatedTemplates(SETS["object"], GATE).for_queries(bench, None, everything(bench, weights), MeanPooling())
    ids = [caption.id for caption in bench.dataset.captions]
    found = [not routed.for_query(query_id).is_plain for query_id in ids]
    assert found == open_in_loops(bench, SETS["object"], weights)
    assert 0 < sum(found) < num
    assert routed.name == "gated"
    assert not routed.is_oracle


@pytest.mark.parametrize("router", ROUTERS, ids=[router.label for router in ROUTERS])
def test_a_cell_is_gated_as_the_gap_is(bench: Workbench, failure_set: FailureSet, router: CategoryRouter) -> None:
    systems = GapSystems(SETS, GENERIC, (router,), GATE)
    plan = GapPlan(bench, failure_set, systems, MeanPooling(), (1, 3), StatisticsSettings(), 40, 5)
    records = gap_outcome(plan).records
    num_failures = int((plan.plain_ranks > 1).sum())
    weights = np.repeat(
        [num_failures / len(plan.labelled), (len(plan.plain_ranks) - num_failures) / len(plan.others)],
        [len(plan.labelled), len(plan.others)],
    )
    chosen = GatedTemplates(PredictedTemplates(SETS, router), GATE).for_queries(
        bench, failure_set, AskedQueries(plan.positions, weights, ()), MeanPooling()
    )
    expected = dict(zip(records["query_id"], records[f"templates gated {router.label}"], strict=True))
    assert {query_id: chosen.routes[query_id] for query_id in expected} == expected


def cell_with(
    bench: Workbench, failure_set: FailureSet, choice: TemplateChoice, *, pooling: object = None
) -> PromptedQueries:
    subset = AllFailures().select(bench.dataset, failure_set)
    own = {"pooling": pooling or MeanPooling(), "statistics": StatisticsSettings(num_replicates=50)}
    plain = invented.cell(bench, subset, num_others=30, **own)
    others = plain.complement
    num_others = len(bench.dataset.captions) - len(subset)
    asked = AskedQueries.of_sample(
        subset.positions, others, np.array([], dtype=np.int64), num_others=num_others, categories=["object"]
    )
    if isinstance(choice, TemplateSet):
        return replace(plain, template_set=choice)
    return replace(plain, template_set=choice.for_queries(bench, failure_set, asked, plain.pooling))


@pytest.mark.parametrize("pooling", [MeanPooling(), LogMeanExpPooling(tau=1.0)], ids=["mean", "logmeanexp"])
@pytest.mark.parametrize("inner", [SETS["object"], PredictedTemplates(SETS, OutOfFoldRouter(num_folds=3))])
def test_a_gated_cell_is_the_ungated_one_where_open_and_the_baseline_where_closed(
    bench: Workbench, failure_set: FailureSet, inner: TemplateChoice, pooling: object
) -> None:
    cell = cell_with(bench, failure_set, GatedTemplates(inner, GATE), pooling=pooling)
    result = ensemble_outcome(cell, bench, failure_set)
    free = ensemble_outcome(cell_with(bench, failure_set, inner, pooling=pooling), bench, failure_set).records
    records, closed = result.records, cell.is_plain
    assert 0 < closed.sum() < len(closed)
    for column in ("rank", "best_rank", "worst_rank", "target_score", "top1_score", "margin", "top1_id"):
        after, before = records[f"ensembled_{column}"], records[f"baseline_{column}"]
        pd.testing.assert_series_equal(after[closed], before[closed], check_names=False, check_exact=True)
        pd.testing.assert_series_equal(after[~closed], free[f"ensembled_{column}"][~closed], check_names=False)
    for place in range(len(cell.template_set)):
        alone = records[f"template_{place}_rank"]
        assert (alone[closed] == records["baseline_rank"][closed]).all()
        assert (alone[~closed] == free[f"template_{place}_rank"][~closed]).all()
    broken = (records["baseline_rank"] <= 1) & (records["ensembled_rank"] > 1)
    found = LoggedEnsemble(of_outcome("ensemble", result))
    assert found.flips(1, "complement").broken == int(broken[records["part"] == "complement"].sum())
    assert not found.is_oracle


def test_all_queries_are_a_subset_like_any_other(bench: Workbench, failure_set: FailureSet) -> None:
    subset = AllQueries().select(bench.dataset, None)
    asked = AskedQueries.of_sample(subset.positions, *[np.array([], dtype=np.int64)] * 2, num_others=0, categories=())
    gated = GatedTemplates(GENERIC, GATE).for_queries(bench, None, asked, MeanPooling())
    ids = [caption.id for caption in bench.dataset.captions]
    expected = open_in_loops(bench, GENERIC, np.ones(len(ids)))
    assert [not gated.for_query(query_id).is_plain for query_id in ids] == expected


def test_a_query_that_stands_for_none_moves_no_threshold(bench: Workbench) -> None:
    num = len(bench.dataset.captions)
    weights = np.where(np.arange(num) % 3 == 0, 0.0, 1.0)
    heavy = np.where(np.arange(num) % 3 == 0, 50.0, 1.0)
    chosen = [
        GatedTemplates(GENERIC, GATE).for_queries(bench, None, everything(bench, one), MeanPooling()).routes
        for one in (weights, np.ones(num), heavy)
    ]
    assert list(chosen[0].values()) == [
        "generic" if is_open else "" for is_open in open_in_loops(bench, GENERIC, weights)
    ]
    assert len({tuple(one.values()) for one in chosen}) > 1


def test_before_gold_labels_it_is_an_oracle_still(bench: Workbench, failure_set: FailureSet) -> None:
    choice = GatedTemplates(MatchedTemplates(SETS), GATE)
    routed = choice.for_queries(bench, failure_set, replace(everything(bench), categories=("count",)), MeanPooling())
    assert routed.is_oracle
    assert routed.name == "gated"
    assert set(routed.sets) == {"matched", ""}


def test_it_says_what_it_needs_and_may_choose() -> None:
    learning = GatedTemplates(PredictedTemplates(SETS, OutOfFoldRouter(), name="trained"), GATE, "trained_gate")
    assert (learning.needs_labels, learning.name, dict(learning.sets)) == (True, "trained_gate", SETS)
    assert not GatedTemplates(PredictedTemplates(SETS, LexicalRouter()), GATE).needs_labels
    alike = GatedTemplates(GENERIC, GATE)
    assert (alike.needs_labels, alike.learns_from_hits, dict(alike.sets)) == (False, True, {"generic": GENERIC})


def test_what_cannot_be_gated_is_refused(bench: Workbench) -> None:
    gated = GatedTemplates(GENERIC, GATE)
    with pytest.raises(UsageError, match=r"before templates without one, got gated ones; name generic or predicted\.$"):
        GatedTemplates(gated, GATE)
    nobody = np.array([], dtype=np.int64)
    alone = AskedQueries.of_sample(np.arange(5), nobody, nobody, num_others=9, categories=())
    with pytest.raises(UsageError, match=r"^templates=gated must be tried on other queries .* 2000 is a good"):
        gated.for_queries(bench, None, alone, MeanPooling())
    with pytest.raises(UsageError, match="templates=gated must be chosen caption by caption"):
        gated.for_categories(["object"])
