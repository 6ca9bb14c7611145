"""Searches that tests write, and what their studies and runs hold, read without the code under test."""

from collections.abc import Callable
from pathlib import Path

from misfire.data import Dataset
from tests.end_to_end.conftest import Place

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
    runs = place.store(name).finished("pruned")
    found = [run.data.tags["misfire.pruned_cell"] for run in runs]
    assert len(set(found)) == len(found)
    assert not {run.data.tags["misfire.cell_id"] for run in runs} & set(found)
    return found


def sides(place: Place, name: str) -> dict[str, list[str]]:
    """Cell ids of the finished runs of either side; a cell stands once."""
    runs = place.store(name).finished("cell")
    found = {
        side: [run.data.tags["misfire.cell_id"] for run in runs if run.data.params["side"] == side]
        for side in ("dev", "test")
    }
    assert all(len(set(ids)) == len(ids) for ids in found.values())
    assert sum(map(len, found.values())) == len(runs)
    return found


def world(place: Place) -> Dataset:
    from misfire.config import Settings

    return Settings.of_words("ensemble", place.words_of("ensemble"))["dataset"]
