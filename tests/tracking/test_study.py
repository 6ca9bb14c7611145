"""Studies with an invented objective: what a kill, a second process or another batch may change, and what not."""

import json
import time
from pathlib import Path

import numpy as np
import pytest

from misfire.cells.axis import Choice, Range
from misfire.cells.space import SearchSpace
from misfire.core.errors import IntegrityError, UsageError
from misfire.tracking import SAMPLERS, Study, StudyPlan, Trial, TrialResult
from tests.commands import Started

SPACE = SearchSpace(
    (
        Choice("pooling", ("max", "mean", "logmeanexp")),
        Range("pooling.tau", 0.001, 10, is_log=True, num_points=4, when={"pooling": ("logmeanexp",)}),
        Choice("templates", ("generic", "caption_only")),
    )
)


def plan(sampler: str = "tpe", *, num_trials: int = 24, batch: int = 4, **changed: object) -> StudyPlan:
    content = {
        "space": SPACE,
        "sampler": SAMPLERS[sampler],
        "seed": 3,
        "directions": ("maximize", "minimize"),
        "num_trials": num_trials,
        "batch": batch,
        "digest": "d",
        **changed,
    }
    return StudyPlan(**content)  # type: ignore[arg-type]


def result(trial: Trial) -> TrialResult:
    """Values that depend on the setting alone."""
    tau = float(trial.setting.get("pooling.tau", 1.0))
    return TrialResult((-abs(np.log(tau / 0.05)), float(trial.setting["templates"] == "generic")), "cell", "told")


def work(study: Study, *, most: int = 1, stop_after: int | None = None) -> None:
    done = 0
    while True:
        with study.taken(most) as held:
            for trial in held:
                if done == stop_after:
                    return
                study.tell(trial.number, result(trial))
                done += 1
        if not held:
            return


def told(study: Study) -> list[tuple[object, ...]]:
    return [(trial.number, dict(trial.setting), trial.values) for trial in study.trials() if trial.is_finished]


@pytest.mark.parametrize("sampler", list(SAMPLERS))
def test_a_resumed_study_is_an_uninterrupted_one(sampler: str, tmp_path: Path) -> None:
    whole = Study("whole", tmp_path, plan(sampler))
    work(whole)
    assert [number for number, *_ in told(whole)] == list(range(whole.plan.num_to_do))
    for stop in (0, 1, 5, 6):
        name = f"stopped-{stop}"
        work(Study(name, tmp_path, plan(sampler)), stop_after=stop)
        stopped = Study(name, tmp_path, plan(sampler))
        assert len(told(stopped)) == stop
        work(stopped)
        assert told(stopped) == told(whole)


def test_how_many_are_taken_at_once_changes_nothing(tmp_path: Path) -> None:
    studies = [Study(f"by-{most}", tmp_path, plan()) for most in (1, 2, 3, 4)]
    for most, study in enumerate(studies, start=1):
        work(study, most=most)
    assert all(told(study) == told(studies[0]) for study in studies)


def test_seeds_and_samplers_differ(tmp_path: Path) -> None:
    plans = [plan("tpe"), plan("random"), plan("tpe", seed=4), plan("random", seed=4)]
    studies = [Study(f"study-{place}", tmp_path, one) for place, one in enumerate(plans)]
    for study in studies:
        work(study)
    found = [json.dumps(told(study)) for study in studies]
    assert len(set(found)) == 4


def test_tpe_learns(tmp_path: Path) -> None:
    """Half an order of magnitude around the best temperature holds an eighth of the range."""
    study = Study("learns", tmp_path, plan(num_trials=80, directions=("maximize", "minimize")))
    work(study)
    late = [trial.setting["pooling.tau"] for trial in study.trials()[40:] if "pooling.tau" in trial.setting]
    near = [tau for tau in late if abs(np.log10(float(tau) / 0.05)) < 0.25]
    assert len(near) > len(late) / 4


def test_a_grid_is_gone_through_once_and_then_done(tmp_path: Path) -> None:
    study = Study("grid", tmp_path, plan("grid", num_trials=1000))
    work(study)
    found = [json.dumps(setting, sort_keys=True) for _, setting, _ in told(study)]
    assert sorted(found) == sorted(json.dumps(dict(setting), sort_keys=True) for setting in SPACE.grid())
    assert len(found) == 12
    work(study)
    assert len(told(study)) == 12


def test_no_setting_is_proposed_twice_while_there_are_others(tmp_path: Path) -> None:
    study = Study("distinct", tmp_path, plan(num_trials=30))
    work(study)
    settings = [json.dumps(setting, sort_keys=True) for _, setting, _ in told(study)]
    assert len(set(settings)) == 30


def test_a_study_can_be_made_longer(tmp_path: Path) -> None:
    for num_trials in (10, 24):
        work(Study("longer", tmp_path, plan(num_trials=num_trials)))
    whole = Study("whole", tmp_path, plan())
    work(whole)
    assert told(Study("longer", tmp_path, plan())) == told(whole)


def test_another_plan_is_refused(tmp_path: Path) -> None:
    Study("mine", tmp_path, plan())
    with pytest.raises(
        UsageError, match=r"study mine must go on as it was begun, got another space, .* than in .*mine\.log;"
    ):
        Study("mine", tmp_path, plan(digest="other"))


def test_a_failed_trial_is_told_and_tried_again_by_the_next_command(tmp_path: Path) -> None:
    study = Study("failing", tmp_path, plan("random", num_trials=6))
    while True:
        with study.taken() as held:
            for trial in held:
                odd = trial.number == 2
                study.tell(trial.number, TrialResult(None, None, "no luck", 3) if odd else result(trial))
        if not held:
            break
    assert [(trial.number, trial.error, trial.error_code) for trial in study.trials() if trial.error] == [
        (2, "no luck", 3)
    ]
    assert study.num_left() == 0
    time.sleep(0.01)
    again = Study("failing", tmp_path, plan("random", num_trials=6))
    assert again.num_left() == 1
    work(again)
    whole = Study("whole", tmp_path, plan("random", num_trials=6))
    work(whole)
    assert told(again) == told(whole)
    assert [trial.error for trial in again.trials()] == [None] * 6


def test_a_trial_that_is_held_is_left_alone(tmp_path: Path) -> None:
    first, second = (Study("held", tmp_path, plan("random", num_trials=3)) for _ in range(2))
    with first.taken() as mine:
        with second.taken(3) as theirs:
            assert [trial.number for trial in (*mine, *theirs)] == [0, 1, 2]
            for trial in theirs:
                second.tell(trial.number, result(trial))
        first.tell(mine[0].number, result(mine[0]))
    with second.taken() as nothing:
        assert nothing == []


def work_with_others(folder: Path) -> int:
    study = Study("shared", folder, plan(num_trials=40))
    while True:
        with study.taken(1) as held:
            for trial in held:
                time.sleep(0.005)
                study.tell(trial.number, result(trial))
                print(trial.number, flush=True)
        if not held:
            return 0


def test_processes_that_come_and_are_killed_leave_the_same_study(tmp_path: Path) -> None:
    workers = [Started(tmp_path, work_with_others, tmp_path) for _ in range(3)]
    while not workers[0].out and workers[0].code is None:
        time.sleep(0.005)
    workers[0].kill()
    assert [worker.end() for worker in workers[1:]] == [0, 0], [worker.err for worker in workers]
    shared = Study("shared", tmp_path, plan(num_trials=40))
    alone = Study("alone", tmp_path, plan(num_trials=40))
    work(alone)
    assert told(shared) == told(alone)
    assert len(told(shared)) == 40


def test_a_line_that_a_kill_tore_is_dropped(tmp_path: Path) -> None:
    study = Study("torn", tmp_path, plan())
    work(study, stop_after=5)
    with study.journal.open("ab") as file:
        file.write(b'{"op_code":4,"worker_id":"x","stu')
    again = Study("torn", tmp_path, plan())
    work(again)
    whole = Study("whole", tmp_path, plan())
    work(whole)
    assert told(again) == told(whole)


def test_a_journal_that_is_none_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "mine.log").write_text("this is no journal\n" * 3)
    with pytest.raises(
        IntegrityError, match=r"a study's journal must be as Optuna wrote it, got .*mine\.log"
    ) as caught:
        Study("mine", tmp_path, plan())
    assert "\n" not in str(caught.value)
    assert (tmp_path / "mine.log").read_text().startswith("this is no journal")


def test_a_database_serves_as_well(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'studies.db'}"
    work(Study("shared", tmp_path, plan(num_trials=8), storage=url), stop_after=3)
    again = Study("shared", tmp_path, plan(num_trials=8), storage=url)
    work(again)
    whole = Study("whole", tmp_path, plan(num_trials=8))
    work(whole)
    assert told(again) == told(whole)
    assert not (tmp_path / "shared.log").exists()


def test_another_hosts_trial_is_left_to_it_unless_it_is_dead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import platform

    url = f"sqlite:///{tmp_path / 'studies.db'}"
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(platform, "node", lambda: "far")
        work(Study("shared", tmp_path, plan("random", num_trials=3), storage=url), stop_after=0)
    here = Study("shared", tmp_path, plan("random", num_trials=3), storage=url)
    with here.taken(3) as held:
        assert [trial.number for trial in held] == [1, 2]
    heir = Study("shared", tmp_path, plan("random", num_trials=3), storage=url, take_over="far")
    with heir.taken(3) as held:
        assert [trial.number for trial in held] == [0, 1, 2]


def test_a_database_that_is_none_is_told_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="storage must be a database that Optuna can reach, got nonsense") as caught:
        Study("mine", tmp_path, plan(), storage="nonsense")
    assert "\n" not in str(caught.value)
