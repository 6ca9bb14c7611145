"""Which inputs the store lacks, found while others are being encoded already."""

import threading
import time
from collections.abc import Iterable, Iterator
from queue import SimpleQueue

from misfire.embeddings.inputs import Inputs
from misfire.embeddings.store import EmbeddingTable


class MissingInputs:
    """Positions of the inputs without an embedding, in order, each content once; it can be run through once.

    Naming an image's content means reading its file, so a large dataset takes a while, and the first batch shouldn't
    wait for the last name.
    """

    def __init__(self, inputs: Inputs, table: EmbeddingTable) -> None:
        self._inputs, self._table = inputs, table
        self._seen: dict[str, None] = {}
        self._num_looked_at = 0
        self._positions = self._look()

    def __iter__(self) -> Iterator[int]:
        return self._positions

    def first(self, *, seconds: float) -> list[int]:
        """Those that are found in so much time, at least one if there is one."""
        end = time.monotonic() + seconds
        found = []
        for position in self._positions:
            found.append(position)
            if time.monotonic() > end:
                break
        return found

    def _look(self) -> Iterator[int]:
        for position in range(len(self._inputs)):
            content = self._inputs.content(position)
            self._num_looked_at = position + 1
            if content not in self._table and content not in self._seen:
                self._seen[content] = None
                yield position

    @property
    def is_complete(self) -> bool:
        """Whether all inputs have been looked at."""
        return self._num_looked_at == len(self._inputs)

    @property
    def most(self) -> int:
        """How many there can be: how many there are once all inputs have been looked at."""
        return len(self._seen) + len(self._inputs) - self._num_looked_at

    @property
    def contents(self) -> list[str]:
        """The contents of the positions handed out so far, in order."""
        return list(self._seen)


class ReadAhead:
    """Runs through some positions in a thread that starts with the first look, and hands them on in order.

    Worker processes should be forked before that: a fork beside a running thread can copy a lock that nobody frees.
    """

    def __init__(self, positions: Iterable[int]) -> None:
        self._positions = positions
        self._queue: SimpleQueue[int | None] = SimpleQueue()
        self._is_stopped = threading.Event()
        self._error: Exception | None = None

    def __iter__(self) -> Iterator[int]:
        threading.Thread(target=self._run, name="looking", daemon=True).start()
        while (position := self._queue.get()) is not None:
            yield position
        self.check()

    def check(self) -> None:
        """Raise what went wrong in the thread: a missing file should be told before an hour of encoding."""
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """End the thread after the position in hand."""
        self._is_stopped.set()

    def _run(self) -> None:
        try:
            for position in self._positions:
                if self._is_stopped.is_set():
                    break
                self._queue.put(position)
        except Exception as error:  # raised again where somebody sees it
            self._error = error
        finally:
            self._queue.put(None)
