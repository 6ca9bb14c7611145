"""Files that are either whole or absent, and locks between processes."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

_SECONDS_BEFORE_SAYING_SO = 1.0


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it is flushed to disk and renamed, on error removed.

    A reader, or a process that comes after ``kill -9``, sees the old file or the new one, never a part of it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole file atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write a whole UTF-8 file atomically."""
    write_bytes(path, text.encode("utf-8"))


def write_files(folder: Path, files: Mapping[str, bytes | str]) -> list[Path]:
    """Write files by their path below a folder, each whole or not at all. Returns where they lie, in this order."""
    for name, content in files.items():
        write_bytes(folder / name, content.encode("utf-8") if isinstance(content, str) else content)
    return [folder / name for name in files]


@contextmanager
def locked(path: Path, *, when_waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold the lock file ``path`` against other processes; the kernel frees it when its holder dies.

    Args:
        path: The lock file.
        when_waiting: Called once if another process still holds the lock after a second.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=-1 if when_waiting is None else _SECONDS_BEFORE_SAYING_SO)
    except Timeout:
        if when_waiting is not None:
            when_waiting()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
