"""Where a study lies: a journal file beside the tracking store, or a database that many machines reach."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from misfire.core.errors import IntegrityError, UsageError
from misfire.core.files import locked

if TYPE_CHECKING:
    from optuna.storages import BaseStorage


def open_storage(url: str | None, journal: Path) -> "BaseStorage":
    """Optuna's storage: the database of ``url``, or the journal where there is none; made and migrated if it's new.

    Raises:
        UsageError: If the database can't be reached.
        IntegrityError: If the journal isn't one.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with locked(journal.with_suffix(".lock")):
        return _journal(journal) if url is None else _database(url)


def _journal(path: Path) -> "BaseStorage":
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

    class JournalLock(JournalFileOpenLock):
        """A lock that the kernel frees when its holder dies; Optuna's own stays for half a minute."""

        def __init__(self) -> None:
            super().__init__(str(path))
            self._lock = FileLock(path.with_suffix(".journal.lock"))

        def acquire(self) -> bool:
            self._lock.acquire()
            _drop_torn_line(path)
            return True

        def release(self) -> None:
            self._lock.release()

    try:
        lock = JournalLock()
        lock.acquire()
        lock.release()
        return JournalStorage(JournalFileBackend(str(path), lock_obj=lock))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise IntegrityError(
            f"a study's journal must be as Optuna wrote it, got {path} ({type(error).__name__}); put a copy "
            "of it back, or move it away: finished cells stand in the tracking store and aren't run again."
        ) from error


def _drop_torn_line(path: Path) -> None:
    """Cut off what a killed process had begun to write; whoever holds the lock knows that nobody else is writing."""
    if not path.is_file() or not path.stat().st_size:
        return
    with path.open("rb+") as file:
        file.seek(-1, os.SEEK_END)
        if file.read(1) == b"\n":
            return
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)


def _database(url: str) -> "BaseStorage":
    from optuna.exceptions import StorageInternalError
    from optuna.storages import RDBStorage
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return RDBStorage(url)
    except (SQLAlchemyError, StorageInternalError, ImportError, RuntimeError, ValueError) as error:
        raise UsageError(
            f"storage must be a database that Optuna can reach, got {url} ({str(error).splitlines()[0]}); write "
            "storage=postgresql://USER@HOST/NAME, or leave it out for a journal file."
        ) from error
