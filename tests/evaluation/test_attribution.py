"""Parts of a gain against a sum over all orders written out, and against the gains of cells run one by one."""

import json
from dataclasses import replace
from itertools import combinations, permutations
from math import factorial

import numpy as np
import pytest

from misfire.cells.lab import Workbench
from misfire.core.errors import UsageError
from misfire.failures import AllFailures, FailureSet
from misfire.methods.retrieval.attribution.attribution import attribute_templates, attribution_id
from misfire.methods.retrieval.attribution.outcome import TemplateAttribution
from misfire.methods.retrieval.attribution.words import attribution_name, attribution_sentence
from misfire.methods.retrieval.ensemble.cell import Cell, complement_sample
from misfire.methods.retrieval.ensemble.ensembling import run_cell
from misfire.prompts import TemplateSet
from misfire.scoring import EmbeddingMean, LogMeanExpPooling, MaxPooling, MeanPooling, PromptPooling
from misfire.stats import StatisticsSettings
from tests.evaluation import invented
from tests.evaluation.brute_force import pooled_scores, ranked

PLAYERS = ("a photo of {caption}", "{caption}", "what is shown: {caption}", "see {caption}")
MANY = tuple(f"{place} times {{caption}}" for place in range(13))
KS = (1, 3)

poolings = pytest.mark.parametrize(
    "pooling", [MaxPooling(), MeanPooling(), LogMeanExpPooling(tau=0.05), EmbeddingMean()], ids=lambda p: p.name
)


def cell_of(
    bench: Workbench, failure_set: FailureSet, pooling: PromptPooling, templates: tuple[str, ...] = PLAYERS
) -> Cell:
    subset = AllFailures().select(bench.dataset, failure_set)
    return Cell(
        dataset=bench.dataset,
        backbone_fingerprint=bench.encoder.fingerprint,
        subset=subset,
        complement=complement_sample(len(bench.dataset.captions), subset.positions, num_queries=None, seed=1),
        template_set=TemplateSet("some", templates),
        pooling=pooling,
        ks=KS,
        statistics=StatisticsSettings(num_replicates=200, seed=4),
    )


def attributed(
    bench: Workbench, failure_set: FailureSet, pooling: PromptPooling, templates: tuple[str, ...] = PLAYERS
) -> TemplateAttribution:
    cell = cell_of(bench, failure_set, pooling, templates)
    return attribute_templates(cell, bench, failure_set=failure_set, num_orders=10)


def assert_adds_up(found: TemplateAttribution, cell: Cell, bench: Workbench, failure_set: FailureSet) -> None:
    outcome = run_cell(cell, bench, failure_set=failure_set).outcome
    for cutoff in found.cutoffs:
        expected = outcome.at(cutoff.k)
        assert cutoff.num_fixed_less_broken == expected.subset.net
        assert sum(share.shapley.estimate for share in cutoff.shares) == pytest.approx(expected.delta, abs=1e-9)
        for name, size in found.category_sizes.items():
            part = sum(share.by_category[name].estimate for share in cutoff.shares) * size
            assert part == pytest.approx(expected.by_category[name].net, abs=1e-9)


@poolings
@pytest.mark.parametrize("templates", [PLAYERS, PLAYERS[2:], MANY], ids=["with plain", "without", "sampled"])
def test_the_parts_add_up_to_the_cells_gain(
    templates: tuple[str, ...], pooling: PromptPooling, bench: Workbench, failure_set: FailureSet
) -> None:
    found = attributed(bench, failure_set, pooling, templates)
    assert_adds_up(found, cell_of(bench, failure_set, pooling, templates), bench, failure_set)
    assert found.num_orders == (10 if len(templates) > 12 else 0)
    assert (found.cutoffs[1].order_error > 0) == (len(templates) > 12)


@poolings
def test_parts_are_made_of_the_gains_of_cells_run_one_by_one(
    pooling: PromptPooling, bench: Workbench, failure_set: FailureSet
) -> None:
    whole = cell_of(bench, failure_set, pooling)
    gain: dict[tuple[str, ...], dict[int, float]] = {(): dict.fromkeys(KS, 0.0)}
    for size in range(1, len(PLAYERS) + 1):
        for team in combinations(PLAYERS, size):
            cell = replace(whole, template_set=TemplateSet("team", team))
            outcome = run_cell(cell, bench, failure_set=failure_set).outcome
            gain[team] = {k: outcome.at(k).delta for k in KS}
    found = attributed(bench, failure_set, pooling)
    for cutoff in found.cutoffs:
        for share in cutoff.shares:
            value = 0.0
            for team, own in gain.items():
                if share.template not in team:
                    joined = tuple(text for text in PLAYERS if text in (*team, share.template))
                    weight = factorial(len(team)) * factorial(len(PLAYERS) - len(team) - 1) / factorial(len(PLAYERS))
                    value += weight * (gain[joined][cutoff.k] - own[cutoff.k])
            assert share.shapley.estimate == pytest.approx(value, abs=1e-9)
            rest = tuple(text for text in PLAYERS if text != share.template)
            lost = gain[PLAYERS][cutoff.k] - gain[rest][cutoff.k]
            assert share.leave_one_out.estimate == pytest.approx(lost, abs=1e-9)


def test_parts_are_those_of_all_orders_written_out(bench: Workbench, failure_set: FailureSet) -> None:
    data = bench.dataset
    gallery = invented.plain_image_rows(data)

    def num_hits(team: tuple[str, ...]) -> int:
        count = 0
        for position in AllFailures().select(data, failure_set).positions:
            text = data.captions[position].text
            prompts = [one.replace("{caption}", text) for one in PLAYERS if one in (team or ("{caption}",))]
            scores = pooled_scores(invented.plain_text_rows(prompts), gallery, "mean")
            count += ranked(scores, int(data.targets[position])).rank <= KS[-1]
        return count

    orders = list(permutations(PLAYERS))
    found = attributed(bench, failure_set, MeanPooling())
    assert found.templates_used == PLAYERS
    assert found.num_coalitions == 16
    for share in found.at(KS[-1]).shares:
        added = [
            num_hits(order[: order.index(share.template) + 1]) - num_hits(order[: order.index(share.template)])
            for order in orders
        ]
        assert share.shapley.estimate == pytest.approx(np.mean(added) / found.num_queries, abs=1e-9)
        assert share.shapley.low <= share.shapley.estimate <= share.shapley.high


def test_p_values_are_corrected_for_templates_and_cut_offs(bench: Workbench, failure_set: FailureSet) -> None:
    cell = cell_of(bench, failure_set, MeanPooling())
    both = attribute_templates(cell, bench, failure_set=failure_set, num_orders=2)
    alone = attribute_templates(replace(cell, ks=KS[1:]), bench, failure_set=failure_set, num_orders=2)
    for share, own in zip(both.at(KS[1]).shares, alone.at(KS[1]).shares, strict=True):
        assert share.shapley == own.shapley
        assert share.p_adjusted >= own.p_adjusted
    smallest = min(share.p_adjusted for share in alone.at(KS[1]).shares)
    if smallest < 1:
        assert min(share.p_adjusted for cutoff in both.cutoffs for share in cutoff.shares) > smallest


def test_it_is_read_back_and_named(bench: Workbench, failure_set: FailureSet) -> None:
    found = attributed(bench, failure_set, MaxPooling())
    again = TemplateAttribution.from_json(json.loads(json.dumps(found.to_json())))
    assert json.dumps(again.to_json()) == json.dumps(found.to_json())  # NaN bounds equal nothing but as text
    assert attribution_name(found).startswith("attribution · failures · max · ")
    cell = cell_of(bench, failure_set, MaxPooling())
    assert found.attribution_id == attribution_id(cell, num_orders=10) != attribution_id(cell, num_orders=12)


def test_a_template_is_said_to_help_only_where_the_corrected_test_says_so(
    bench: Workbench, failure_set: FailureSet
) -> None:
    found = attributed(bench, failure_set, MeanPooling())
    unsure = replace(
        found,
        cutoffs=tuple(
            replace(cutoff, shares=tuple(replace(share, p_adjusted=0.06) for share in cutoff.shares))
            for cutoff in found.cutoffs
        ),
    )
    sentence = attribution_sentence(unsure)
    assert "no single template's part can be told from none" in sentence
    assert (
        "(sign-flip tests by image, corrected for 4 templates at 2 cut-offs). The queries were mined from" in sentence
    )
    chosen_otherwise = attribution_sentence(replace(unsure, is_failure_mined=False))
    assert chosen_otherwise.endswith("(sign-flip tests by image, corrected for 4 templates at 2 cut-offs).")
    at_1, at_3 = unsure.cutoffs
    first = at_3.shares[0]
    helping = replace(first, p_adjusted=0.05, shapley=replace(first.shapley, estimate=0.1))
    changed = replace(unsure, cutoffs=(at_1, replace(at_3, shares=(helping, *at_3.shares[1:]))))
    assert f"helps: {first.template!r} at 3 (" in attribution_sentence(changed)


def test_a_set_with_nothing_but_the_plain_caption_is_refused(bench: Workbench, failure_set: FailureSet) -> None:
    cell = cell_of(bench, failure_set, MeanPooling(), ("{caption}",))
    with pytest.raises(UsageError, match=r"needs a template besides the plain caption, got none in some; use"):
        attribute_templates(cell, bench, failure_set=failure_set, num_orders=2)
