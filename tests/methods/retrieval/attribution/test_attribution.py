"""Parts of a gain against a sum over all orders written out, and against the gains of cells run one by one."""

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations, permutations
from math import factorial

import numpy as np
import pytest

from misfire.cells import Estimate, Workbench
from misfire.core.errors import UsageError
from misfire.failures import AllFailures, FailureSet
from misfire.methods.retrieval.attribution.attribution import attribution_outcome
from misfire.methods.retrieval.attribution.logged import LoggedAttribution
from misfire.methods.retrieval.attribution.words import attribution_sentence
from misfire.methods.retrieval.ensemble.ensembling import ensemble_outcome
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.methods.retrieval.prompted import PromptedQueries, complement_sample
from misfire.prompts import TemplateSet
from misfire.scoring import EmbeddingMean, LogMeanExpPooling, MaxPooling, MeanPooling, PromptPooling
from misfire.stats import StatisticsSettings
from tests.methods.retrieval import invented
from tests.methods.retrieval.brute_force import pooled_scores, ranked
from tests.methods.retrieval.finished import logged, of_outcome

PLAYERS = ("a photo of {caption}", "{caption}", "what is shown: {caption}", "see {caption}")
MANY = tuple(f"{place} times {{caption}}" for place in range(13))
KS = (1, 3)

poolings = pytest.mark.parametrize(
    "pooling", [MaxPooling(), MeanPooling(), LogMeanExpPooling(tau=0.05), EmbeddingMean()], ids=lambda p: p.name
)


def cell_of(
    bench: Workbench, failure_set: FailureSet, pooling: PromptPooling, templates: tuple[str, ...] = PLAYERS
) -> PromptedQueries:
    subset = AllFailures().select(bench.dataset, failure_set)
    return PromptedQueries(
        dataset=bench.dataset,
        backbone_fingerprint=bench.encoder.fingerprint,
        subset=subset,
        complement=complement_sample(len(bench.dataset.captions), subset.positions, num_queries=None, seed=1),
        template_set=TemplateSet("some", templates),
        pooling=pooling,
        ks=KS,
        statistics=StatisticsSettings(num_replicates=200, seed=4),
    )


def attribute_templates(
    cell: PromptedQueries, bench: Workbench, *, failure_set: FailureSet, num_orders: int
) -> LoggedAttribution:
    found = attribution_outcome(cell, bench, failure_set=failure_set, num_orders=num_orders)
    return LoggedAttribution(of_outcome("attribution", found))


def attributed(
    bench: Workbench, failure_set: FailureSet, pooling: PromptPooling, templates: tuple[str, ...] = PLAYERS
) -> LoggedAttribution:
    cell = cell_of(bench, failure_set, pooling, templates)
    return attribute_templates(cell, bench, failure_set=failure_set, num_orders=10)


def run_cell(cell: PromptedQueries, bench: Workbench, failure_set: FailureSet) -> LoggedEnsemble:
    return LoggedEnsemble(of_outcome("ensemble", ensemble_outcome(cell, bench, failure_set)))


def assert_adds_up(found: LoggedAttribution, cell: PromptedQueries, bench: Workbench, failure_set: FailureSet) -> None:
    whole = run_cell(cell, bench, failure_set)
    for k in KS:
        assert found.gain(k) == pytest.approx(whole.delta(k), abs=1e-12)
        assert sum(share.shapley.value for share in found.shares(k)) == pytest.approx(whole.delta(k), abs=1e-9)
        for name, size in found.category_sizes.items():
            part = sum(share.in_category(name).value for share in found.shares(k)) * size
            assert part == pytest.approx(whole.flips(k, f"category/{name}").net, abs=1e-9)


@poolings
@pytest.mark.parametrize("templates", [PLAYERS, PLAYERS[2:], MANY], ids=["with plain", "without", "sampled"])
def test_the_parts_add_up_to_the_cells_gain(
    templates: tuple[str, ...], pooling: PromptPooling, bench: Workbench, failure_set: FailureSet
) -> None:
    found = attributed(bench, failure_set, pooling, templates)
    assert_adds_up(found, cell_of(bench, failure_set, pooling, templates), bench, failure_set)
    assert found.num_orders == (10 if len(templates) > 12 else 0)
    assert (found.order_error(KS[1]) > 0) == (len(templates) > 12)


@poolings
def test_parts_are_made_of_the_gains_of_cells_run_one_by_one(
    pooling: PromptPooling, bench: Workbench, failure_set: FailureSet
) -> None:
    whole = cell_of(bench, failure_set, pooling)
    gain: dict[tuple[str, ...], dict[int, float]] = {(): dict.fromkeys(KS, 0.0)}
    for size in range(1, len(PLAYERS) + 1):
        for team in combinations(PLAYERS, size):
            cell = replace(whole, template_set=TemplateSet("team", team))
            outcome = run_cell(cell, bench, failure_set)
            gain[team] = {k: outcome.delta(k) for k in KS}
    found = attributed(bench, failure_set, pooling)
    for k in KS:
        for share in found.shares(k):
            value = 0.0
            for team, own in gain.items():
                if share.template not in team:
                    joined = tuple(text for text in PLAYERS if text in (*team, share.template))
                    weight = factorial(len(team)) * factorial(len(PLAYERS) - len(team) - 1) / factorial(len(PLAYERS))
                    value += weight * (gain[joined][k] - own[k])
            assert share.shapley.value == pytest.approx(value, abs=1e-9)
            rest = tuple(text for text in PLAYERS if text != share.template)
            lost = gain[PLAYERS][k] - gain[rest][k]
            assert share.leave_one_out.value == pytest.approx(lost, abs=1e-9)


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
    assert tuple(found.templates_asked) == PLAYERS
    assert found.num_coalitions == 16
    for share in found.shares(KS[-1]):
        added = [
            num_hits(order[: order.index(share.template) + 1]) - num_hits(order[: order.index(share.template)])
            for order in orders
        ]
        assert share.shapley.value == pytest.approx(np.mean(added) / found.num_queries, abs=1e-9)
        assert share.shapley.low <= share.shapley.value <= share.shapley.high


def test_p_values_are_corrected_for_templates_and_cut_offs(bench: Workbench, failure_set: FailureSet) -> None:
    cell = cell_of(bench, failure_set, MeanPooling())
    both = attribute_templates(cell, bench, failure_set=failure_set, num_orders=2)
    alone = attribute_templates(replace(cell, ks=KS[1:]), bench, failure_set=failure_set, num_orders=2)
    for share, own in zip(both.shares(KS[1]), alone.shares(KS[1]), strict=True):
        assert share.shapley == own.shapley
        assert share.p_adjusted >= own.p_adjusted
    smallest = min(share.p_adjusted for share in alone.shares(KS[1]))
    if smallest < 1:
        assert min(share.p_adjusted for k in KS for share in both.shares(k)) > smallest


def test_a_template_is_said_to_help_only_where_the_corrected_test_says_so(
    bench: Workbench, failure_set: FailureSet
) -> None:
    found = attributed(bench, failure_set, MeanPooling())
    unsure = with_rows(found, lambda row: replace(row, value=0.06) if row.group.endswith("p_adjusted") else row)
    sentence = attribution_sentence(unsure)
    assert "no single template's part can be told from none" in sentence
    assert (
        "(sign-flip tests by image, corrected for 4 templates at 2 cut-offs). The queries were mined from" in sentence
    )
    chosen_otherwise = attribution_sentence(with_rows(unsure, lambda row: row, is_failure_mined=False))
    assert chosen_otherwise.endswith("(sign-flip tests by image, corrected for 4 templates at 2 cut-offs).")

    def helping(row: Estimate) -> Estimate:
        if row.k != 3 or not row.group.startswith("template_1/"):
            return row
        return replace(row, value={"template_1/shapley": 0.1, "template_1/p_adjusted": 0.05}.get(row.group, row.value))

    assert f"helps: {PLAYERS[0]!r} at 3 (" in attribution_sentence(with_rows(unsure, helping))


def with_rows(found: LoggedAttribution, change: Callable[[Estimate], Estimate], **facts: object) -> LoggedAttribution:
    """The same attribution with other estimates."""
    rows = map(change, found.logged.estimates)
    return LoggedAttribution(logged("attribution", {**found.logged.facts, **facts}, rows))


def test_a_set_with_nothing_but_the_plain_caption_is_refused(bench: Workbench, failure_set: FailureSet) -> None:
    cell = cell_of(bench, failure_set, MeanPooling(), ("{caption}",))
    with pytest.raises(UsageError, match=r"needs a template besides the plain caption, got none in some; use"):
        attribute_templates(cell, bench, failure_set=failure_set, num_orders=2)
