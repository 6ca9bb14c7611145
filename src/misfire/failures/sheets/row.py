"""What a row of a sheet says of its query, and what the annotator said of it."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from math import isfinite
from typing import NamedTuple

from misfire.core.errors import UsageError
from misfire.core.hashing import sha256_text
from misfire.failures.taxonomy import Label

_IMAGE_FILE = re.compile(r"(?:.*[/\\])?(?:COCO_[a-z]+\d*_)?0*(\d+)\.(?:jpe?g|png|webp)", re.IGNORECASE)
_SPREADSHEET_LETTERS = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2026": "..."})
# What stands where XML could not hold a character.
_LOST = "\N{REPLACEMENT CHARACTER}"
_EARLIEST_HASH = 12


class Place(NamedTuple):
    """Where a row stands: its sheet and the number that a spreadsheet shows."""

    sheet: str
    row: int

    def __str__(self) -> str:
        return f"{self.sheet} row {self.row}"


@dataclass(frozen=True)
class SheetRow:
    """One row. What a sheet leaves out is None, or empty where it's a text.

    ``written`` are the two cells of the label as they stand in the file; ``label`` is what they were taken for.
    ``repeat_of`` says that the row shows a query again to measure consistency. ``sequence`` orders an annotator's rows
    in time.
    """

    place: Place
    annotator: str
    query_id: int | None
    text_sha256: str
    failure_set: str
    idx: str
    caption: str
    target: str
    retrieved: str
    written: tuple[str, str]
    label: Label | None = None
    notes: str = ""
    seconds: float | None = None
    is_repeat: bool = False
    sequence: float | None = None

    @property
    def content(self) -> tuple[str, str, str]:
        """Caption, target and retrieved image in the form in which rows are compared."""
        return text_key(self.caption), self.target, self.retrieved

    @property
    def name(self) -> str:
        """What the query is called in messages."""
        if self.query_id is not None:
            return f"query {self.query_id}"
        return f"idx {self.idx}" if self.idx else f"{self.caption[:40]!r}"


@lru_cache(maxsize=8192)  # the same caption stands in several sheets and is compared several times
def text_key(caption: str) -> str:
    """A caption without what spreadsheets change unasked: spaces, quotes' shapes, guards, control characters.

    Example:
        >>> text_key("A  man\\r\\nand \u201ca dog\u201d "), text_key("'=1")
        ('A man and "a dog"', '=1')
    """
    composed = unicodedata.normalize("NFC", caption).translate(_SPREADSHEET_LETTERS)
    kept = "".join(
        " " if letter.isspace() or letter in _LOST or unicodedata.category(letter) == "Cc" else letter
        for letter in composed
        if unicodedata.category(letter) not in ("Cf", "Cs", "Cn")
    )
    joined = " ".join(kept.split())
    return re.sub(r"^'+(?=\s*[=+\-@])", "", joined)


def repaired(caption: str) -> str:
    """The caption where UTF-8 had been read as cp1252; as it is where it hadn't.

    Example:
        >>> repaired("caf\u00c3\u00a9"), repaired("caf\u00e9")
        ('café', 'café')
    """
    try:
        return caption.encode("cp1252").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return caption


def fits_hash(caption: str, text_sha256: str) -> bool | None:
    """Whether a caption has that SHA-256; None where a spreadsheet has mangled it beyond use.

    A caption in which only spaces were changed doesn't have its own any more, so that the caller compares texts too.
    """
    digits = text_sha256.strip().lower()
    if not re.fullmatch(f"[0-9a-f]{{{_EARLIEST_HASH},64}}", digits):
        return None
    return sha256_text(caption).startswith(digits)


def row_from(cells: Mapping[str, str], place: Place, annotator: str) -> SheetRow:
    """A row from its cells by column, without a label yet.

    Raises:
        UsageError: If a number isn't one.
    """
    number = _whole(cells.get("query_id", ""))
    if number is None and cells.get("query_id", "").strip():
        raise UsageError(f"query_id must be a whole number, got {cells['query_id']!r}")
    return SheetRow(
        place=place,
        annotator=cells.get("annotator", "").strip() or annotator,
        query_id=number,
        text_sha256=cells.get("text_sha256", "").strip().lower(),
        failure_set=cells.get("failure_set", "").strip().lower(),
        idx=_identifier(cells.get("idx", "")),
        caption=cells.get("caption", ""),
        target=_identifier(cells.get("gt_img_idx", "")),
        retrieved=_identifier(cells.get("pred_img_idx", "")),
        written=(cells.get("category", ""), cells.get("ambiguous_subtype", "")),
        notes=cells.get("notes", "").strip(),
        seconds=_real(cells.get("seconds", ""), "seconds"),
        is_repeat=cells.get("repeat_of", "").strip() != "",
        sequence=_real(cells.get("sequence", ""), "sequence"),
    )


def _whole(text: str) -> int | None:
    """A whole number as people's programs write it: ``12``, ``012``, ``12.0``, ``1.2E+1``; None for anything else."""
    try:
        value = Decimal(text.strip().replace(",0", ".0") if re.fullmatch(r"\s*\d+,0+\s*", text) else text.strip())
    except InvalidOperation:
        return None
    is_whole = value.is_finite() and 0 <= value < 2**63 and value == value.to_integral_value()
    return int(value) if is_whole else None


def _identifier(text: str) -> str:
    """An id in one spelling: whole numbers without zeros before or behind, image files by their number."""
    number = _whole(text)
    if number is not None:
        return str(number)
    file = _IMAGE_FILE.fullmatch(text.strip())
    return str(int(file.group(1))) if file else text.strip()


def _real(text: str, what: str) -> float | None:
    if not text.strip():
        return None
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        value = float("nan")
    if not isfinite(value) or value < 0:
        raise UsageError(f"{what} must be a number of at least 0, got {text!r}")
    return value
