"""The invented dataset behind a workbench, and its failures, made once for all tests that only read them."""

import pytest

from misfire.cells.lab import Workbench
from misfire.failures import FailureSet
from misfire.methods.retrieval.failure_sets import mined_failure_set
from tests.methods.retrieval import invented


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    return invented.workbench(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="session")
def failure_set(bench: Workbench, tmp_path_factory: pytest.TempPathFactory) -> FailureSet:
    return mined_failure_set(bench, tmp_path_factory.mktemp("failures"), num_failures=16, seed=3)[0]
