"""What a report says of any search's trials."""

from typing import Any

import pytest

from misfire.cells import Objective
from misfire.cells.searched import Searched, TrialRow
from misfire.cells.searched_figures import pareto_front_figure, search_history
from misfire.cells.searched_part import trials_section, trials_table

GAIN = Objective("gain", "hit", title="gain in hit@{k} (pp)")
BROKEN = Objective("broken", "hit", is_maximised=False, title="broken at {k}")


def trial(number: int, *values: float, **flags: Any) -> TrialRow:
    return TrialRow(number, f"tau={number}", {"pooling.tau": float(number + 1)}, values, **_flags(flags), cell_id="c")


def _flags(flags: dict[str, Any]) -> dict[str, Any]:
    return {"is_on_front": False, "is_winner": False, **flags}


@pytest.fixture
def found() -> Searched:
    trials = (
        trial(0, 1.0, 0.5),
        trial(1, 5.0, 2.0, is_on_front=True, is_winner=True),
        trial(2, 3.0, 0.25, is_on_front=True),
        trial(3, 2.0, 1.0, is_pruned=True),
        trial(4, 9.0, 9.0, is_allowed=False),
    )
    return Searched(trials, (GAIN, BROKEN), 10, 6, {}, None, None, 0, 42, units="queries")  # type: ignore[arg-type]


def test_each_trial_is_a_row_and_a_bound_is_shown_as_one(found: Searched) -> None:
    table = trials_table(found, of_beaten="They count.")
    shown = [[entry.text for entry in row[:5]] for row in table.rows]
    assert shown[1] == ["1", "tau=1", "5.00", "2.00", "winner"]
    assert shown[3] == ["3", "tau=3", "≤ 2.00", "≥ 1.00", "pruned"]
    assert shown[4][-1] == "not allowed"
    assert [column.header for column in table.columns[2:4]] == ["gain in hit@10 (pp)", "broken at 10"]
    assert table.note.startswith("All numbers are of dev queries. 1 of 5 trials were cut short:")
    assert table.note.endswith(" They count.")


def test_the_front_stands_alone_with_the_best_first(found: Searched) -> None:
    assert [row[0].text for row in trials_table(found, front_only=True).rows] == ["1", "2"]


def test_the_best_so_far_never_falls(found: Searched) -> None:
    (step, *_) = search_history(found.trials, GAIN, 10, units="queries").figure.axes[0].lines
    heights = list(step.get_ydata())
    assert heights == sorted(heights)


def test_the_front_is_a_staircase(found: Searched) -> None:
    drawn = pareto_front_figure(found.trials, found.objectives, 10, units="queries")
    assert drawn is not None
    assert any(line.get_drawstyle() == "steps-post" for line in drawn.figure.axes[0].lines)


def test_a_search_s_section_draws_what_was_searched(found: Searched) -> None:
    section = trials_section(found)
    assert [table.name for table in section.tables] == ["front", "trials"]
    assert [one.name for one in section.illustrations] == ["search_history", "pareto_front", "search_pooling_tau"]


def test_who_leads_is_said_while_trials_are_missing(found: Searched) -> None:
    assert found.sentence() == (
        "No answer yet: 5 of 6 trials are finished, and the winner is read on test when all are. "
        "So far tau=1 (trial 1) leads on dev. 1 of 5 trials were cut short by a bound that others beat."
    )
