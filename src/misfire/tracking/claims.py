"""Who works on a cell: locks between the processes of a machine, and claims in a store that many machines reach."""

import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, final

from filelock import FileLock, Timeout

from misfire.core.errors import UsageError
from misfire.core.progress import say

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

SECONDS_BEFORE_SAYING_SO = 1.0


@contextmanager
def held(lock_file: Path, *, wait: bool = True, what: str, tell: Callable[[str], None] = say) -> Iterator[bool]:
    """Hold a lock against other processes of this machine; yields whether it is ours. The kernel frees it if we die.

    Work that fails in a folder which was made for its lock leaves neither folder nor lock.

    Args:
        lock_file: The lock. Beside it stands who holds it.
        wait: Whether to wait for another holder; after a second it is said whom we wait for.
        what: What the holder works on, in words.
        tell: Says it.

    Raises:
        UsageError: If the lock's folder can't be written to.
    """
    holder = lock_file.with_suffix(".holder")
    made = [folder for folder in lock_file.parents if not folder.exists()]
    try:
        lock_file.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(lock_file)
        is_ours = _acquired(lock, wait=wait, holder=holder, what=what, tell=tell)
    except OSError as error:
        raise UsageError(
            f"locks must be written where processes share cells, got {lock_file.parent} ({error.strerror or error}); "
            "choose another folder with paths.root, or mend its permissions."
        ) from error
    if not is_ours:
        yield False
        return
    try:
        # Only a courtesy to whoever waits: a full disk must not stop the work.
        with suppress(OSError):
            holder.write_text(f"{os.getpid()} {platform.node()}", encoding="utf-8")
        yield True
    except BaseException:
        made_for_nothing = made
        raise
    else:
        made_for_nothing = []
    finally:
        with suppress(OSError):
            holder.unlink(missing_ok=True)
        lock.release()
        with suppress(OSError):  # a folder that holds more by now stays
            for folder in made_for_nothing:
                lock_file.unlink(missing_ok=True)
                folder.rmdir()


def _acquired(lock: FileLock, *, wait: bool, holder: Path, what: str, tell: Callable[[str], None]) -> bool:
    try:
        lock.acquire(timeout=SECONDS_BEFORE_SAYING_SO if wait else 0)
    except Timeout:
        if not wait:
            return False
        tell(f"Waiting for {_who(holder)}, at work on {what}.")
        lock.acquire()
    return True


def _who(holder: Path) -> str:
    try:
        pid, host = holder.read_text(encoding="utf-8").split(" ", 1)
    except (OSError, ValueError):
        return "another process"
    return f"process {pid} on {host}"


CLAIM, _HOLDER, _PLACE, _BEAT = (f"misfire.{name}" for name in ("claim", "holder", "place", "beat"))
_SECONDS_BETWEEN_BEATS, _SECONDS_TO_LIVE, _SECONDS_BETWEEN_LOOKS = 15.0, 60.0, 1.0


@final
class Leases:
    """Claims of cells in a store that several machines reach, where no kernel frees what a dead process held.

    A claim is an unfinished run that names the cell. Whoever wants a cell first makes such a run and then looks for
    others: of two processes the one that comes second sees the first, so that never both find none. One that finds
    another takes its own back, unless its own has the smallest id, and then waits for the others to do so.

    Whoever holds a cell changes a tag of its claim every quarter of a minute. A claim that hasn't changed for a minute
    by the looker's own clock is of a dead process: clocks of different machines are never compared.

    Args:
        client: MLflow's.
        experiment_id: The experiment.
        place: Names the machine and the folder of its locks; a claim of the same place is known to be dead by whoever
            holds that place's lock.
        seconds_to_live: How long a claim may stay unchanged.
        seconds_between_looks: How long a waiting process sleeps.
    """

    def __init__(
        self,
        client: "MlflowClient",
        experiment_id: str,
        *,
        place: str,
        seconds_to_live: float = _SECONDS_TO_LIVE,
        seconds_between_looks: float = _SECONDS_BETWEEN_LOOKS,
    ) -> None:
        self._client = client
        self._experiment_id = experiment_id
        self._place = place
        self._seconds_to_live = seconds_to_live
        self._seconds_between_looks = seconds_between_looks
        self._seen: dict[str, tuple[str, float]] = {}
        self._kept: set[str] = set()

    @contextmanager
    def held(self, cell_id: str, *, wait: bool = True, tell: Callable[[str], None] = say) -> Iterator["Run | None"]:
        """Hold a cell against other machines; yields the run that claims it, or None if it is somebody else's.

        The run is the caller's to fill and to :meth:`keep`; one that still claims at the end is deleted.
        """
        run = self._claimed(cell_id, wait=wait, tell=tell)
        if run is None:
            yield None
            return
        stopped = Event()
        beating = Thread(target=self._beat, args=(str(run.info.run_id), stopped), daemon=True)
        beating.start()
        try:
            yield run
        finally:
            stopped.set()
            beating.join()
            if run.info.run_id not in self._kept:
                self._client.delete_run(run.info.run_id)

    def keep(self, run_id: str) -> None:
        """Let a run that claimed its cell stay: it is finished."""
        self._kept.add(run_id)

    def _claimed(self, cell_id: str, *, wait: bool, tell: Callable[[str], None]) -> "Run | None":
        since, has_said = time.monotonic(), False
        own: Run | None = self._make(cell_id)
        while True:
            own_id = None if own is None else own.info.run_id
            others = [run for run in self._of(cell_id) if run.info.run_id != own_id and self._is_alive(run)]
            if own is None and not others:
                own = self._make(cell_id)
                continue
            if not others:
                return own
            if own_id is not None and (not wait or min(run.info.run_id for run in others) < own_id):
                self._client.delete_run(own_id)
                own = None  # and none is made until the others have gone, so as not to be in their way
            if not wait:
                return None
            if not has_said and time.monotonic() - since >= SECONDS_BEFORE_SAYING_SO:
                pid, _, host = others[0].data.tags[_HOLDER].partition(" ")
                tell(f"Waiting for process {pid} on {host}, at work on cell {cell_id[:12]}.")
                has_said = True
            time.sleep(self._seconds_between_looks)

    def _make(self, cell_id: str) -> "Run":
        tags = {CLAIM: cell_id, _HOLDER: f"{os.getpid()} {platform.node()}", _PLACE: self._place, _BEAT: "0"}
        return self._client.create_run(self._experiment_id, tags=tags, run_name=f"claim of {cell_id[:12]}")

    def _of(self, cell_id: str) -> "list[Run]":
        claims = f"tags.`{CLAIM}` = '{cell_id}' and attributes.status = 'RUNNING'"
        return list(self._client.search_runs([self._experiment_id], claims))

    def _is_alive(self, run: "Run") -> bool:
        run_id, beat, now = run.info.run_id, run.data.tags.get(_BEAT, ""), time.monotonic()
        seen, since = self._seen.get(run_id, ("", now))
        if beat != seen:
            self._seen[run_id] = (beat, now)
            since = now
        is_dead = run.data.tags.get(_PLACE) == self._place or now - since > self._seconds_to_live
        if is_dead:
            self._client.delete_run(run_id)
        return not is_dead

    def _beat(self, run_id: str, stopped: Event) -> None:
        beats = 0
        while not stopped.wait(min(_SECONDS_BETWEEN_BEATS, self._seconds_to_live / 4)):
            beats += 1
            # A server that is away for a moment must not end the work; if it stays away, saving says so.
            with suppress(Exception):
                self._client.set_tag(run_id, _BEAT, str(beats))


def place_of(lock_folder: Path) -> str:
    """Names this machine and a folder of locks on it."""
    lock_folder.mkdir(parents=True, exist_ok=True)
    found = lock_folder.resolve()
    return f"{platform.node()}:{found}:{found.stat().st_ino}"
