"""A text file as programs save it: UTF-8, UTF-16 with or without its mark, or what Windows took for text."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from misfire.core.errors import UsageError

SEPARATORS: Final = (",", ";", "\t", "|")
"""What spreadsheets put between the cells of a line, the commonest first."""

_MARKS: Final = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


@final
@dataclass(frozen=True)
class DecodedText:
    """A file's text, and what was odd about its encoding in sentences for its reader."""

    text: str
    remarks: tuple[str, ...] = ()


def read_text_file(path: Path, what: str) -> DecodedText:
    """The text of a file in any of the encodings that people's programs write.

    Args:
        path: The file.
        what: What it is, for messages ("a sheet").

    Raises:
        UsageError: If it can't be read, or is no text in UTF-8, UTF-16 or cp1252.
    """
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise UsageError(f"{what} must be a readable file, got {path}: {reason}; check its name.") from error
    return decoded(data, path, what)


def decoded(data: bytes, path: Path, what: str) -> DecodedText:
    """The text that some bytes are; arguments and errors are those of :func:`read_text_file`."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return DecodedText(_strictly(data, encoding, path, what))
    # ASCII in UTF-16 has a zero beside every letter, on the side that tells the byte order.
    for parity, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        half = data[parity:400:2]
        if len(half) >= 4 and half.count(0) > 0.7 * len(half):
            return DecodedText(_strictly(data, encoding, path, what), ("it is UTF-16 without a byte-order mark",))
    try:
        return DecodedText(data.decode("utf-8"))
    except UnicodeDecodeError:
        text = _strictly(data, "cp1252", path, what)
    letters = sorted({letter for letter in text if ord(letter) > 127})
    return DecodedText(
        text, (f"it isn't UTF-8 and was read as cp1252, which gave {' '.join(letters[:12])}; save it as UTF-8",)
    )


def separated(text: str, separator: str, path: Path, what: str) -> list[tuple[int, list[str]]]:
    """The rows of a table with the line on which each ends, from 1.

    Raises:
        UsageError: If quotes are open at the end, or a cell is larger than any that a spreadsheet has.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        return [(reader.line_num, cells) for cells in reader]
    except csv.Error as error:
        raise UsageError(
            f"{what} must be whole CSV, got {path.name}: {error} near line {reader.line_num}; mend the quotes there, "
            "or save it again from the spreadsheet."
        ) from error


def likely_separator(header: str, wanted: Sequence[str]) -> str:
    """The mark under which a header names most of the columns that are wanted; the comma where it names none.

    Example:
        >>> likely_separator("query_id;caption, in German", ["query_id", "caption"])
        ';'
    """

    def num_named(separator: str) -> int:
        cells = next(csv.reader([header], delimiter=separator), [])
        return len({cell.strip() for cell in cells} & set(wanted))

    return max(SEPARATORS, key=num_named)


def _strictly(data: bytes, encoding: str, path: Path, what: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{what} must be text in UTF-8, UTF-16 or cp1252, got {path}: {error}; save it as UTF-8."
        ) from error
