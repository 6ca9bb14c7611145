"""One tracking store for all tests: making one takes seconds."""

import sqlite3
from pathlib import Path

import pytest

from misfire.tracking import MlflowLedger
from misfire.tracking.database import connect


@pytest.fixture(scope="session")
def new_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database as MLflow makes it, before any experiment."""
    folder = tmp_path_factory.mktemp("new")
    connect(f"sqlite:///{folder}/mlflow.db")
    return folder / "mlflow.db"


@pytest.fixture(scope="session")
def shared_ledger(new_database: Path, tmp_path_factory: pytest.TempPathFactory) -> MlflowLedger:
    """A store for all tests, each of which takes an experiment of its own."""
    folder = tmp_path_factory.mktemp("ledger")
    with sqlite3.connect(new_database) as made, sqlite3.connect(folder / "mlflow.db") as own:
        made.backup(own)
    return MlflowLedger(f"sqlite:///{folder}/mlflow.db", str(folder / "artifacts"), str(folder / "locks"))
