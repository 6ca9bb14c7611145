"""What holds for every test: none is timed, since a machine may be busy with other work."""

import gc
import os
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

# Each of several workers has one thread, as has what it starts: two that share two cores with two threads each wait for
# one another. Before anything imports a library that asks.
if "PYTEST_XDIST_WORKER" in os.environ:
    for library in ("OMP", "MKL", "OPENBLAS"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")

import pytest
from hypothesis import settings

from tests.blank_figures import draw_blanks
from tests.shapes import check_shapes_of, count_anew

check_shapes_of("misfire")

# Signals mean what they do on a terminal, also where the tests are a background job, for which they are ignored.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)

# What is imported and collected lives to the end: Python would look through its million objects again and again.
gc.disable()


def pytest_collection_finish() -> None:
    """Leave out of all later rounds of the garbage collector what is there before the first test."""
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_runtest_setup() -> None:
    """Check shapes again, however often they were in tests before."""
    count_anew()


settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports whose figures are blank, for tests of something else: drawing takes a quarter of the time."""
    draw_blanks(monkeypatch)


@pytest.fixture(scope="session")
def made_by_mlflow() -> Callable[[Path, Path], None]:
    """What fills a new database in earnest: MLflow, whose migrations take two seconds."""
    from misfire.tracking import database

    return database._fill


@pytest.fixture(scope="session", autouse=True)
def databases_are_copied(
    made_by_mlflow: Callable[[Path, Path], None], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """New databases are copies of one that MLflow made; a test of how they are made undoes that."""
    first = tmp_path_factory.mktemp("database") / "mlflow.db"

    def copy(new: Path, artifacts: Path) -> None:
        if not first.exists():
            made_by_mlflow(first, first.parent / "artifacts")
        shutil.copyfile(first, new)
        with closing(sqlite3.connect(new)) as connection, connection:
            connection.execute("UPDATE experiments SET artifact_location = ?", [f"{artifacts.as_uri()}/0"])
        with closing(sqlite3.connect(new)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("misfire.tracking.database._fill", copy)
        yield
