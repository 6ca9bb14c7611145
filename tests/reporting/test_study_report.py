"""A study's report: its numbers are the trials' and the verdict's, and nothing is there that was not."""

import csv
from pathlib import Path

import pytest

from misfire.core.errors import UsageError
from misfire.methods.retrieval.flips import Flips
from misfire.methods.retrieval.search.figure import search_history
from misfire.methods.retrieval.search.honesty import Verdict
from misfire.methods.retrieval.search.objective import objective_named
from misfire.methods.retrieval.search.study_report import write_study_report
from misfire.methods.retrieval.search.study_tables import trials_table, verdict_table
from misfire.methods.retrieval.search.trial_row import TrialRow
from misfire.reporting.table import to_markdown
from tests.evaluation.outcomes import cutoff, outcome

OBJECTIVES = tuple(objective_named(name, k=5) for name in ("gain", "broken"))


def trial(number: int, *values: float, tau: float | None = None, **marks: bool) -> TrialRow:
    setting = {"pooling": "max"} if tau is None else {"pooling": "logmeanexp", "pooling.tau": tau}
    flags = {"is_on_front": False, "is_winner": False, **marks}
    return TrialRow(number, f"setting {number}", setting, values, cell_id=f"{number}" * 64, **flags)


TRIALS = [
    trial(0, 10.0, 2.0, is_on_front=True),
    trial(1, 20.0, 4.0, tau=0.01, is_on_front=True, is_winner=True),
    trial(2, 20.0, 4.0, tau=0.1, is_on_front=True),
    trial(3, 5.0, 9.0),
]
VERDICT = Verdict(
    dev=outcome(cutoff(5, subset=Flips(10, 2, 0, 8))),
    test=outcome(cutoff(5, subset=Flips(6, 4, 3, 7), others=Flips(0, 0, 0, 0))),
    k=5,
    num_settings=4,
    p_selected=0.25,
    num_looks=1,
)


def write(folder: Path, trials: list[TrialRow], verdict: Verdict | None, num_objectives: int = 2) -> list[Path]:
    return write_study_report(
        [],
        trials,
        folder,
        title="A <study>",
        question="Does it?",
        decision_rule="It does.",
        answer="No.",
        objectives=OBJECTIVES[:num_objectives],
        verdict=verdict,
    )


def test_everything_is_written_and_twice_the_same(tmp_path: Path) -> None:
    first, second = (write(tmp_path / name, TRIALS, VERDICT) for name in "ab")
    names = {path.relative_to(tmp_path / "a").as_posix() for path in first}
    assert {f"tables/{name}.csv" for name in ("verdict", "front", "trials")} <= names
    figures = ("search_history", "pareto_front", "search_pooling_tau")
    assert {f"figures/{name}.png" for name in figures} <= names
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert "A &lt;study&gt;" in (tmp_path / "a" / "report.html").read_text()


def test_one_objective_has_no_front_and_a_study_on_its_way_no_verdict(tmp_path: Path) -> None:
    single = [trial(0, 10.0), trial(1, 20.0, is_on_front=True, is_winner=True)]
    names = {path.name for path in write(tmp_path, single, None, num_objectives=1)}
    assert {"trials.csv", "search_history.png"} <= names
    assert not names & {"verdict.csv", "front.csv", "pareto_front.png", "search_pooling_tau.png"}


def test_the_verdict_says_both_sides() -> None:
    table = verdict_table(VERDICT)
    dev, test = ([cell.text for cell in row] for row in table.rows)
    assert dev[:5] == ["dev, chosen here", "20", "10.00", "50.00", "+40.00"]
    assert test[:5] == ["test, held back", "20", "35.00", "45.00", "+10.00"]
    assert (dev[6], test[6]) == ("0.250", "0.754")
    assert test[7:] == ["0", *"\N{EN DASH}" * 3]  # nobody was asked: not 0 broken
    assert "adjusted for 4 settings" in table.note
    assert "less that on test: +30.00 pp" in table.note


def test_the_front_has_equal_values_once_and_the_list_every_trial(tmp_path: Path) -> None:
    front = trials_table(TRIALS, OBJECTIVES, front_only=True)
    assert [row[0].text for row in front.rows] == ["1", "0"]
    write(tmp_path, TRIALS, VERDICT)
    with (tmp_path / "tables" / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(int(row["trial"]), float(row["gain"]), float(row["broken"])) for row in rows] == [
        (one.number, *one.values) for one in TRIALS
    ]
    assert "| 1 | setting 1 | 20.00 | 4.00 | winner |" in to_markdown(trials_table(TRIALS, OBJECTIVES))


def test_a_trial_that_was_cut_short_is_shown_as_a_bound(tmp_path: Path) -> None:
    trials = [*TRIALS, trial(4, 15.0, 5.0, tau=0.2, is_pruned=True)]
    table = trials_table(trials, OBJECTIVES)
    assert "| 4 | setting 4 | ≤ 15.00 | ≥ 5.00 | pruned |" in to_markdown(table)
    assert "1 of 5 trials were cut short" in table.note
    assert "cut short" not in trials_table(TRIALS, OBJECTIVES).note
    assert "cut short" not in trials_table(trials, OBJECTIVES, front_only=True).note
    write(tmp_path / "cut", trials, VERDICT)
    write(tmp_path / "whole", TRIALS, VERDICT)
    with (tmp_path / "cut" / "tables" / "trials.csv").open() as file:
        last = list(csv.DictReader(file))[-1]
    assert (last["gain"], last["broken"], last["is_pruned"]) == ("15.0", "5.0", "True")
    for name in ("search_history", "pareto_front", "search_pooling_tau"):
        cut, whole = ((tmp_path / study / "figures" / f"{name}.svg").read_text() for study in ("cut", "whole"))
        assert ("cut short: at best" in cut, "cut short: at best" in whole) == (True, False)
    page = (tmp_path / "cut" / "report.html").read_text()
    assert page.count("An empty mark is the best that a trial may be that was cut short.") == 3


def test_a_bound_is_no_best_so_far() -> None:
    trials = [*TRIALS, trial(4, 99.0, 5.0, is_pruned=True)]
    (step, *_) = search_history(trials, OBJECTIVES[0]).figure.axes[0].lines
    assert list(step.get_ydata()) == [10.0, 20.0, 20.0, 20.0]


def test_no_trial_makes_no_report(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a study's report needs finished trials, got none;"):
        write(tmp_path, [], None)
    assert list(tmp_path.iterdir()) == []
