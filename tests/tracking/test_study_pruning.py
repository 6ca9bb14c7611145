"""Studies whose beaten trials are cut short, with an invented objective: the same study, for less."""

from pathlib import Path

import pytest

from misfire.cells.pareto import beats, pareto_front, winner
from misfire.tracking import SAMPLERS, Study, Trial, TrialResult
from tests.tracking.test_study import plan, result

MORE = (True, False)


def pruned_result(study: Study, trial: Trial, *, prune: bool = True) -> TrialResult:
    """What the setting gives, or, where a rival beats it, the best that it may be: as good as the rival elsewhere."""
    whole = result(trial)
    values = whole.values or ()
    for rival in study.rivals(trial.number):
        if beats(rival, values, is_maximised=MORE):
            bound = (values[0], rival[1] if rival[0] > values[0] else values[1])
            return TrialResult(None if prune else values, "cell", "told", bound=bound, rival=rival)
    return whole


def work(study: Study, *, prune: bool = True, stop_after: int | None = None) -> None:
    done = 0
    while True:
        with study.taken() as held:
            for trial in held:
                if done == stop_after:
                    return
                study.tell(trial.number, pruned_result(study, trial, prune=prune))
                done += 1
        if not held:
            return


def told(study: Study) -> list[tuple[object, ...]]:
    return [
        (one.number, dict(one.setting), one.values, one.bound, one.rival) for one in study.trials() if one.is_settled
    ]


@pytest.mark.parametrize("sampler", list(SAMPLERS))
def test_pruning_changes_neither_settings_nor_front_nor_winner(sampler: str, tmp_path: Path) -> None:
    cut, whole = (Study(f"study-{prune}", tmp_path, plan(sampler)) for prune in (True, False))
    for study, prune in ((cut, True), (whole, False)):
        work(study, prune=prune)
    assert [(one.number, dict(one.setting), one.bound, one.rival) for one in cut.trials()] == [
        (one.number, dict(one.setting), one.bound, one.rival) for one in whole.trials()
    ]
    assert all(one.is_finished and not one.is_pruned for one in whole.trials())
    assert sum(one.is_pruned for one in cut.trials()) > 2
    assert all(one.is_finished != one.is_pruned for one in cut.trials())
    fronts, winners = [], []
    for study in (cut, whole):
        finished = [one for one in study.trials() if one.is_finished]
        values = [one.values or () for one in finished]
        fronts.append([finished[place].number for place in pareto_front(values, is_maximised=MORE)])
        winners.append(finished[winner(values, is_maximised=MORE)].number)
    assert fronts[0] == fronts[1]
    assert winners[0] == winners[1]


@pytest.mark.parametrize("stop", [5, 9])
def test_a_resumed_study_is_an_uninterrupted_one(stop: int, tmp_path: Path) -> None:
    whole = Study("whole", tmp_path, plan())
    work(whole)
    work(Study("stopped", tmp_path, plan()), stop_after=stop)
    stopped = Study("stopped", tmp_path, plan())
    assert len(told(stopped)) == stop
    assert stopped.num_left() == 24 - stop
    work(stopped)
    assert told(stopped) == told(whole)
    with stopped.taken() as held:
        assert held == []


def test_a_trial_may_be_beaten_by_finished_ones_of_earlier_batches_alone(tmp_path: Path) -> None:
    """By hand: batches of four, of which the second trial is cut short."""
    study = Study("by-hand", tmp_path, plan("random", num_trials=9))
    given = {0: (1.0, 1.0), 1: None, 2: (3.0, 3.0), 3: (2.0, 4.0), 4: (0.0, 0.0), 5: (1.0, 1.0), 6: (9.0, 9.0)}
    for number in range(9):
        with study.taken() as (trial,):
            assert trial.number == number
            expected = [] if number < 4 else [(1.0, 1.0), (3.0, 3.0)]
            assert study.rivals(number) == (
                expected if number < 8 else [(1.0, 1.0), (3.0, 3.0), (0.0, 0.0), (9.0, 9.0)]
            )
            values = given.get(number, (1.0, 5.0))
            bound = None if values else (7.0, 0.0)
            study.tell(number, TrialResult(values, "cell", "told", bound=bound, rival=bound and (8.0, 0.0)))
    assert [one.number for one in study.trials() if one.is_pruned] == [1]


def test_a_database_keeps_bounds_as_well(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'studies.db'}"
    in_database, in_journal = Study("one", tmp_path, plan("grid"), storage=url), Study("two", tmp_path, plan("grid"))
    for study in (in_database, in_journal):
        work(study)
    assert told(in_database) == told(in_journal)
    assert any(one.is_pruned for one in in_database.trials())


def test_the_sampler_learns_the_bound_and_not_that_something_was_cut_short(tmp_path: Path) -> None:
    """Two studies whose cut-short trials differ in nothing but their bounds go different ways."""
    found = []
    for name, slope in (("up", 1.0), ("down", -1.0)):
        study = Study(name, tmp_path, plan(num_trials=28, directions=("maximize",)))
        while True:
            with study.taken() as held:
                for trial in held:
                    tau = float(trial.setting.get("pooling.tau", 0.1))  # type: ignore[arg-type]
                    is_first = trial.number == 0
                    bound = None if is_first else (slope * tau,)
                    study.tell(
                        trial.number,
                        TrialResult((100.0,) if is_first else None, "cell", "told", bound=bound, rival=(100.0,)),
                    )
            if not held:
                break
        found.append([dict(trial.setting) for trial in study.trials()])
    assert found[0][:8] == found[1][:8]  # drawn before anything was learnt
    assert found[0][12:] != found[1][12:]
