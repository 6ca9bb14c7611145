"""What is printed may find no reader (`| head`), or a reader that can't take a letter; the work goes on regardless."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO, cast

from typing_extensions import override

from misfire.core.pulse import heard


class _Patient(io.TextIOBase):
    """A stream that prints as long as somebody reads, and is silent afterwards.

    Args:
        stream: Where it prints. A letter that its encoding lacks is written as an escape.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_read = True

    @override
    def write(self, text: str) -> int:
        if self._is_read:
            heard()
            try:
                return self._stream.write(text)
            except UnicodeEncodeError:
                known = self._stream.encoding or "ascii"
                return self._stream.write(text.encode(known, errors="backslashreplace").decode(known))
            except OSError:
                self._stop()
        return len(text)

    @override
    def flush(self) -> None:
        if self._is_read:
            try:
                self._stream.flush()
            except OSError:
                self._stop()

    def _stop(self) -> None:
        # What is buffered has nowhere to go; the interpreter would complain of it at its end.
        self._is_read = False
        try:
            sink = os.open(os.devnull, os.O_WRONLY)
            os.dup2(sink, self._stream.fileno())
            os.close(sink)
        except (OSError, ValueError):
            return

    @override
    def isatty(self) -> bool:
        return self._stream.isatty()

    @override
    def fileno(self) -> int:
        return self._stream.fileno()

    @property
    @override
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding


@contextmanager
def work_outlives_its_readers() -> Iterator[None]:
    """Print as long as somebody reads: a closed pipe or a full disk behind it ends the printing, not the work."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast("TextIO", _Patient(stream)) for stream in before)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = before
