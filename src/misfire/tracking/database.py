"""The database behind the ledger: made whole or not at all; what is wrong with it is one sentence."""

import atexit
import logging
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast, final
from urllib.parse import unquote, urlparse
from uuid import uuid4

from misfire.core.errors import MisfireError, UsageError
from misfire.core.files import locked
from misfire.core.progress import say

if TYPE_CHECKING:
    from mlflow import MlflowClient

Result = TypeVar("Result")
_SQLITE = "sqlite:///"
_MAGIC = b"SQLite format 3\x00"
_BESIDE = ("-wal", "-shm", "-journal")
_NOT_IN_A_URL = frozenset("?%")
"""What SQLAlchemy reads as something else in a path: the begin of a query, and an escape in some versions."""
_MOST_SECONDS_LOCKED, _SECONDS_BETWEEN_TRIES = 600.0, 0.2
_MOST_CLASHES = 5
_CAN_NOT_WRITE = ("disk is full", "readonly database", "disk I/O error")
"""What SQLite says, through SQLAlchemy and MLflow, where there is no room or no permission."""


@final
@dataclass(frozen=True, eq=False)
class Connection:
    """MLflow's client of a store.

    Args:
        client: The client.
        uri: What MLflow itself knows the store by; another program may be given it as long as this process lives.
        is_read_only: Whether the store can't be written to, so that the client reads a copy of its database.
    """

    client: "MlflowClient"
    uri: str
    is_read_only: bool = False


def database_path(uri: str) -> Path | None:
    """Path of the SQLite file behind a tracking URI, every character of it as it stands; ``None`` for a server."""
    return Path(uri.removeprefix(_SQLITE)).resolve() if uri.startswith(_SQLITE) else None


def absolute_uri(uri: str) -> str:
    """The same store, named so that the current directory doesn't matter.

    Raises:
        UsageError: If it is a plain file store, which MLflow 3 refuses.

    Example:
        >>> absolute_uri("http://tracking.example:5000")
        'http://tracking.example:5000'
    """
    path = database_path(uri)
    if path is not None:
        return f"{_SQLITE}{path}"
    if "://" not in uri or uri.startswith("file:"):
        raise UsageError(f"tracking.uri must be a database or a server, got {uri}; write sqlite:///mlruns/mlflow.db.")
    return uri


def exists(uri: str) -> bool:
    """Whether there is a store to read; a server is taken to be one."""
    path = database_path(uri)
    return path is None or path.exists()


def connect(uri: str) -> Connection:
    """A connection to the store, one for each, wherever the current directory is; a SQLite store is made if it's new.

    Raises:
        UsageError: If the store can't be reached, isn't one, or has the schema of another MLflow.
    """
    return _connect(absolute_uri(uri))


@lru_cache(maxsize=8)
def _connect(uri: str) -> Connection:
    _quieten()
    path = database_path(uri)
    if path is None:
        return Connection(_opened(uri, uri), uri)
    refuse_what_is_no_database(path)
    if path.exists() and not _is_writable(path):
        copy = _copied(path)
        return Connection(_opened(f"{_SQLITE}{copy}", uri), f"{_SQLITE}{copy}", is_read_only=True)
    spelt = f"{_SQLITE}{_spelt_for_a_url(path)}"
    try:
        # First use by several processes at once would break MLflow's migrations.
        with locked(path.with_name(f"{path.name}.lock")):
            if not path.exists() or is_half_made(path):
                _make(path)
    except OSError as error:
        raise UsageError(
            f"the tracking store must lie in a folder that can be written to, got {path} ({error.strerror or error}); "
            "choose another folder with paths.root, or mend its permissions."
        ) from error
    return Connection(_opened(spelt, uri), spelt)


def refuse_what_is_no_database(path: Path) -> None:
    """Refuse a file that can't be a store before MLflow, which would try for minutes, is asked.

    Raises:
        UsageError: If there is something other than a SQLite database.
    """
    if not path.exists():
        return
    if not path.is_file():
        raise UsageError(f"the tracking store must be a file, got {path}, which is a folder; move it away.")
    with path.open("rb") as file:
        begin = file.read(len(_MAGIC))
    if not begin:
        raise UsageError(
            f"the tracking store must be a database, got {path} with 0 bytes, which has forgotten every cell; put a "
            "copy of it back, or remove it to begin anew."
        )
    if begin != _MAGIC:
        raise UsageError(
            f"the tracking store must be a SQLite database, got {path}, which is none; put a copy of it back, or name "
            "another with tracking.uri."
        )


def is_half_made(path: Path) -> bool:
    """Whether a database holds nothing yet and lacks a part: what a process that was killed while making it left."""
    with closing(sqlite3.connect(path)) as connection:
        try:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if {"runs", "experiments"} <= tables and _holds_work(connection):
                return False
            return (
                not {"runs", "experiments", "alembic_version"} <= tables
                or connection.execute("SELECT count(*) FROM alembic_version").fetchone() == (0,)
                or connection.execute("SELECT count(*) FROM experiments").fetchone() == (0,)
            )
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                return False
            raise UsageError(_damaged(path, error)) from error
        except sqlite3.DatabaseError as error:
            raise UsageError(_damaged(path, error)) from error


def _damaged(path: Path, error: Exception) -> str:
    return (
        f"the tracking store must be a whole SQLite database, got {path} ({error}); put a copy of it back, or name "
        "another with tracking.uri."
    )


def _holds_work(connection: sqlite3.Connection) -> bool:
    """Whether there is a run, or an experiment beside the one that MLflow makes by itself."""
    runs = connection.execute("SELECT count(*) FROM runs").fetchone()
    named = connection.execute("SELECT count(*) FROM experiments WHERE name <> 'Default'").fetchone()
    return bool(runs[0] or named[0])


def _make(path: Path) -> None:
    """Make the database beside, whole, and rename it into place; whoever holds the lock may sweep up what others left.

    A kill on the way leaves a file of another name, which the next maker removes.

    Raises:
        UsageError: If there is no room for it; nothing is left of it then.
    """
    _sweep_up(path)
    own = path.with_name(f".{path.name}.{uuid4().hex}.new")
    try:
        _fill(own, path.parent / "artifacts")
    except Exception as error:
        _sweep_up(path)
        if not any(said in str(error) for said in _CAN_NOT_WRITE):
            raise
        raise UsageError(
            f"the tracking store's folder must have room for a database and be writable, got {path.parent} "
            f"({_last_words(str(error))}); make room or choose another folder with paths.root, and issue the command "
            "again."
        ) from error
    for suffix in _BESIDE:
        path.with_name(f"{path.name}{suffix}").unlink(missing_ok=True)
    own.replace(path)


def _sweep_up(path: Path) -> None:
    for left in path.parent.glob(f".{path.name}.*.new*"):
        left.unlink(missing_ok=True)


def _fill(own: Path, artifacts: Path) -> None:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    store = SqlAlchemyStore(f"{_SQLITE}{_spelt_for_a_url(own)}", artifacts.as_uri())  # type: ignore[no-untyped-call]
    store.engine.dispose()
    with closing(sqlite3.connect(own)) as connection:
        # Write-ahead logging stays in the file; it lets several writers queue instead of failing.
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _opened(spelt: str, uri: str) -> "MlflowClient":
    from mlflow import MlflowClient

    try:
        client = cast("MlflowClient", _Patient(MlflowClient(tracking_uri=spelt)))
        client.search_experiments(max_results=1)
    except Exception as error:
        if "out-of-date database schema" in str(error):
            raise UsageError(
                f"the tracking store must have the schema of the MLflow that is installed, got {uri} of another "
                f"version; stop whatever writes to it, copy it, and run `mlflow db upgrade '{uri}'`."
            ) from error
        raise UsageError(
            f"the tracking store must be reachable and writable, got {uri} ({str(error).splitlines()[0]}); check "
            "tracking.uri, or run `misfire doctor`."
        ) from error
    return client


@final
class _Patient:
    """MLflow's client, each call of which is made again while another program has locked the database.

    SQLite gives up after five seconds, and MLflow with it; a backup or a browser of databases takes longer.
    """

    def __init__(self, client: "MlflowClient") -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        return patiently(found) if callable(found) else found


def patiently(call: Callable[..., Result]) -> Callable[..., Result]:
    """A call that is made again while a database is locked, for ten minutes; that it waits is said once.

    One that clashes with another process over a row that both make is made again at once.

    Raises:
        MisfireError: If the database is still locked then, or its disk is full.
    """

    @wraps(call)
    def made(*arguments: Any, **named: Any) -> Result:
        since, has_said, num_clashes = time.monotonic(), False, 0
        while True:
            try:
                return call(*arguments, **named)
            except Exception as error:
                text = str(error)
                if any(said in text for said in _CAN_NOT_WRITE):
                    raise MisfireError(
                        "the tracking store must have room and be writable, its database says otherwise "
                        f"({_last_words(text)}); make room or mend its permissions, and issue the command again."
                    ) from error
                # Two processes that name the same dataset first, both: MLflow looks, then inserts. It is there now.
                if "unique constraint" in text.lower() and num_clashes < _MOST_CLASHES:
                    num_clashes += 1
                    continue
                if "database is locked" not in text and "database table is locked" not in text:
                    raise
                if time.monotonic() - since > _MOST_SECONDS_LOCKED:
                    raise MisfireError(
                        f"the tracking store must be free to be written to, another program has locked its database "
                        f"for {_MOST_SECONDS_LOCKED / 60:.0f} minutes; close it, and issue the command again."
                    ) from error
            if not has_said:
                say("Waiting for another program, which has locked the tracking store's database.")
                has_said = True
            time.sleep(_SECONDS_BETWEEN_TRIES)

    return made


def _last_words(text: str) -> str:
    return text.splitlines()[0].rpartition(") ")[2]


def num_moved(path: Path, artifacts: Path) -> int:
    """How many runs' artifacts lie in ``artifacts`` though the database says elsewhere: it was moved with them."""
    with closing(sqlite3.connect(path)) as connection:
        return len(_moved(connection, artifacts))


def follow_move(path: Path, artifacts: Path) -> int:
    """Tell a database of our experiments where its artifacts lie now, after a project was moved or copied.

    MLflow writes whole addresses into its database, and would write new runs to the old place. Runs whose artifacts
    don't lie in the new place keep their address.

    Args:
        path: The database.
        artifacts: Root of the artifacts.

    Returns:
        How many runs were told.
    """
    with closing(sqlite3.connect(path, timeout=60)) as connection, connection:
        ours = connection.execute(
            "SELECT experiment_id, artifact_location FROM experiments WHERE experiment_id IN "
            "(SELECT experiment_id FROM experiment_tags WHERE key = 'misfire.sweep')"
        ).fetchall()
        stale = [
            (here.as_uri(), one)
            for one, location in ours
            if (stated := _local(location)) is not None and stated != (here := artifacts / stated.name)
        ]
        if not stale:
            return 0
        moved = _moved(connection, artifacts)
        connection.executemany("UPDATE runs SET artifact_uri = ? WHERE run_uuid = ?", moved)
        connection.executemany("UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?", stale)
        return len(moved)


def _moved(connection: sqlite3.Connection, artifacts: Path) -> list[tuple[str, str]]:
    found = []
    for run, address in connection.execute("SELECT run_uuid, artifact_uri FROM runs"):
        stated = _local(address)
        if stated is not None:
            here = artifacts.joinpath(*stated.parts[-3:])
            if here != stated and here.exists():
                found.append((here.as_uri(), run))
    return found


def _local(address: str | None) -> Path | None:
    parts = urlparse(address or "")
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _quieten() -> None:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    for noisy in ("alembic", "mlflow", "mlflow.store.db.utils"):
        logging.getLogger(noisy).setLevel(logging.ERROR)


def _is_writable(path: Path) -> bool:
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)


def _copied(path: Path) -> Path:
    """A copy of a database that can't be written to: SQLite itself writes beside what it reads."""
    folder = _own_folder()
    for suffix in ("", "-wal"):
        source = path.with_name(f"{path.name}{suffix}")
        if source.exists():
            shutil.copyfile(source, folder / f"mlflow.db{suffix}")
    return folder / "mlflow.db"


def _spelt_for_a_url(path: Path) -> Path:
    """A path that leads to the same file and that every version of SQLAlchemy reads as it stands.

    SQLite follows the link before it places its own files, so that they lie in the real folder.
    """
    return _linked(path.parent) / path.name if _NOT_IN_A_URL & set(str(path)) else path


@lru_cache(maxsize=8)
def _linked(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    link = _own_folder() / "store"
    link.symlink_to(folder, target_is_directory=True)
    return link


def _own_folder() -> Path:
    """A new folder that goes when this process ends."""
    folder = Path(tempfile.mkdtemp(prefix="misfire-"))
    owner = os.getpid()
    atexit.register(lambda: shutil.rmtree(folder, ignore_errors=True) if os.getpid() == owner else None)
    return folder
