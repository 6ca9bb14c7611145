"""Searches that tests write, and what their studies and runs hold, read without the code under test."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from misfire.cells import Logged
from misfire.data import Dataset
from tests.end_to_end.conftest import Place

if TYPE_CHECKING:
    from mlflow.entities import Run

WrittenSearch = Callable[..., Path]
Finished = dict[int, tuple[object, ...]]
Settled = dict[int, dict[str, object]]


def journal(place: Place, name: str) -> Path:
    return place.root / "studies" / f"{name}.log"


def finished(place: Place, name: str) -> Finished:
    """What Optuna itself reads from the journal of finished trials: of each number its setting, values and cell."""
    return {
        number: (told["setting"], told["values"], told["cell"])
        for number, told in settled(place, name).items()
        if told["values"] is not None
    }


def settled(place: Place, name: str) -> Settled:
    """What Optuna reads of trials that were finished or cut short; a bound stands for the values of the latter."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    storage = JournalStorage(JournalFileBackend(str(journal(place, name))))
    study = optuna.load_study(study_name=name, storage=storage)
    found: Settled = {}
    states = optuna.trial.TrialState
    for trial in study.get_trials(states=[states.COMPLETE, states.PRUNED]):
        number = trial.user_attrs["misfire.number"]
        assert number not in found
        bound = trial.user_attrs.get("misfire.bound")
        assert trial.state == states.COMPLETE or bound
        found[number] = {
            "setting": tuple(sorted(trial.params.items())),
            "values": None if trial.state == states.PRUNED else tuple(trial.values),
            "bound": None if bound is None else tuple(bound),
            "cell": trial.user_attrs["misfire.cell_id"],
        }
    return found


def pruned_runs(place: Place, name: str) -> list[str]:
    """Cell ids of the runs of cells that were cut short; a cell stands once, and never as a finished one."""
    found = [str(cell.identity["cell"]) for cell in place.cells(name) if cell.kind == "beaten"]
    runs = runs_of(place, name, "beaten")
    assert len(runs) == len(set(found)) == len(found)
    assert not {run.data.tags["misfire.cell_id"] for run in runs} & set(found)
    return found


def runs_of(place: Place, name: str, kind: str) -> list["Run"]:
    """The finished runs of a kind."""
    runs = place.store(name).runs("attributes.status = 'FINISHED'")
    return [run for run in runs if run.data.tags["misfire.kind"] == kind]


def sides(place: Place, name: str) -> dict[str, list[str]]:
    """Cell ids of the finished runs of either side; a cell stands once."""
    runs = runs_of(place, name, "ensemble")
    found = {
        side: [run.data.tags["misfire.cell_id"] for run in runs if run.data.params["side"] == side]
        for side in ("dev", "test")
    }
    assert all(len(set(ids)) == len(ids) for ids in found.values())
    assert sum(map(len, found.values())) == len(runs)
    return found


def ensembles(place: Place, name: str) -> list[Logged]:
    """Finished cells of either side."""
    return [cell for cell in place.cells(name) if cell.kind == "ensemble"]


def world(place: Place) -> Dataset:
    from misfire.config import Settings

    return Settings.of_words("ensemble", place.words_of("ensemble"))["dataset"]
