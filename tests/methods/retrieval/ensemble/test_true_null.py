"""Reports of sweeps whose truth is known: equals are called no gain, however they are looked at, and a gain is.

How often exactly, with its interval, is for ``benchmarks/reports_under_the_null.py`` to say.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom  # type: ignore[import-untyped]

import misfire.cells.comparison
from misfire.cells import Question
from misfire.methods.retrieval.ensemble.report_part import ensemble_part
from misfire.stats import max_t
from tests.methods.retrieval.ensemble.simulated_sweeps import (
    CLAIMS,
    Design,
    K,
    claims,
    meets_rule,
    said_of,
    simulated_sweep,
    without_choice,
)
from tests.methods.retrieval.ensemble.written_report import NoData, write_report

NUM_SWEEPS = 8
DRAWN = Design(40, num_queries=300, num_asked=20, num_images=100, is_net_stored=False)
MINED = Design(3, num_queries=60, mined_beyond=K, ease=1.0)
FEW_OTHERS = Design(2, num_queries=1000, num_asked=20, mined_beyond=K, ease=1.5)


def most(num_sweeps: int) -> int:
    """More sweeps than this with a claim are seen in one of 200 runs, if 5 % of sweeps have one."""
    return int(binom.ppf(0.995, num_sweeps, 0.05))


def claimed(design: Design, seed: int, *, is_choice_known: bool = True) -> list[set[str]]:
    """In which ways each sweep's report calls a gain."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(NUM_SWEEPS):
        sweep = simulated_sweep(rng, design)
        shown = sweep if is_choice_known else without_choice(sweep)
        found.append(claims(said_of(shown, num_swaps=99, rng=rng)))
    return found


def one_by_one(before: np.ndarray, after: np.ndarray, **options: Any) -> np.ndarray:
    """Each cell's p-value as if it were the only one."""
    return np.array([max_t(b, a[None], **options)[0] for b, a in zip(before, after, strict=True)])


def test_a_sweep_of_equals_is_seldom_called_a_gain_and_without_correction_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(4)
    sweeps = [simulated_sweep(rng, DRAWN) for _ in range(10)]
    corrected = [claims(said_of(sweep, num_swaps=99, rng=rng)) for sweep in sweeps]
    assert sum(map(bool, corrected)) <= most(10)
    monkeypatch.setattr(misfire.cells.comparison, "max_t", one_by_one)
    naive = [claims(said_of(sweep, num_swaps=99, rng=rng)) for sweep in sweeps]
    assert sum(map(bool, naive)) > most(10)
    assert set().union(*naive) == set(CLAIMS)  # in every way that a report has


def test_equals_on_mined_failures_are_called_no_gain() -> None:
    assert sum(map(bool, claimed(MINED, 2))) <= most(NUM_SWEEPS)


def test_whoever_hides_that_failures_were_mined_is_fooled() -> None:
    assert sum(map(bool, claimed(MINED, 2, is_choice_known=False))) == NUM_SWEEPS


def test_where_few_others_were_asked_the_rule_alone_is_fooled_and_the_report_is_not() -> None:
    rng = np.random.default_rng(3)
    sweeps = [simulated_sweep(rng, FEW_OTHERS) for _ in range(NUM_SWEEPS)]
    by_rule = sum(any(meets_rule(one) for one in sweep) for sweep in sweeps)
    assert by_rule > NUM_SWEEPS / 3
    assert sum(bool(claims(said_of(sweep, num_swaps=99, rng=rng))) for sweep in sweeps) <= most(NUM_SWEEPS)


@pytest.mark.parametrize("mined_beyond", [0, 1])
def test_cells_that_are_better_are_called_so(mined_beyond: int) -> None:
    design = Design(2, mined_beyond=mined_beyond, lift=0.8)
    found = claimed(design, 4)
    assert sum(ways == set(CLAIMS) for ways in found) >= 0.8 * NUM_SWEEPS


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("lift", [0.0, 1.2])
def test_the_written_report_claims_what_its_words_do(tmp_path: Path, lift: float) -> None:
    sweep = simulated_sweep(np.random.default_rng(5), Design(6, lift=lift))
    abstract = {"title": "Equal?", "question": "Is any better?", "decision_rule": "As written."}
    question = Question("x", "Equal?", "Is any better?", "As written.", K, 5, NoData())
    answer = ensemble_part([one.logged for one in sweep], question).answer
    write_report(sweep, {}, tmp_path, **abstract, answer=answer)
    assert claims((tmp_path / "report.md").read_text()) == (set(CLAIMS) if lift else set())
