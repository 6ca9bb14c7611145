"""Who works on a cell: locks between the processes of a machine, which the kernel frees when their holder dies."""

import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from misfire.core.errors import UsageError
from misfire.core.progress import say

SECONDS_BEFORE_SAYING_SO = 1.0


@contextmanager
def held(lock_file: Path, *, wait: bool = True, what: str, tell: Callable[[str], None] = say) -> Iterator[bool]:
    """Hold a lock against other processes of this machine; yields whether it is ours.

    Args:
        lock_file: The lock. Beside it stands who holds it.
        wait: Whether to wait for another holder; after a second it is said whom we wait for.
        what: What the holder works on, in words.
        tell: Says it.

    Raises:
        UsageError: If the lock's folder can't be written to.
    """
    holder = lock_file.with_suffix(".holder")
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
    finally:
        with suppress(OSError):
            holder.unlink(missing_ok=True)
        lock.release()


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
