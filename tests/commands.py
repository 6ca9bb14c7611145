"""Commands and other work in processes of their own that start at once.

They are forked off a process that has imported what takes seconds to import and has done nothing else, so that a test
of several processes pays for that once. They can be killed like any other.
"""

import multiprocessing
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from multiprocessing.forkserver import ensure_running
from pathlib import Path
from typing import Any, final
from uuid import uuid4

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        "lightning_fabric",
        "open_clip",
        "matplotlib.figure",
        "misfire.annotation.server",
        "misfire.cli",
        "misfire.config.settings",
        "misfire.methods.retrieval.ensemble.ensemble_cell",
        "misfire.tracking",
        "mlflow.store.tracking.sqlalchemy_store",
        "optuna",
        "uvicorn",
    ]
)
if "PYTEST_XDIST_WORKER" in os.environ and multiprocessing.current_process().name == "MainProcess":
    ensure_running()  # in the background, so that no test of many has to wait for the imports


@final
class Started:
    """Work in a process of its own, whose output goes to files.

    Args:
        folder: For the files.
        work: A function that a new process can import.
        arguments: What it is called with.
    """

    def __init__(self, folder: Path, work: Callable[..., int], *arguments: Any) -> None:
        self._files = [folder / f"{uuid4().hex}.{name}" for name in ("out", "err")]
        self._process = _FORKS.Process(target=_run, args=(self._files, work, arguments), daemon=True)
        self._process.start()

    @property
    def code(self) -> int | None:
        """Its exit code; a signal's number with a minus; None while it runs."""
        return self._process.exitcode

    @property
    def out(self) -> str:
        """What it has printed so far."""
        return self._files[0].read_text() if self._files[0].exists() else ""

    @property
    def err(self) -> str:
        """What it has told so far."""
        return self._files[1].read_text() if self._files[1].exists() else ""

    def signal(self, number: int) -> None:
        """As ``kill`` does."""
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    def kill(self) -> None:
        """As ``kill -9`` does."""
        self._process.kill()
        self._process.join()

    def end(self) -> int | None:
        """Its exit code, waited for."""
        self._process.join(timeout=300)
        return self.code


def command(folder: Path, words: Sequence[str]) -> Started:
    """A command of misfire's, begun."""
    return Started(folder, _command, list(words))


def _command(words: list[str]) -> int:
    from misfire.cli import main

    return main(words)


def _run(files: Sequence[Path], work: Callable[..., int], arguments: Sequence[Any]) -> None:
    for descriptor, path in zip((1, 2), files, strict=True):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), descriptor)
    sys.stdout, sys.stderr = (os.fdopen(descriptor, "w", buffering=1, closefd=False) for descriptor in (1, 2))
    try:
        code = work(*arguments)
    except SystemExit:
        raise
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.exit(code)
