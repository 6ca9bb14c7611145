"""Searches that tests write, and what their studies and runs hold, read without the code under test."""

from collections.abc import Callable
from pathlib import Path

from misfire.data import Dataset
from tests.end_to_end.conftest import Place

WrittenSearch = Callable[..., Path]
Finished = dict[int, tuple[object, ...]]


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
    runs = place.store(name).finished("cell")
    found = {
        side: [run.data.tags["misfire.cell_id"] for run in runs if run.data.params["side"] == side]
        for side in ("dev", "test")
    }
    assert all(len(set(ids)) == len(ids) for ids in found.values())
    assert sum(map(len, found.values())) == len(runs)
    return found


def world(place: Place) -> Dataset:
    from misfire.cli._application import compose
    from misfire.config import Settings

    return Settings(compose(place.words)).dataset
