import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from misfire.cells.pareto import pareto_front, winner
from misfire.core.errors import UsageError

ROWS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=12)


@given(rows=ROWS, more=st.tuples(st.booleans(), st.booleans()))
def test_the_front_is_optunas(rows: list[tuple[int, int]], more: tuple[bool, bool]) -> None:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(directions=["maximize" if one else "minimize" for one in more])
    study.add_trials([optuna.trial.create_trial(values=list(map(float, row))) for row in rows])
    assert pareto_front(rows, is_maximised=more) == sorted(trial.number for trial in study.best_trials)


@given(rows=ROWS, more=st.tuples(st.booleans(), st.booleans()))
def test_the_winner_stands_on_the_front_and_leads_the_first_objective(
    rows: list[tuple[int, int]], more: tuple[bool, bool]
) -> None:
    place = winner(rows, is_maximised=more)
    assert place in pareto_front(rows, is_maximised=more)
    best = max if more[0] else min
    assert rows[place][0] == best(row[0] for row in rows)
    assert rows.index(rows[place]) == place


def test_of_every_order_the_same_values_win() -> None:
    rows = [(5.0, 2.0), (5.0, 1.0), (4.0, 0.0)]
    for order in itertools.permutations(rows):
        assert order[winner(order, is_maximised=[True, False])] == (5.0, 1.0)


def test_no_trial_has_no_winner() -> None:
    with pytest.raises(UsageError, match=r"a winner needs finished trials, got none; run the search first."):
        winner([], is_maximised=[True])
