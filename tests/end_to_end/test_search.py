"""Studies: killed and begun again, shared by processes, read once on test, and never on it before."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from misfire.config.search import load_search
from misfire.tracking import Study
from tests.end_to_end.conftest import Place

pytestmark = pytest.mark.end_to_end

SPACE = {
    "pooling": ["max", "mean", "logmeanexp"],
    "pooling.tau": {"low": 0.001, "high": 1, "log": True, "points": 3, "when": {"pooling": "logmeanexp"}},
    "templates": {"subset_of": "generic"},
}
WrittenSearch = Callable[..., Path]
Finished = dict[int, tuple[object, ...]]


@pytest.fixture
def written_search(tmp_path: Path) -> WrittenSearch:
    """Writes a search's file."""

    def write(name: str = "small", **changed: object) -> Path:
        content = {
            "title": "A small search",
            "question": "Does it work?",
            "decision_rule": "The gain in hit@1 on test has an exact p-value below 0.05.",
            "k": 1,
            "objectives": ["gain", "broken"],
            "sampler": "tpe",
            "num_trials": 12,
            "fixed": {"subset": "failures", "templates": "generic"},
            "space": SPACE,
            **changed,
        }
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        return path

    return write


def command(place: Place, search: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "misfire", "search", str(search), *place.words, *words]


def start(place: Place, search: Path, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command(place, search, *words),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        text=True,
    )


def journal(place: Place, name: str) -> Path:
    return place.root / "studies" / f"{name}.log"


def finished(place: Place, name: str) -> Finished:
    """What Optuna itself reads from the journal: of each number its setting, values and cell."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    storage = JournalStorage(JournalFileBackend(str(journal(place, name))))
    study = optuna.load_study(study_name=name, storage=storage)
    found: Finished = {}
    for trial in study.get_trials(states=[optuna.trial.TrialState.COMPLETE]):
        number = trial.user_attrs["misfire.number"]
        assert number not in found
        found[number] = (tuple(sorted(trial.params.items())), tuple(trial.values), trial.user_attrs["misfire.cell_id"])
    return found


def sides(place: Place, name: str) -> dict[str, list[str]]:
    """Cell ids of the finished runs of either side; a cell stands once."""
    runs = place.store(name).finished_cells()
    found = {
        side: [run.data.tags["misfire.cell_id"] for run in runs if run.data.params["side"] == side]
        for side in ("dev", "test")
    }
    assert all(len(set(ids)) == len(ids) for ids in found.values())
    assert sum(map(len, found.values())) == len(runs)
    return found


def test_a_killed_and_resumed_study_is_an_uninterrupted_one(
    own_place: Place, written_search: WrittenSearch, tmp_path: Path
) -> None:
    killed = written_search("killed")
    kills = 0
    for wanted in (1, 6):
        process = start(own_place, killed)
        wait_for_trials(journal(own_place, "killed"), wanted, process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kills += 1
        assert wanted <= len(finished(own_place, "killed")) < 12
    assert own_place.misfire("search", str(killed)) == 0
    whole = written_search("whole")
    assert own_place.misfire("search", str(whole)) == 0
    assert finished(own_place, "killed") == finished(own_place, "whole")
    assert sorted(finished(own_place, "killed")) == list(range(12))
    assert kills == 2
    for name in ("killed", "whole"):
        found = sides(own_place, name)
        assert set(found["dev"]) == {cell_id for _, _, cell_id in finished(own_place, name).values()}
        assert len(found["test"]) == 1


def wait_for_trials(path: Path, wanted: int, process: "subprocess.Popen[str]") -> None:
    """Until so many values were told: in Optuna's journal, operation 6 with the state of a finished trial."""
    import json

    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        lines = path.read_text().split("\n")[:-1] if path.is_file() else []
        entries = [json.loads(line) for line in lines]
        if sum(entry["op_code"] == 6 and entry.get("state") == 1 for entry in entries) >= wanted:
            return
        time.sleep(0.01)
    raise AssertionError(f"the search ended before it was killed: {process.communicate()}")


def test_four_processes_lose_and_double_no_trial(own_place: Place, written_search: WrittenSearch) -> None:
    search = written_search("shared", num_trials=16)
    (own_place.root / "mlflow.db").unlink()  # the first touch of a new database is shared too
    started = [start(own_place, search) for _ in range(4)]
    outputs = [process.communicate(timeout=300) for process in started]
    assert [process.returncode for process in started] == [0] * 4, outputs
    trials = finished(own_place, "shared")
    assert sorted(trials) == list(range(16))
    found = sides(own_place, "shared")
    assert set(found["dev"]) == {cell_id for _, _, cell_id in trials.values()}
    assert len(found["test"]) == 1
    runs = own_place.store("shared").runs()
    assert sorted({run.info.status for run in runs}) == ["FINISHED"]
    assert [run.data.tags["misfire.kind"] for run in runs].count("summary") == 1
    tagged = {
        int(number)
        for run in own_place.store("shared").finished_cells()
        if run.data.params["side"] == "dev"
        for number in run.data.tags["misfire.trials"].split()
    }
    assert tagged == set(range(16))
    assert all("16 trials of shared: 16 finished" in output for output, _ in outputs)
    alone = written_search("alone", num_trials=16)
    assert own_place.misfire("search", str(alone)) == 0
    assert finished(own_place, "alone") == trials
