"""An annotator's log on disk: append-only, one event a line, flushed before anybody is told that it is kept."""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from misfire.annotation.events import AnnotationEvent, event_from_line
from misfire.core.errors import UsageError
from misfire.core.files import locked
from misfire.failures import check_annotator_names

Decision = Callable[[tuple[AnnotationEvent, ...]], AnnotationEvent | None]


@dataclass(frozen=True)
class LogContent:
    """A log's events in their order, and the numbers of the lines that a kill or a power cut tore."""

    events: tuple[AnnotationEvent, ...]
    damaged_lines: tuple[int, ...]


def log_path(folder: Path, annotator: str) -> Path:
    """Where an annotator's log of the failure set in ``folder`` lies.

    Raises:
        UsageError: If the name can't be a file's.
    """
    check_annotator_names([annotator])
    return folder / "annotations" / f"{annotator}.jsonl"


class LabelLog:
    """Reads and appends under a lock between processes; what was once appended is never rewritten.

    A last line without its end is read where it is whole; the next event starts a line of its own, so that a torn
    line costs itself alone.

    Args:
        path: The file; made with its folder when the first event comes.
        failure_set: Digest of the failure set that every event must name.
    """

    def __init__(self, path: Path, failure_set: str) -> None:
        self.path = path
        self.failure_set = failure_set
        self._thread_lock = threading.Lock()
        self._forget()

    def read(self) -> LogContent:
        """Everything that the log holds now, whoever wrote it.

        Raises:
            UsageError: If an event is of another failure set.
        """
        if not self.path.exists():
            return LogContent((), ())
        with self._thread_lock, locked(self._lock_path):
            tail = self._catch_up()
            return self._content(tail)

    def append(self, event_id: str, decide: Decision) -> AnnotationEvent | None:
        """The event that now has this id on disk: the one that was there, or what ``decide`` makes of the log.

        Args:
            event_id: Whoever sends an event twice sends one id.
            decide: Sees the log's events under the lock and returns the event to append, or None for nothing; the
                sequence is set here.

        Raises:
            OSError: If it can't be written; then it isn't part of the log.
            UsageError: If the log is of another failure set.
        """
        with self._thread_lock, locked(self._lock_path):
            tail = self._catch_up()
            events = self._content(tail).events
            present = next((event for event in events if event.id == event_id), None)
            decided = present or decide(events)
            if present is None and decided is not None:
                decided = replace(decided, sequence=len(events) + 1)
                self._write((b"\n" if tail else b"") + decided.to_line())
            return decided

    @property
    def _lock_path(self) -> Path:
        return self.path.with_name(f".{self.path.name}.lock")

    def _forget(self) -> None:
        self._events: list[AnnotationEvent] = []
        self._damaged: list[int] = []
        self._offset = self._num_lines = 0

    def _catch_up(self) -> bytes:
        """Read what was added since, by us or another process; returns the last line where it has no end."""
        if not self.path.exists() or self.path.stat().st_size < self._offset:
            self._forget()
        if not self.path.exists():
            return b""
        with self.path.open("rb") as file:
            file.seek(self._offset)
            added = file.read()
        whole, end, tail = added.rpartition(b"\n")
        for line in whole.split(b"\n") if end else ():
            self._num_lines += 1
            self._take(line)
        self._offset += len(whole) + len(end)
        return tail

    def _take(self, line: bytes) -> None:
        try:
            if line.strip():
                self._events.append(self._checked(event_from_line(line)))
        except UsageError:
            raise
        except ValueError:
            self._damaged.append(self._num_lines)

    def _content(self, tail: bytes) -> LogContent:
        if not tail:
            return LogContent(tuple(self._events), tuple(self._damaged))
        try:
            return LogContent((*self._events, self._checked(event_from_line(tail))), tuple(self._damaged))
        except UsageError:
            raise
        except ValueError:
            return LogContent(tuple(self._events), (*self._damaged, self._num_lines + 1))

    def _checked(self, event: AnnotationEvent) -> AnnotationEvent:
        if event.failure_set != self.failure_set:
            raise UsageError(
                f"the log {self.path} must be of failure set {self.failure_set[:12]}, got an event of "
                f"{event.failure_set[:12]}; move the log to its own failure set's folder."
            )
        return event

    def _write(self, data: bytes) -> None:
        is_new = not self.path.exists()
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            # A full disk takes a part and says so; then the rest raises, and the part is a torn line.
            while data:
                data = data[os.write(descriptor, data) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if is_new:
            _flush_folder(self.path.parent)


def _flush_folder(folder: Path) -> None:
    """A new file's name is on disk only when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
