"""The gap against loops over queries, prompts and images; and labels planted where they must not be seen."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from misfire.cells.comparison import NetChange, net_change
from misfire.cells.lab import Workbench
from misfire.core.errors import UsageError
from misfire.failures import FailureSet
from misfire.methods.retrieval.ensemble.measured import paired_hits
from misfire.methods.retrieval.gap.logged import LoggedGap
from misfire.methods.retrieval.gap.oracle_gap import GapPlan, gap_outcome
from misfire.methods.retrieval.gap.systems import GapSystems
from misfire.methods.retrieval.gap.words import gap_sentence
from misfire.methods.retrieval.templates.margin_gate import MarginGate
from misfire.methods.retrieval.templates.routers import LexicalRouter, OutOfFoldRouter, ZeroShotRouter
from misfire.methods.retrieval.templates.routing import PredictedTemplates
from misfire.prompts import TemplateSet
from misfire.scoring import MeanPooling
from misfire.stats import StatisticsSettings
from tests.methods.retrieval import invented
from tests.methods.retrieval.brute_force import pooled_scores, ranked
from tests.methods.retrieval.finished import of_outcome

SETS = {
    name: TemplateSet(name, ("{caption}", f"{word}: {{caption}}", f"{{caption}}, {word}"))
    for name, word in (("object", "things"), ("action", "doing"), ("count", "how many"))
}
GENERIC = TemplateSet("generic", ("{caption}", "a photo of {caption}"))
SYSTEMS = GapSystems(
    SETS, GENERIC, (ZeroShotRouter(), LexicalRouter(), OutOfFoldRouter(num_folds=3)), MarginGate(num_folds=3)
)


def plan_of(bench: Workbench, failure_set: FailureSet) -> GapPlan:
    return GapPlan(bench, failure_set, SYSTEMS, MeanPooling(), (1, 3), StatisticsSettings(), None, 5)


@pytest.fixture(scope="module")
def plan(bench: Workbench, failure_set: FailureSet) -> GapPlan:
    return plan_of(bench, failure_set)


@pytest.fixture(scope="module")
def result(plan: GapPlan) -> LoggedGap:
    return LoggedGap(of_outcome("gap", gap_outcome(plan)))


def brute_rank(bench: Workbench, position: int, templates: TemplateSet) -> int:
    data = bench.dataset
    prompts = invented.plain_text_rows(list(templates.render(data.captions[position].text)))
    scores = pooled_scores(prompts, invented.plain_image_rows(data), "mean")
    return ranked(scores, int(data.targets[position])).rank


def test_every_system_has_the_ranks_of_loops_with_the_templates_it_chose(plan: GapPlan, result: LoggedGap) -> None:
    records, sets = result.logged.records, {"": TemplateSet("plain", ("{caption}",)), "generic": GENERIC, **SETS}
    for column in (name for name in records if name.startswith("templates ")):
        ranks = records[column.replace("templates ", "rank ")]
        expected = [
            brute_rank(plan.bench, position, sets[chosen])
            for position, chosen in zip(plan.positions.tolist(), records[column], strict=True)
        ]
        assert ranks.tolist() == expected, column


def test_the_oracle_takes_gold_categories_and_leaves_what_nobody_labelled(result: LoggedGap) -> None:
    for row in result.logged.records.itertuples():
        gold = row.gold_category if row.gold_category in SETS else ""
        assert result.logged.records.loc[row.Index, "templates oracle"] == (gold or "")


def test_the_net_is_both_strata_by_their_size(bench: Workbench, plan: GapPlan, result: LoggedGap) -> None:
    gap, records = result, result.logged.records
    assert gap.num_failures + gap.num_hits == len(bench.dataset.captions)
    failures = (records["part"] == "failures").to_numpy()
    for system in gap.systems:
        ranks = records[f"rank {system.kind} {system.router}".strip()]
        for k in gap.ks:
            delta = (ranks <= k).astype(int) - (records["rank none"] <= k).astype(int)
            expected = (
                gap.num_failures * delta[failures].mean() + gap.num_hits * delta[~failures].mean()
            ) / gap.num_queries
            net = system.at("net", k)
            assert net.value == pytest.approx(expected, abs=1e-12)
            assert net.low <= net.value <= net.high
            assert system.flips("failures", k).net == delta[failures].sum()
            assert system.flips("others", k).net == delta[~failures].sum()
            behind = gap.oracle.at("net", k).value - expected
            assert system.at("behind_oracle", k).value == pytest.approx(behind, abs=1e-12)


def test_a_gated_system_asks_with_its_routers_templates_or_not_at_all(result: LoggedGap) -> None:
    for router in SYSTEMS.routers:
        gated, free = (result.logged.records[f"templates {kind} {router.label}"] for kind in ("gated", "predicted"))
        assert ((gated == free) | (gated == "")).all()


def test_no_label_of_an_image_reaches_its_own_queries(bench: Workbench, failure_set: FailureSet) -> None:
    """Labels of one image's failures are replaced, image by image: its own queries are asked as before."""
    labelled = [failure for failure in failure_set.failures if failure.category is not None]
    moved = 0
    reference = gap_outcome(plan_of(bench, failure_set)).records
    for image in sorted({failure.target_image_id for failure in labelled})[:4]:
        for planted in ("Object", "Count"):
            failures = tuple(
                replace(failure, category=planted, ambiguous_subtype=None)
                if failure.target_image_id == image
                else failure
                for failure in failure_set.failures
            )
            records = gap_outcome(plan_of(bench, replace(failure_set, failures=failures))).records
            own = reference["image_id"] == image
            for column in (name for name in reference if name.startswith(("templates predicted", "templates gated"))):
                pd.testing.assert_series_equal(records.loc[own, column], reference.loc[own, column])
                moved += int((records.loc[~own, column] != reference.loc[~own, column]).sum())
    assert moved > 0  # other images' queries do learn from it


def test_the_words_name_the_oracle_the_best_and_the_last_with_their_numbers(result: LoggedGap) -> None:
    said = gap_sentence(result, k=1)
    assert said.startswith(f"Over all {result.num_queries:,} queries, hit@1 changes by ")
    without = sorted(
        (one for one in result.systems if one.kind not in ("none", "oracle")),
        key=lambda one: one.at("net", 1).value,
    )
    assert len(without) == 7
    for system in (result.oracle, without[0], without[-1]):
        assert f"{100 * system.at('net', 1).value:+.2f} pp" in said


def test_intervals_are_at_a_level_shared_by_all_systems(plan: GapPlan, result: LoggedGap) -> None:
    compared = [one for one in result.systems if one.kind != "none"]
    assert plan.systems.num_compared == len(compared) == 8
    before = result.logged.records["rank none"].to_numpy()
    oracle = result.logged.records["rank oracle"].to_numpy()
    for system in compared:
        ranks = result.logged.records[f"rank {system.kind} {system.router}".strip()].to_numpy()
        for k in result.ks:
            nets = [_net(plan, result, *pair, k=k) for pair in ((before, ranks), (ranks, oracle))]
            for what, net in zip(("net", "behind_oracle"), nets, strict=True):
                told = system.at(what, k)
                if what == "net" or not system.is_oracle:
                    assert (told.value, told.low, told.high) == (net.estimate, net.low, net.high)


def _net(plan: GapPlan, result: LoggedGap, before: np.ndarray, after: np.ndarray, *, k: int) -> NetChange:
    paired = paired_hits(
        before,
        after,
        query=np.arange(len(before)),
        image=plan.bench.dataset.targets[plan.positions],
        num_subset=len(plan.labelled),
        stands_for=result.num_failures,
        num_others=result.num_hits,
        k=k,
        is_failure_mined=True,
        confidence=0.95,
        data="",
    )
    net = net_change(paired, confidence=1 - 0.05 / 8)
    assert net is not None
    return net


def test_what_cannot_be_compared_is_refused(bench: Workbench, failure_set: FailureSet, plan: GapPlan) -> None:
    with pytest.raises(UsageError, match=r"needs other queries, got complement\.num_queries=0; 2000 is a good"):
        replace(plan, num_others=0)
    bare = replace(
        failure_set,
        failures=tuple(replace(failure, category=None, ambiguous_subtype=None) for failure in failure_set.failures),
    )
    with pytest.raises(UsageError, match=r"labelled with a category out of object, action, count, got 0 labels"):
        plan_of(bench, bare)
    with pytest.raises(UsageError, match=r"different routers, got 3 sets and zero-shot, zero-shot; see"):
        replace(SYSTEMS, routers=(ZeroShotRouter(), ZeroShotRouter()))


def test_predicted_templates_serve_a_cell_query_by_query(bench: Workbench, failure_set: FailureSet) -> None:
    positions = np.arange(len(bench.dataset.captions))
    routed = PredictedTemplates(SETS, OutOfFoldRouter(num_folds=3)).for_positions(bench, failure_set, positions)
    assert set(routed.routes) == {caption.id for caption in bench.dataset.captions}
    with pytest.raises(UsageError, match="must be chosen caption by caption"):
        PredictedTemplates(SETS, ZeroShotRouter()).for_categories(["object"])
