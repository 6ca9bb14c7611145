"""Bounds against all that the queries that weren't asked may become, and pruned cells against whole runs."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from misfire.cells.lab import Workbench
from misfire.cells.pareto import beats
from misfire.core.errors import UsageError
from misfire.failures import AllFailures, FailureSet
from misfire.methods.retrieval.ensemble.cell import Cell, complement_sample
from misfire.methods.retrieval.ensemble.ensembling import run_cell
from misfire.methods.retrieval.ensemble.outcome import CellResult
from misfire.methods.retrieval.flips import flip_ledger
from misfire.methods.retrieval.search import pruning
from misfire.methods.retrieval.search.objective import Objective, objective_named
from misfire.methods.retrieval.search.pruning import Bounds, bounds_of, prune
from misfire.prompts import TemplateSet
from misfire.scoring import LogMeanExpPooling, MaxPooling, MeanPooling, PromptPooling
from misfire.stats import StatisticsSettings

NAMES = ("gain", "hits", "broken", "net")
OBJECTIVES = [objective_named(name, k=1) for name in NAMES]
IS_MAXIMISED = [objective.is_maximised for objective in OBJECTIVES]
HITS = st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=3, max_size=7)


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
    bounds = bounds_of(
        OBJECTIVES, before=before, after=after, is_asked=asked, num_subset=num_subset, num_others=num_others
    )
    possible = []
    for completion in itertools.product((False, True), repeat=int((~asked).sum())):
        whole = after.copy()
        whole[~asked] = completion
        possible.append(counted(before.tolist(), whole.tolist(), num_subset, num_others))
    columns = [list(column) for column in zip(*possible, strict=True)]
    best = [max(column) if more else min(column) for column, more in zip(columns, IS_MAXIMISED, strict=True)]
    worst = [min(column) if more else max(column) for column, more in zip(columns, IS_MAXIMISED, strict=True)]
    assert bounds.best == pytest.approx(best)
    assert bounds.worst == pytest.approx(worst)


@given(rows=HITS, place=st.integers(0, 6))
def test_a_query_more_never_widens_the_bounds(rows: list[tuple[bool, bool, bool]], place: int) -> None:
    before, after, asked = (np.array(column) for column in zip(*rows, strict=True))
    more = asked | (np.arange(len(asked)) == place)
    wide, narrow = (
        bounds_of(OBJECTIVES, before=before, after=after, is_asked=one, num_subset=1, num_others=7)
        for one in (asked, more)
    )
    assert not beats(narrow.best, wide.best, is_maximised=IS_MAXIMISED)
    assert not beats(wide.worst, narrow.worst, is_maximised=IS_MAXIMISED)
    signs = np.where(IS_MAXIMISED, 1, -1)
    assert (signs * np.subtract(wide.best, narrow.best) >= 0).all()  # to the last bit: the same sums of counts
    assert (signs * np.subtract(narrow.worst, wide.worst) >= 0).all()


@given(ranks=st.lists(st.integers(1, 9), max_size=12), k=st.integers(1, 9))
def test_what_an_objective_does_not_ask_about_cannot_change_it(ranks: list[int], k: int) -> None:
    """Any outcome of the other queries that are no concern of an objective leaves its number alone."""
    baseline = np.array(ranks, dtype=np.int64)
    for objective in (objective_named(name, k=k) for name in NAMES):
        telling = objective.telling(baseline)
        assert len(set(telling.tolist())) == len(telling)
        idle = np.setdiff1d(np.arange(len(baseline)), telling)
        lost, won = np.full(len(baseline), 1), np.full(len(baseline), 1)
        lost[idle] = 10
        subset = flip_ledger(np.array([1]), np.array([1]), k=k)
        if len(baseline) or objective.name in ("gain", "hits"):
            numbers = {objective.of(subset, flip_ledger(baseline, one, k=k), 50) for one in (lost, won)}
            assert len(numbers) == 1


def test_hits_that_hang_by_a_thread_are_asked_first_and_hopeless_misses_too() -> None:
    baseline = np.array([1, 4, 9, 3, 5, 2])
    assert objective_named("broken", k=3).telling(baseline).tolist() == [3, 5, 0]
    assert objective_named("net", k=3).telling(baseline).tolist() == [2, 4, 1, 3, 5, 0]
    assert not len(objective_named("gain", k=3).telling(baseline))


def cell_of(bench: Workbench, failure_set: FailureSet, pooling: PromptPooling, *templates: str) -> Cell:
    subset = AllFailures().select(bench.dataset, failure_set)
    return Cell(
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
def cells(bench: Workbench, failure_set: FailureSet) -> list[Cell]:
    wrappers = ("a photo of {caption}", "what is shown: {caption}", "noise {caption} noise")
    return [
        *(cell_of(bench, failure_set, MaxPooling(), wrapper) for wrapper in wrappers),
        cell_of(bench, failure_set, MeanPooling(), *wrappers),
        cell_of(bench, failure_set, LogMeanExpPooling(tau=0.05), *wrappers),
    ]


@pytest.fixture(scope="module")
def whole(cells: list[Cell], bench: Workbench, failure_set: FailureSet) -> list[CellResult]:
    return [run_cell(cell, bench, failure_set=failure_set) for cell in cells]


def goals(*names: str, k: int = 3) -> list[Objective]:
    return [objective_named(name, k=k) for name in names]


@pytest.mark.parametrize("names", [("gain",), ("net",), ("gain", "broken"), ("hits", "net"), ("broken", "net")])
@pytest.mark.parametrize("k", [1, 3])
def test_what_is_pruned_is_beaten_and_its_bound_is_no_worse_than_the_truth(
    cells: list[Cell],
    whole: list[CellResult],
    bench: Workbench,
    names: tuple[str, ...],
    k: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every cell against the values of every other one, which whole runs tell; a tie is no certain miss."""
    monkeypatch.setattr(pruning, "_AT_ONCE", 2)
    objectives = goals(*names, k=k)
    more = [objective.is_maximised for objective in objectives]
    truth = [tuple(objective(one.outcome) for objective in objectives) for one in whole]
    num_pruned, num_early = 0, 0
    for cell, values, result in zip(cells, truth, whole, strict=True):
        records = result.records
        sides = [(records[column] <= k).tolist() for column in ("baseline_rank", "ensembled_best_rank")]
        numbers = dict(zip(NAMES, counted(*sides, len(cell.subset), cell.others), strict=True))
        if_ties_win = tuple(numbers[name] for name in names)
        for rival in {*truth, tuple(value + (1 if up else -1) for value, up in zip(values, more, strict=True))}:
            found = prune(cell, bench, objectives, [rival])
            assert (found is not None) == beats(rounded(rival), rounded(if_ties_win), is_maximised=more)
            if found is None:
                continue
            assert beats(rival, values, is_maximised=more)
            assert (np.where(more, 1, -1) * np.subtract(found.bound, values) >= 0).all()
            assert found.rival == rival
            subset = records[records["part"] == "subset"]
            assert subset[list(found.records)].reset_index(drop=True).equals(found.records)
            num_pruned += 1
            num_early += found.num_asked < len(cell.complement)
    assert num_pruned > 2
    assert num_early > 0


def rounded(values: tuple[float, ...]) -> tuple[float, ...]:
    """Sums in another order differ in the last bit."""
    return tuple(round(value, 9) for value in values)


def test_a_subset_that_decides_spares_the_others(
    cells: list[Cell], bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    original = pruning.ensemble_outcomes

    def counted_outcomes(prompts: object, *rest: object) -> object:
        asked.append(len(prompts))  # type: ignore[arg-type]
        return original(prompts, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(pruning, "ensemble_outcomes", counted_outcomes)
    cell = cells[0]
    found = prune(cell, bench, goals("gain", "broken"), [(1000.0, 0.0)])
    assert found is not None
    assert (found.num_asked, asked) == (0, [len(cell.subset)])
    asked.clear()
    assert prune(cell, bench, goals("gain", "broken"), [(-1000.0, 0.0)]) is None  # a rival that can't beat it
    assert asked == [len(cell.subset)]
    asked.clear()
    assert prune(cell, bench, goals("gain", "broken"), []) is None
    assert asked == []


def test_a_miss_within_rounding_is_no_reason_to_prune(
    cells: list[Cell], whole: list[CellResult], bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If scores could be off by anything, every miss might be a hit, and only a perfect rival could beat that."""
    objectives = goals("hits")
    value = objectives[0](whole[0].outcome)
    assert value < 90
    assert prune(cells[0], bench, objectives, [(99.0,)]) is not None
    monkeypatch.setattr(pruning, "_ROUNDING", 10.0)
    assert prune(cells[0], bench, objectives, [(99.0,)]) is None


def test_objectives_at_two_cut_offs_have_no_bound(cells: list[Cell], bench: Workbench) -> None:
    with pytest.raises(UsageError, match=r"a bound must be at one cut-off, got objectives at \[1, 3\]; decide by one"):
        prune(cells[0], bench, [objective_named("gain", k=1), objective_named("net", k=3)], [(1.0, 1.0)])


def test_bounds_of_all_queries_are_the_values() -> None:
    everything = np.ones(4, dtype=bool)
    found = bounds_of(OBJECTIVES, before=~everything, after=everything, is_asked=everything, num_subset=2, num_others=2)
    assert found == Bounds(best=(100.0, 100.0, 0.0, 100.0), worst=(100.0, 100.0, 0.0, 100.0))
