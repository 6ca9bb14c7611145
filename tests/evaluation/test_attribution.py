"""Parts of a gain against a sum over all orders written out, and against the cell's own gain."""

import json
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from misfire.core.errors import UsageError
from misfire.evaluation import (
    Cell,
    TemplateAttribution,
    Workbench,
    attribute_templates,
    attribution_name,
    attribution_sentence,
    complement_sample,
    run_cell,
)
from misfire.failures import AllFailures, FailureSet
from misfire.prompts import TemplateSet
from misfire.scoring import EmbeddingMean, LogMeanExpPooling, MaxPooling, MeanPooling, PromptPooling
from misfire.stats import StatisticsSettings
from tests.evaluation import invented
from tests.evaluation.brute_force import pooled_scores, ranked

TEMPLATES = TemplateSet("four", ("a photo of {caption}", "{caption}", "what is shown: {caption}", "see {caption}"))
PLAYERS = [text for text in TEMPLATES.templates if text != "{caption}"]
K = 3


def cell_of(bench: Workbench, failure_set: FailureSet, pooling: PromptPooling) -> Cell:
    subset = AllFailures().select(bench.dataset, failure_set)
    return Cell(
        dataset=bench.dataset,
        backbone_fingerprint=bench.encoder.fingerprint,
        subset=subset,
        complement=complement_sample(len(bench.dataset.captions), subset.positions, num_queries=None, seed=1),
        template_set=TEMPLATES,
        pooling=pooling,
        ks=(K,),
        statistics=StatisticsSettings(num_replicates=200, seed=4),
    )


def attributed(bench: Workbench, failure_set: FailureSet, pooling: PromptPooling) -> TemplateAttribution:
    cell = cell_of(bench, failure_set, pooling)
    return attribute_templates(cell, bench, failure_set=failure_set, k=K, num_orders=10)


@pytest.mark.parametrize(
    "pooling", [MaxPooling(), MeanPooling(), LogMeanExpPooling(tau=0.05), EmbeddingMean()], ids=lambda p: p.name
)
def test_the_parts_add_up_to_the_cells_gain(pooling: PromptPooling, bench: Workbench, failure_set: FailureSet) -> None:
    found = attributed(bench, failure_set, pooling)
    outcome = run_cell(cell_of(bench, failure_set, pooling), bench, failure_set=failure_set).outcome.at(K)
    assert found.num_fixed_less_broken == outcome.subset.net
    assert sum(share.shapley.estimate for share in found.shares) == pytest.approx(outcome.delta, abs=1e-12)
    for name, size in found.category_sizes.items():
        part = sum(share.by_category[name].estimate for share in found.shares) * size
        assert part == pytest.approx(outcome.by_category[name].net, abs=1e-12)


def test_parts_are_those_of_all_orders_written_out(bench: Workbench, failure_set: FailureSet) -> None:
    data = bench.dataset
    gallery = invented.plain_image_rows(data)

    def num_hits(team: tuple[str, ...]) -> int:
        count = 0
        for position in AllFailures().select(data, failure_set).positions:
            text = data.captions[position].text
            prompts = [t.replace("{caption}", text) for t in TEMPLATES.templates if t == "{caption}" or t in team]
            scores = pooled_scores(invented.plain_text_rows(prompts), gallery, "mean")
            count += ranked(scores, int(data.targets[position])).rank <= K
        return count

    orders = list(permutations(PLAYERS))
    found = attributed(bench, failure_set, MeanPooling())
    assert [share.template for share in found.shares] == PLAYERS
    for share in found.shares:
        added = [
            num_hits(order[: order.index(share.template) + 1]) - num_hits(order[: order.index(share.template)])
            for order in orders
        ]
        assert share.shapley.estimate == pytest.approx(np.mean(added) / found.num_queries, abs=1e-12)
        rest = tuple(text for text in PLAYERS if text != share.template)
        lost = num_hits(tuple(PLAYERS)) - num_hits(rest)
        assert share.leave_one_out.estimate == pytest.approx(lost / found.num_queries, abs=1e-12)
        assert share.shapley.low <= share.shapley.estimate <= share.shapley.high


def test_it_is_read_back_and_named(bench: Workbench, failure_set: FailureSet) -> None:
    found = attributed(bench, failure_set, MaxPooling())
    again = TemplateAttribution.from_json(json.loads(json.dumps(found.to_json())))
    assert json.dumps(again.to_json()) == json.dumps(found.to_json())  # NaN bounds equal nothing but as text
    assert attribution_name(found).startswith("attribution · failures · max · ")


def test_a_template_is_said_to_help_only_where_the_corrected_test_says_so(
    bench: Workbench, failure_set: FailureSet
) -> None:
    found = attributed(bench, failure_set, MeanPooling())
    unsure = replace(found, shares=tuple(replace(share, p_adjusted=0.06) for share in found.shares))
    assert "no single template's part can be told from none" in attribution_sentence(unsure)
    first = found.shares[0]
    helping = replace(first, p_adjusted=0.05, shapley=replace(first.shapley, estimate=0.1))
    assert f"helps: {first.template!r}" in attribution_sentence(replace(unsure, shares=(helping, *unsure.shares[1:])))


def test_a_set_without_the_plain_caption_or_with_nothing_else_is_refused(
    bench: Workbench, failure_set: FailureSet
) -> None:
    cell = cell_of(bench, failure_set, MeanPooling())
    for texts in (("{caption}",), ("a photo of {caption}", "see {caption}")):
        other = replace(cell, template_set=TemplateSet("t", texts))
        with pytest.raises(UsageError, match=r"needs the plain caption and other templates, got \d in t; use"):
            attribute_templates(other, bench, failure_set=failure_set, k=K, num_orders=2)
