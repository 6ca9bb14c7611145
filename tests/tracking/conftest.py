"""A tracking store of its own for each test."""

import sqlite3
from pathlib import Path

import pytest

from misfire.tracking import MlflowLedger, TrackingStore


def _store_in(folder: Path) -> TrackingStore:
    return TrackingStore(
        uri=f"sqlite:///{folder / 'mlflow.db'}",
        artifact_root=str(folder / "artifacts"),
        lock_folder=str(folder / "locks"),
        experiment="sweep",
    )


@pytest.fixture(scope="session")
def new_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database as MLflow makes it, before any experiment."""
    folder = tmp_path_factory.mktemp("new")
    assert _store_in(folder).client is not None
    return folder / "mlflow.db"


@pytest.fixture
def store(tmp_path: Path, new_database: Path) -> TrackingStore:
    """A new store in ``tmp_path``; its database is a copy, since making one takes seconds."""
    with sqlite3.connect(new_database) as made, sqlite3.connect(tmp_path / "mlflow.db") as own:
        made.backup(own)
    return _store_in(tmp_path)


@pytest.fixture(scope="session")
def shared_ledger(new_database: Path, tmp_path_factory: pytest.TempPathFactory) -> MlflowLedger:
    """A store for all tests, each of which takes an experiment of its own."""
    folder = tmp_path_factory.mktemp("ledger")
    with sqlite3.connect(new_database) as made, sqlite3.connect(folder / "mlflow.db") as own:
        made.backup(own)
    return MlflowLedger(f"sqlite:///{folder}/mlflow.db", str(folder / "artifacts"), str(folder / "locks"))
