"""Files that are small on disk and huge in memory: refused before anything is unpacked."""

from pathlib import Path
from typing import Final

from misfire.core.errors import UsageError

_ALWAYS_TAKEN: Final = 2**29
"""Bytes that any file may unpack to."""

_MOST_TIMES: Final = 200
"""What real tables shrink by stays far below; a file of nothing but zeros shrinks by a thousand."""


def check_expansion(path: Path, num_bytes: int, what: str) -> None:
    """Refuse a packed file that would fill the memory.

    Args:
        path: The file.
        num_bytes: What it says that it unpacks to.
        what: What it is, for the message ("a table").

    Raises:
        UsageError: If that is more than half a gigabyte and more than 200 times the file's size.
    """
    size = path.stat().st_size
    if num_bytes > max(_ALWAYS_TAKEN, _MOST_TIMES * size):
        raise UsageError(
            f"{what} must not unpack to more than {_MOST_TIMES} times its size, got {num_bytes:,} bytes out of "
            f"{size:,} in {path}; write it again, as CSV where it really holds so little."
        )
