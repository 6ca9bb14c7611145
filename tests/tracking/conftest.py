"""One tracking store for all tests of a process."""

import pytest

from misfire.tracking import MlflowLedger


@pytest.fixture(scope="session")
def shared_ledger(tmp_path_factory: pytest.TempPathFactory) -> MlflowLedger:
    """A store for all tests, each of which takes an experiment of its own."""
    folder = tmp_path_factory.mktemp("ledger")
    return MlflowLedger(f"sqlite:///{folder}/mlflow.db", str(folder / "artifacts"), str(folder / "locks"))
