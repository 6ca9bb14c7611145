"""A cell's run against loops over queries, prompts and images."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from misfire.cells import Flips, Workbench
from misfire.core.hashing import sha256_text
from misfire.failures import AllFailures, CategorySubset, FailureSet, Label, Selection
from misfire.methods.retrieval.baseline.ceilings import hit_ceiling
from misfire.methods.retrieval.ensemble.ensembling import ensemble_outcome
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.methods.retrieval.flips import net_of_all
from misfire.methods.retrieval.prompted import PromptedQueries
from misfire.prompts import TemplateSet
from misfire.scoring import EmbeddingMean, LogMeanExpPooling, MaxPooling, MeanPooling, PromptPooling
from misfire.stats import StatisticsSettings, paired_bootstrap
from tests.methods.retrieval import invented
from tests.methods.retrieval.brute_force import Ranked, pooled_scores, ranked
from tests.methods.retrieval.finished import of_outcome
from tests.methods.retrieval.invented import KS, TEMPLATES

STATISTICS = StatisticsSettings(num_replicates=300, confidence=0.9, seed=11)
POOLINGS: dict[str, PromptPooling] = {
    "max": MaxPooling(),
    "mean": MeanPooling(),
    "logmeanexp 1": LogMeanExpPooling(tau=1.0),
    "logmeanexp 0.05": LogMeanExpPooling(tau=0.05),
    "embedding_mean": EmbeddingMean(),
}
COLUMNS = ("rank", "best_rank", "worst_rank", "target_score", "top1_score", "margin", "top1_id")


def cell_of(
    bench: Workbench, subset: Selection, *, pooling: PromptPooling = POOLINGS["mean"], num_others: int | None = None
) -> PromptedQueries:
    return invented.cell(bench, subset, pooling=pooling, statistics=STATISTICS, num_others=num_others)


def run_cell(cell: PromptedQueries, bench: Workbench, *, failure_set: FailureSet | None) -> LoggedEnsemble:
    return LoggedEnsemble(of_outcome("ensemble", ensemble_outcome(cell, bench, failure_set)))


def are_equal(one: LoggedEnsemble, other: LoggedEnsemble) -> bool:
    """Whether their numbers and facts are."""
    tables = [found.logged.estimates.to_csv() for found in (one, other)]
    return tables[0] == tables[1] and one.logged.facts == other.logged.facts


@pytest.fixture(scope="module", params=POOLINGS)
def pooling(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def cell(bench: Workbench, failure_set: FailureSet, pooling: str) -> PromptedQueries:
    subset = CategorySubset(["object", "action"]).select(bench.dataset, failure_set)
    return cell_of(bench, subset, pooling=POOLINGS[pooling])


@pytest.fixture(scope="module")
def result(cell: PromptedQueries, bench: Workbench, failure_set: FailureSet) -> LoggedEnsemble:
    return run_cell(cell, bench, failure_set=failure_set)


@pytest.fixture(scope="module")
def expected(cell: PromptedQueries, bench: Workbench, pooling: str) -> dict[str, list[Ranked]]:
    """Every query of the cell before and after, in loops."""
    data = bench.dataset
    gallery = invented.plain_image_rows(data)
    before, after = [], []
    for position in [*cell.subset.positions, *cell.complement]:
        text, target = data.captions[position].text, int(data.targets[position])
        plain = invented.plain_text_rows([text])[0]
        prompts = invented.plain_text_rows([template.replace("{caption}", text) for template in TEMPLATES.templates])
        before.append(ranked([float(np.dot(plain, item)) for item in gallery], target))
        after.append(ranked(pooled_scores(prompts, gallery, pooling), target))
    return {"baseline": before, "ensembled": after}


@pytest.mark.parametrize("side", ["baseline", "ensembled"])
def test_records_are_those_of_loops(
    side: str, result: LoggedEnsemble, expected: dict[str, list[Ranked]], bench: Workbench
) -> None:
    records = result.records
    for column in ("rank", "best_rank", "worst_rank"):
        assert records[f"{side}_{column}"].tolist() == [getattr(query, column) for query in expected[side]]
    for column in ("target_score", "top1_score", "margin"):
        values = [getattr(query, column) for query in expected[side]]
        np.testing.assert_allclose(records[f"{side}_{column}"], values, atol=1e-6)
    images = bench.dataset.images
    assert records[f"{side}_top1_id"].tolist() == [images[query.top1].id for query in expected[side]]


def test_flips_are_those_of_loops(
    result: LoggedEnsemble, expected: dict[str, list[Ranked]], cell: PromptedQueries
) -> None:
    num_queries = len(cell.subset)
    for k in KS:
        pairs = [
            (before.rank <= k, after.rank <= k)
            for before, after in zip(expected["baseline"], expected["ensembled"], strict=True)
        ]
        assert result.flips(k) == _flips(pairs[:num_queries])
        assert result.flips(k, "complement") == _flips(pairs[num_queries:])


def _flips(pairs: list[tuple[bool, bool]]) -> Flips:
    return Flips(*(pairs.count(pair) for pair in ((False, True), (True, False), (True, True), (False, False))))


def test_each_template_alone_is_ranked_as_in_loops(
    result: LoggedEnsemble, cell: PromptedQueries, bench: Workbench
) -> None:
    data = bench.dataset
    gallery = invented.plain_image_rows(data)
    num_queries = len(cell.subset)
    for place, template in enumerate(TEMPLATES.templates):
        ranks = []
        for position in cell.queries:
            text = template.replace("{caption}", data.captions[position].text)
            prompt = invented.plain_text_rows([text])[0]
            ranks.append(ranked([float(np.dot(prompt, item)) for item in gallery], int(data.targets[position])).rank)
        assert result.records[f"template_{place}_rank"].tolist() == ranks
        plain = result.records.baseline_rank.tolist()
        for k in KS:
            pairs = [(before <= k, after <= k) for before, after in zip(plain, ranks, strict=True)]
            assert result.templates_asked[place] == template
            assert result.flips(k, f"template/{place}") == _flips(pairs[:num_queries])
            assert result.flips(k, f"template/{place}/complement") == _flips(pairs[num_queries:])


def test_the_plain_caption_alone_flips_nothing(result: LoggedEnsemble) -> None:
    for k in KS:
        for group in ("template/0", "template/0/complement"):
            assert (result.flips(k, group).fixed, result.flips(k, group).broken) == (0, 0)


def test_categories_add_up_to_the_subset(result: LoggedEnsemble) -> None:
    records = result.records[result.records.part == "subset"]
    assert set(result.category_sizes) == set(records.category)
    for k in KS:
        by_category = {name: result.flips(k, f"category/{name}") for name in result.category_sizes}
        for column in ("fixed", "broken", "still_right", "still_wrong"):
            assert sum(getattr(flips, column) for flips in by_category.values()) == getattr(result.flips(k), column)
        for name, flips in by_category.items():
            rows = records[records.category == name]
            hits = [(rows[f"{side}_rank"] <= k).tolist() for side in ("baseline", "ensembled")]
            assert flips == _flips(list(zip(*hits, strict=True)))
    sizes = list(result.category_sizes.values())
    assert sizes == sorted(sizes, reverse=True)


def test_bounds_follow_from_ties_and_leads(
    result: LoggedEnsemble, expected: dict[str, list[Ranked]], cell: PromptedQueries, pooling: str, bench: Workbench
) -> None:
    data, num_queries = bench.dataset, len(cell.subset)
    gallery = invented.plain_image_rows(data)
    for side in ("baseline", "ensembled"):
        leads: dict[int, list[float]] = {k: [] for k in KS}
        for position in cell.subset.positions:
            text, target = data.captions[position].text, int(data.targets[position])
            used = TEMPLATES.templates if side == "ensembled" else TEMPLATES.templates[:1]
            prompts = invented.plain_text_rows([template.replace("{caption}", text) for template in used])
            scores = pooled_scores(prompts, gallery, pooling)
            rivals = sorted((score for item, score in enumerate(scores) if item != target), reverse=True)
            for k in KS:
                leads[k].append(scores[target] - rivals[k - 1])
        for k in KS:
            queries = expected[side][:num_queries]
            found = {
                name: result.at(f"{side}/{name}", k).value for name in ("if_ties_lose", "if_ties_win", "within_bf16")
            }
            assert found["if_ties_lose"] == sum(query.worst_rank <= k for query in queries)
            assert found["if_ties_win"] == sum(query.best_rank <= k for query in queries)
            is_near = [query.rank <= k and gap < 2**-8 for query, gap in zip(queries, leads[k], strict=True)]
            assert found["within_bf16"] == sum(is_near)


def test_what_a_gain_is_worth_stands_beside_it(result: LoggedEnsemble, cell: PromptedQueries) -> None:
    for k in KS:
        for kind in ("noise", "paraphrase"):
            band = result.at(f"placebo_{kind}", k)
            assert band.low <= band.value <= band.high
            assert 0 < result.at(f"placebo_{kind}/p_at_least", k).value <= 1
        net = result.at("all/net", k)
        assert net.value == pytest.approx(net_of_all(result.flips(k), result.flips(k, "complement"), cell.others))
        assert net.low <= net.value <= net.high
        assert result.at("ceiling", k).value == hit_ceiling(cell.dataset, cell.subset.positions, k=k)
        assert not result.has_flips(k, "without_ambiguous")
        assert not result.has_flips(k, "confirm/queries")
    assert result.how_confirmed is None


def test_the_lenient_score_leaves_ambiguous_queries_out(bench: Workbench, failure_set: FailureSet) -> None:
    doubtful = failure_set.query_ids[:5]
    labels = {
        failure.query_id: Label("Ambiguous", "underspecified") if failure.query_id in doubtful else Label("Object")
        for failure in failure_set.failures
    }
    relabelled = failure_set.relabelled(labels, label_source="by hand")
    cell = cell_of(bench, AllFailures().select(bench.dataset, relabelled))
    result = run_cell(cell, bench, failure_set=relabelled)
    rows = result.records[(result.records.part == "subset") & ~result.records.query_id.isin(doubtful)]
    for k in KS:
        hits = [(rows[f"{side}_rank"] <= k).tolist() for side in ("baseline", "ensembled")]
        assert result.flips(k, "without_ambiguous") == _flips(list(zip(*hits, strict=True)))
        assert result.flips(k).num_units == len(rows) + len(doubtful)
        assert result.flips(k, "category/Object") == result.flips(k, "without_ambiguous")


def test_images_that_were_not_mined_confirm(bench: Workbench, failure_set: FailureSet) -> None:
    subset = CategorySubset(["object", "action"]).select(bench.dataset, failure_set)
    mined = set(bench.dataset.targets[subset.positions])
    confirm = np.flatnonzero([target not in mined and target % 2 == 0 for target in bench.dataset.targets])
    result = run_cell(replace(cell_of(bench, subset), confirm=confirm), bench, failure_set=failure_set)
    ids = {bench.dataset.captions[position].id for position in confirm}
    rows = result.records[result.records.query_id.isin(ids)]
    assert len(rows) == len(confirm)
    for k in KS:
        for part, group in ((rows, "confirm/queries"), (rows[rows.baseline_rank > 1], "confirm/failures")):
            hits = [(part[f"{side}_rank"] <= k).tolist() for side in ("baseline", "ensembled")]
            assert result.flips(k, group) == _flips(list(zip(*hits, strict=True)))
    assert f"{len(confirm)} sampled captions of" in result.how_confirmed


def test_cells_that_share_queries_share_their_baseline(bench: Workbench, failure_set: FailureSet) -> None:
    fresh = replace(bench)
    subset = CategorySubset(["object"]).select(bench.dataset, failure_set)
    for name in ("max", "mean"):
        again = run_cell(cell_of(bench, subset, pooling=POOLINGS[name]), replace(bench), failure_set=failure_set)
        shared = run_cell(cell_of(bench, subset, pooling=POOLINGS[name]), fresh, failure_set=failure_set)
        assert are_equal(shared, again)
        assert shared.records.equals(again.records)


def test_a_cell_says_the_same_whatever_pooling_ran_before_it(bench: Workbench, failure_set: FailureSet) -> None:
    subset = AllFailures().select(bench.dataset, failure_set)
    cells = [cell_of(bench, subset, pooling=pooling) for pooling in POOLINGS.values()]
    forth, back = replace(bench), replace(bench)  # each with nothing kept
    first = [run_cell(cell, forth, failure_set=failure_set) for cell in cells]
    last = [run_cell(cell, back, failure_set=failure_set) for cell in reversed(cells)][::-1]
    for one, other in zip(first, last, strict=True):
        assert are_equal(one, other)
        assert one.records.equals(other.records)


def test_cells_that_differ_in_pooling_read_their_prompts_once(
    bench: Workbench, failure_set: FailureSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    texts = Workbench.texts

    def counted(self: Workbench, wanted: list[str]) -> torch.Tensor:
        asked.append(len(wanted))
        return texts(self, wanted)

    monkeypatch.setattr(Workbench, "texts", counted)
    subset, fresh = AllFailures().select(bench.dataset, failure_set), replace(bench)
    for pooling in POOLINGS.values():
        run_cell(cell_of(bench, subset, pooling=pooling), fresh, failure_set=failure_set)
    assert len(asked) == 2  # the captions and the prompts
    monkeypatch.setattr("misfire.methods.retrieval.ensemble.ensembling._MOST_KEPT_VALUES", 0)
    for pooling in POOLINGS.values():
        run_cell(cell_of(bench, subset, pooling=pooling), fresh, failure_set=failure_set)
    assert len(asked) == 2 + len(POOLINGS)


def test_flips_add_up_to_the_gain(result: LoggedEnsemble, cell: PromptedQueries) -> None:
    for k in KS:
        flips = result.flips(k)
        assert flips.num_units == len(cell.subset) == result.num_queries
        assert result.flips(k, "complement").num_units == len(cell.complement)
        assert flips.net == pytest.approx(result.delta(k) * len(cell.subset))


def test_every_aggregate_follows_from_the_records(result: LoggedEnsemble) -> None:
    subset = result.records[result.records.part == "subset"]
    others = result.records[result.records.part == "complement"]
    for k in KS:
        for rows, flips in ((subset, result.flips(k)), (others, result.flips(k, "complement"))):
            before, after = (rows[f"{side}_rank"] <= k for side in ("baseline", "ensembled"))
            assert flips == Flips(
                int((~before & after).sum()),
                int((before & ~after).sum()),
                int((before & after).sum()),
                int((~before & ~after).sum()),
            )
        hits = [(subset[f"{side}_rank"] <= k).to_numpy() for side in ("baseline", "ensembled")]
        again = paired_bootstrap(
            hits[0],
            hits[1],
            num_replicates=STATISTICS.num_replicates,
            confidence=STATISTICS.confidence,
            rng=np.random.default_rng(STATISTICS.seed),
        )
        gain = result.at("delta", k)
        told = (result.at("delta_mean", k).value, gain.low, gain.high, result.at("p_positive", k).value)
        assert told == (
            again.mean,
            again.low,
            again.high,
            again.p_positive,
        )
        assert (result.replicates[k] == again.replicates).all()


def test_a_record_names_its_query(result: LoggedEnsemble, cell: PromptedQueries, failure_set: FailureSet) -> None:
    records = result.records
    captions = [cell.dataset.captions[position] for position in cell.queries]
    sides = [f"{side}_{column}" for side in ("baseline", "ensembled") for column in COLUMNS]
    alone = [f"template_{place}_rank" for place in range(len(TEMPLATES))]
    assert list(records.columns) == ["query_id", "text_sha256", "image_id", "part", "category", *sides, *alone]
    assert records.query_id.tolist() == [caption.id for caption in captions]
    assert records.text_sha256.tolist() == [sha256_text(caption.text) for caption in captions]
    assert records.image_id.tolist() == [caption.image_id for caption in captions]
    category = {failure.query_id: failure.category for failure in failure_set.failures}
    assert [None if value != value else value for value in records.category] == [
        category.get(caption.id) for caption in captions
    ]
    assert set(records[records.part == "subset"].category) <= {"Object", "Action"}


def test_the_outcome_says_what_the_cell_was(
    result: LoggedEnsemble, cell: PromptedQueries, bench: Workbench, failure_set: FailureSet
) -> None:
    assert (result.subset, result.is_failure_mined) == ("object_action", True)
    assert (result.templates, result.num_templates, result.is_oracle) == ("three", 3, False)
    assert result.pooling == cell.pooling.name
    assert result.tau == getattr(cell.pooling, "tau", None)
    assert (result.backbone, result.dataset) == ("hash", "invented")
    assert result.num_others == len(bench.dataset.captions) - len(cell.subset)
    assert result.failure_counts == {
        name: sum(failure.category == name for failure in failure_set.failures) for name in result.failure_counts
    }
    assert sum(result.failure_counts.values()) == len(failure_set)


def test_one_prompt_that_is_the_caption_changes_nothing(bench: Workbench, failure_set: FailureSet) -> None:
    subset = CategorySubset(["object"]).select(bench.dataset, failure_set)
    alone = replace(cell_of(bench, subset), template_set=TemplateSet("caption_only", ("{caption}",)))
    for pooling in POOLINGS.values():
        found = run_cell(replace(alone, pooling=pooling), bench, failure_set=failure_set)
        for flips in (found.flips(k, group) for k in KS for group in ("", "complement")):
            assert flips.fixed == flips.broken == 0


def test_without_others_their_change_is_undefined_not_zero(bench: Workbench, failure_set: FailureSet) -> None:
    subset = CategorySubset(["object"]).select(bench.dataset, failure_set)
    result = run_cell(cell_of(bench, subset, num_others=0), bench, failure_set=None)
    assert set(result.records.part) == {"subset"}
    assert result.records.category.isna().all()
    assert result.failure_counts == {}
    for group in ("complement/net", "all/net"):
        assert all(math.isnan(result.at(group, k).value) for k in KS)


def test_a_run_repeats_itself_and_touches_the_encoder_for_nothing_new(
    bench: Workbench, failure_set: FailureSet
) -> None:
    subset = CategorySubset(["object"]).select(bench.dataset, failure_set)
    cell = cell_of(bench, subset)
    first = run_cell(cell, bench, failure_set=failure_set)
    fresh = invented.HashEncoder()
    second = run_cell(cell, replace(bench, encoder=fresh), failure_set=failure_set)
    assert fresh.num_encoded == []
    assert are_equal(second, first)
    assert second.records.equals(first.records)
