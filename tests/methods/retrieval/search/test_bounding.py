"""Bounds against all that the queries that weren't asked may become, and pruned cells against whole runs."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from misfire.cells import Estimates, Objective, Workbench
from misfire.cells.pareto import beats
from misfire.failures import AllFailures, FailureSet
from misfire.methods.retrieval.ensemble.ensembling import ensemble_outcome
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.methods.retrieval.prompted import PromptedQueries, complement_sample
from misfire.methods.retrieval.search import bounding
from misfire.methods.retrieval.search.bounding import best_and_worst, bound_outcome
from misfire.methods.retrieval.search.objectives import OBJECTIVES as KNOWN
from misfire.methods.retrieval.search.objectives import HitObjective
from misfire.metrics import hit_at_k
from misfire.prompts import TemplateSet
from misfire.scoring import LogMeanExpPooling, MaxPooling, MeanPooling, PromptPooling
from misfire.stats import StatisticsSettings
from tests.methods.retrieval.finished import of_outcome

NAMES = ("gain", "hits", "broken", "net")
OBJECTIVES = [KNOWN[name] for name in NAMES]
IS_MAXIMISED = [objective.is_maximised for objective in OBJECTIVES]
HITS = st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=3, max_size=7)


def values(found: Estimates, objectives: Sequence[Objective] = OBJECTIVES, *, k: int = 1) -> tuple[float, ...]:
    return tuple(objective.of(found, k=k) for objective in objectives)


def bounds_of(**asked: Any) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The objectives in the best case and in the worst."""
    best, worst = best_and_worst(**asked, k=1)
    return values(best), values(worst)


def counted(before: Sequence[bool], after: Sequence[bool], num_subset: int, num_others: int) -> list[float]:
    """Gain, hits, broken and net, query by query."""
    gain = sum(int(new) - int(old) for old, new in zip(before[:num_subset], after[:num_subset], strict=True))
    others = list(zip(before[num_subset:], after[num_subset:], strict=True))
    broken = sum(old and not new for old, new in others)
    net = sum(int(new) - int(old) for old, new in others)
    return [
        100 * gain / num_subset,
        100 * sum(after[:num_subset]) / num_subset,
        100 * broken / len(others),
        100 * (gain + num_others * net / len(others)) / (num_subset + num_others),
    ]


@given(rows=HITS, num_subset=st.integers(1, 2), num_others=st.integers(5, 90))
def test_the_bounds_are_the_best_and_the_worst_of_all_that_may_come(
    rows: list[tuple[bool, bool, bool]], num_subset: int, num_others: int
) -> None:
    before, after, asked = (np.array(column) for column in zip(*rows, strict=True))
    found_best, found_worst = bounds_of(
        before=before, after=after, is_asked=asked, num_subset=num_subset, num_others=num_others
    )
    possible = []
    for completion in itertools.product((False, True), repeat=int((~asked).sum())):
        whole = after.copy()
        whole[~asked] = completion
        possible.append(counted(before.tolist(), whole.tolist(), num_subset, num_others))
    columns = [list(column) for column in zip(*possible, strict=True)]
    best = [max(column) if more else min(column) for column, more in zip(columns, IS_MAXIMISED, strict=True)]
    worst = [min(column) if more else max(column) for column, more in zip(columns, IS_MAXIMISED, strict=True)]
    assert found_best == pytest.approx(best)
    assert found_worst == pytest.approx(worst)


@given(rows=HITS, place=st.integers(0, 6))
def test_a_query_more_never_widens_the_bounds(rows: list[tuple[bool, bool, bool]], place: int) -> None:
    before, after, asked = (np.array(column) for column in zip(*rows, strict=True))
    more = asked | (np.arange(len(asked)) == place)
    wide, narrow = (
        bounds_of(before=before, after=after, is_asked=one, num_subset=1, num_others=7) for one in (asked, more)
    )
    assert not beats(narrow[0], wide[0], is_maximised=IS_MAXIMISED)
    assert not beats(wide[1], narrow[1], is_maximised=IS_MAXIMISED)
    signs = np.where(IS_MAXIMISED, 1, -1)
    assert (signs * np.subtract(wide[0], narrow[0]) >= 0).all()  # to the last bit: the same sums of counts
    assert (signs * np.subtract(narrow[1], wide[1]) >= 0).all()


@given(ranks=st.lists(st.integers(1, 9), max_size=12), k=st.integers(1, 9))
def test_what_an_objective_does_not_ask_about_cannot_change_it(ranks: list[int], k: int) -> None:
    """Any outcome of the other queries that are no concern of an objective leaves its number alone."""
    baseline = np.array(ranks, dtype=np.int64)
    before = np.concatenate([[True], hit_at_k(baseline, k=k)])
    for objective in (KNOWN[name] for name in NAMES):
        telling = telling_of(objective, baseline, k=k)
        assert len(set(telling.tolist())) == len(telling)
        idle = np.setdiff1d(np.arange(len(baseline)), telling)
        lost, won = np.ones(len(before), dtype=bool), np.ones(len(before), dtype=bool)
        lost[1 + idle] = False
        if len(baseline) or objective.name in ("gain", "hits"):
            asked = {"before": before, "is_asked": np.ones(len(before), dtype=bool), "num_subset": 1, "num_others": 50}
            numbers = {objective.of(best_and_worst(**asked, after=one, k=k)[0], k=k) for one in (lost, won)}
            assert len(numbers) == 1


def telling_of(objective: Objective, baseline: np.ndarray, *, k: int) -> np.ndarray:
    assert isinstance(objective, HitObjective)
    return objective.telling(baseline, k)


def test_hits_that_hang_by_a_thread_are_asked_first_and_hopeless_misses_too() -> None:
    baseline = np.array([1, 4, 9, 3, 5, 2])
    assert telling_of(KNOWN["broken"], baseline, k=3).tolist() == [3, 5, 0]
    assert telling_of(KNOWN["net"], baseline, k=3).tolist() == [2, 4, 1, 3, 5, 0]
    assert not len(telling_of(KNOWN["gain"], baseline, k=3))


def cell_of(bench: Workbench, failure_set: FailureSet, pooling: PromptPooling, *templates: str) -> PromptedQueries:
    subset = AllFailures().select(bench.dataset, failure_set)
    return PromptedQueries(
        dataset=bench.dataset,
        backbone_fingerprint=bench.encoder.fingerprint,
        subset=subset,
        complement=complement_sample(len(bench.dataset.captions), subset.positions, num_queries=None, seed=1),
        template_set=TemplateSet("some", ("{caption}", *templates)),
        pooling=pooling,
        ks=(1, 3),
        statistics=StatisticsSettings(num_replicates=100, confidence=0.9, seed=11),
    )


@pytest.fixture(scope="module")
def cells(bench: Workbench, failure_set: FailureSet) -> list[PromptedQueries]:
    wrappers = ("a photo of {caption}", "what is shown: {caption}", "noise {caption} noise")
    return [
        *(cell_of(bench, failure_set, MaxPooling(), wrapper) for wrapper in wrappers),
        cell_of(bench, failure_set, MeanPooling(), *wrappers),
        cell_of(bench, failure_set, LogMeanExpPooling(tau=0.05), *wrappers),
    ]


@pytest.fixture(scope="module")
def whole(cells: list[PromptedQueries], bench: Workbench, failure_set: FailureSet) -> list[LoggedEnsemble]:
    return [LoggedEnsemble(of_outcome("ensemble", ensemble_outcome(cell, bench, failure_set))) for cell in cells]


def goals(*names: str) -> list[Objective]:
    return [KNOWN[name] for name in names]


@pytest.mark.parametrize("names", [("gain",), ("net",), ("gain", "broken"), ("hits", "net"), ("broken", "net")])
@pytest.mark.parametrize("k", [1, 3])
def test_what_is_pruned_is_beaten_and_its_bound_is_no_worse_than_the_truth(
    cells: list[PromptedQueries],
    whole: list[LoggedEnsemble],
    bench: Workbench,
    names: tuple[str, ...],
    k: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every cell against the values of every other one, which whole runs tell; a tie is no certain miss."""
    monkeypatch.setattr(bounding, "_AT_ONCE", 2)
    objectives = goals(*names)
    more = [objective.is_maximised for objective in objectives]
    truth = [values(one.logged.estimates, objectives, k=k) for one in whole]
    num_pruned, num_early = 0, 0
    for cell, own, result in zip(cells, truth, whole, strict=True):
        records = result.logged.records
        sides = [(records[column] <= k).tolist() for column in ("baseline_rank", "ensembled_best_rank")]
        numbers = dict(zip(NAMES, counted(*sides, len(cell.subset), cell.others), strict=True))
        if_ties_win = tuple(numbers[name] for name in names)
        for rival in {*truth, tuple(value + (1 if up else -1) for value, up in zip(own, more, strict=True))}:
            found = bound_outcome(cell, bench, objectives, [rival], k=k)
            assert (found is not None) == beats(rounded(rival), rounded(if_ties_win), is_maximised=more)
            if found is None:
                continue
            assert beats(rival, own, is_maximised=more)
            assert (np.where(more, 1, -1) * np.subtract(values(found.estimates, objectives, k=k), own) >= 0).all()
            subset = records[records["part"] == "subset"]
            assert subset[list(found.records)].reset_index(drop=True).equals(found.records)
            num_pruned += 1
            num_early += found.facts["num_others_asked"] < len(cell.complement)
    assert num_pruned > 2
    assert num_early > 0


def rounded(values: tuple[float, ...]) -> tuple[float, ...]:
    """Sums in another order differ in the last bit."""
    return tuple(round(value, 9) for value in values)


def test_a_subset_that_decides_spares_the_others(
    cells: list[PromptedQueries], bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    original = bounding.ensemble_outcomes

    def counted_outcomes(prompts: object, *rest: object) -> object:
        asked.append(len(prompts))  # type: ignore[arg-type]
        return original(prompts, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(bounding, "ensemble_outcomes", counted_outcomes)
    cell = cells[0]
    found = bound_outcome(cell, bench, goals("gain", "broken"), [(1000.0, 0.0)], k=3)
    assert found is not None
    assert (found.facts["num_others_asked"], asked) == (0, [len(cell.subset)])
    asked.clear()
    assert (
        bound_outcome(cell, bench, goals("gain", "broken"), [(-1000.0, 0.0)], k=3) is None
    )  # a rival that can't beat it
    assert asked == [len(cell.subset)]
    asked.clear()
    assert bound_outcome(cell, bench, goals("gain", "broken"), [], k=3) is None
    assert asked == []


def test_a_miss_within_rounding_is_no_reason_to_prune(
    cells: list[PromptedQueries], whole: list[LoggedEnsemble], bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If scores could be off by anything, every miss might be a hit, and only a perfect rival could beat that."""
    objectives = goals("hits")
    value = objectives[0].of(whole[0].logged.estimates, k=3)
    assert value < 90
    assert bound_outcome(cells[0], bench, objectives, [(99.0,)], k=3) is not None
    monkeypatch.setattr(bounding, "_ROUNDING", 10.0)
    assert bound_outcome(cells[0], bench, objectives, [(99.0,)], k=3) is None


def test_bounds_of_all_queries_are_the_values() -> None:
    everything = np.ones(4, dtype=bool)
    found = bounds_of(before=~everything, after=everything, is_asked=everything, num_subset=2, num_others=2)
    assert found == ((100.0, 100.0, 0.0, 100.0), (100.0, 100.0, 0.0, 100.0))
