"""The connection to MLflow: quiet, without telemetry, and the database migrated once under a lock."""

import logging
import os
import sqlite3
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from misfire.core.errors import UsageError
from misfire.core.files import locked

if TYPE_CHECKING:
    from mlflow import MlflowClient

_SQLITE = "sqlite:///"


def database_path(uri: str) -> Path | None:
    """Path of the SQLite file behind a tracking URI; ``None`` for a server or another database."""
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


def connect(uri: str) -> "MlflowClient":
    """A client of the store, created and migrated if it's new; one for each store, wherever the current directory is.

    First use by several processes at once breaks MLflow's migration, hence the lock; write-ahead logging, which stays
    in the file, lets several writers queue instead of failing.

    Raises:
        UsageError: If the store can't be reached.
    """
    return _connect(absolute_uri(uri))


@lru_cache(maxsize=8)
def _connect(uri: str) -> "MlflowClient":
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    for noisy in ("alembic", "mlflow", "mlflow.store.db.utils"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    path = database_path(uri)
    try:
        if path is None:
            client = MlflowClient(tracking_uri=uri)
            client.search_experiments(max_results=1)
            return client
        with locked(path.with_name(f"{path.name}.lock")):
            client = MlflowClient(tracking_uri=uri)
            client.search_experiments(max_results=1)
            with sqlite3.connect(path) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
        return client
    except (MlflowException, SQLAlchemyError, OSError, sqlite3.Error) as error:
        raise UsageError(
            f"the tracking store must be reachable and writable, got {uri} ({str(error).splitlines()[0]}); check "
            "tracking.uri, or run `misfire doctor`."
        ) from error
