"""Gains under doubtful labels, against cells of their own and a loop over labellings."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from misfire.cells.lab import Workbench
from misfire.core.errors import UsageError
from misfire.failures import CategorySubset, FailureSet, Label, LabelDoubt, Selection, load_taxonomy
from misfire.methods.retrieval.ensemble.ensembling import ensemble_outcome
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.methods.retrieval.prompted import PromptedQueries
from misfire.methods.retrieval.split import dev_queries
from misfire.methods.retrieval.split import test_queries as held_back
from misfire.metrics import hit_at_k
from misfire.scoring import MeanPooling
from misfire.stats import StatisticsSettings
from tests.methods.retrieval import invented
from tests.methods.retrieval.finished import of_outcome
from tests.methods.retrieval.invented import KS

STATISTICS = StatisticsSettings(num_replicates=4000, confidence=0.9, seed=11)
NAMES = load_taxonomy().names
CATEGORIES = ("Object", "Attribute")


def doubted(failure_set: FailureSet, doubt: float) -> FailureSet:
    """Object and Attribute by turns, each label wrong with the same chance."""
    labels = {query_id: Label(CATEGORIES[place % 2]) for place, query_id in enumerate(failure_set.query_ids)}
    probability: Mapping[int, tuple[float, ...]] = {
        query_id: tuple(1 - doubt if name == label.category else doubt if name in CATEGORIES else 0.0 for name in NAMES)
        for query_id, label in labels.items()
    }
    return failure_set.relabelled(labels, label_source="some", label_doubt=LabelDoubt(NAMES, probability))


def cell_of(bench: Workbench, subset: Selection, *, num_others: int | None = 5) -> PromptedQueries:
    return invented.cell(bench, subset, pooling=MeanPooling(), statistics=STATISTICS, num_others=num_others)


def run_cell(cell: PromptedQueries, bench: Workbench, *, failure_set: FailureSet) -> LoggedEnsemble:
    return LoggedEnsemble(of_outcome("ensemble", ensemble_outcome(cell, bench, failure_set)))


def outcome(
    bench: Workbench, failures: FailureSet, names: tuple[str, ...] = ("Object",), *, num_others: int | None = 5
) -> LoggedEnsemble:
    subset = CategorySubset(names).select(bench.dataset, failures)
    return run_cell(cell_of(bench, subset, num_others=num_others), bench, failure_set=failures)


def width(found: LoggedEnsemble, k: int) -> float:
    noisy = found.at("label_noise", k)
    return noisy.high - noisy.low


def test_without_doubt_the_interval_is_the_plain_one(bench: Workbench, failure_set: FailureSet) -> None:
    found = outcome(bench, doubted(failure_set, 0.0))
    for k in KS:
        noisy, plain = found.at("label_noise", k), found.at("delta", k)
        assert (noisy.low, noisy.high) == (plain.low, plain.high)
        assert found.at("label_noise/deviation", k).value == 0.0
        assert noisy.n == len(failure_set)


def test_it_widens_with_doubt_about_the_labels(bench: Workbench, failure_set: FailureSet) -> None:
    found = [outcome(bench, doubted(failure_set, doubt)) for doubt in (0.0, 0.1, 0.3)]
    widths = {k: [width(one, k) for one in found] for k in KS}
    assert all(first <= second <= third for first, second, third in widths.values())
    assert any(first < second < third for first, second, third in widths.values())


def test_every_labelled_query_takes_part_whatever_the_complement(bench: Workbench, failure_set: FailureSet) -> None:
    """The spread between labellings, drawn query by query from the gains of a cell that asks everybody."""
    failures = doubted(failure_set, 0.3)
    subset = CategorySubset(["Object"]).select(bench.dataset, failures)
    asked = run_cell(cell_of(bench, subset, num_others=None), bench, failure_set=failures)
    records = asked.logged.records.set_index("query_id").loc[list(failures.query_ids)]
    rng = np.random.default_rng(0)
    for k in KS:
        gains = hit_at_k(records["ensembled_rank"].to_numpy(), k=k).astype(int)
        gains -= hit_at_k(records["baseline_rank"].to_numpy(), k=k)
        means = []
        for _ in range(4000):
            own = [
                gain
                for place, gain in enumerate(gains)
                if (rng.random() < 0.3) != (place % 2 == 0)  # an even place is labelled Object
            ]
            means += [np.mean(own)] if own else []
        found = outcome(bench, failures)
        assert found.at("label_noise/deviation", k).value == pytest.approx(np.std(means), rel=0.06, abs=1e-9)
        assert found.at("label_noise", k) == asked.at("label_noise", k)


def test_categories_together_share_their_doubt(bench: Workbench, failure_set: FailureSet) -> None:
    found = outcome(bench, doubted(failure_set, 0.3), CATEGORIES)
    for k in KS:
        noisy, plain = found.at("label_noise", k), found.at("delta", k)
        assert (noisy.low, noisy.high) == (plain.low, plain.high)


def test_no_doubt_no_noise(bench: Workbench, failure_set: FailureSet) -> None:
    found = outcome(bench, replace(doubted(failure_set, 0.1), label_doubt=None))
    assert all(found.find("label_noise", k) is None for k in KS)


def test_a_side_of_a_split_asks_its_own_alone(bench: Workbench, failure_set: FailureSet) -> None:
    subset = CategorySubset(["Object"]).select(bench.dataset, doubted(failure_set, 0.2))
    sides = [make(bench.dataset, dev_share=0.5, seed=1) for make in (dev_queries, held_back)]
    parts = [side.part_of(subset) for side in sides]
    asked = []
    for side, part in zip(sides, parts, strict=True):
        assert part.in_doubt is not None
        assert set(part.in_doubt.positions) <= set(side.positions)
        assert np.array_equal(part.in_doubt.positions[part.in_doubt.is_labelled], part.positions)
        asked += part.in_doubt.positions.tolist()
    assert sorted(asked) == sorted(failure_set.positions(bench.dataset).tolist())


def test_doubt_about_another_subset_is_refused(bench: Workbench, failure_set: FailureSet) -> None:
    failures = doubted(failure_set, 0.1)
    subset = CategorySubset(["Object"]).select(bench.dataset, failures)
    strange = replace(subset, positions=subset.positions[1:])
    with pytest.raises(UsageError, match="label noise must be about the subset's own queries"):
        run_cell(cell_of(bench, strange), bench, failure_set=failures)
