"""Rows that say something else of their query than the failure set, or than another sheet, does."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from misfire.core.errors import name_some
from misfire.failures.sheets import Place, SheetRow, text_key
from misfire.failures.sheets.row import fits_hash, repaired

_MOST_CHARACTERS = 60


@dataclass(frozen=True)
class Mismatch:
    """A disagreement about what a row is of.

    ``is_joined`` says whether the rows count as the same query all the same, because text and both images agree.
    """

    item: str
    what: str
    detail: str
    places: tuple[Place, ...]
    is_joined: bool = False

    def line(self) -> str:
        """One line for people."""
        rows = [str(place) for place in self.places if str(place) not in self.detail]
        return f"{self.item}: {self.what}; {self.detail}{f' ({name_some(rows)})' if rows else ''}"

    def to_json(self) -> dict[str, Any]:
        """The same as a JSON value."""
        return {
            "item": self.item,
            "what": self.what,
            "detail": self.detail,
            "rows": [str(place) for place in self.places],
            "is_joined": self.is_joined,
            "line": self.line(),
        }


def same_text(first: str, second: str) -> bool:
    """Whether two captions differ at most by what spreadsheets change unasked, a wrong encoding included."""
    if first == second:
        return True
    keys = {text_key(first), text_key(repaired(first))}
    return bool(keys & {text_key(second), text_key(repaired(second))})


def own_hash_fails(row: SheetRow) -> bool:
    """Whether a row's hash is of another text than its caption, such as after a column was sorted by itself."""
    if not row.text_sha256 or not row.caption:
        return False
    if fits_hash(row.caption, row.text_sha256) is not False:  # nearly always, so that no variant need be made
        return False
    bare = row.caption.strip()
    breaks = (row.caption.replace("\r\n", "\n"), row.caption.replace("\r\n", "\n").replace("\n", "\r\n"))
    tails = (f"{bare}\n", f"{bare} ", f" {bare}", f"{bare}\r\n")
    variants = (bare, text_key(row.caption), repaired(row.caption), *breaks, *tails)
    return not any(fits_hash(variant, row.text_sha256) for variant in variants)


def differences(first: SheetRow, second: SheetRow) -> list[tuple[str, str]]:
    """What two rows disagree about, with both values; what one of them leaves out is no disagreement."""
    found = []
    if first.caption and second.caption and not same_text(first.caption, second.caption):
        found.append(("text", f"{short(first.caption)} against {short(second.caption)}"))
    if first.target and second.target and first.target != second.target:
        found.append(("target", f"{first.target} against {second.target}"))
    if first.retrieved and second.retrieved and first.retrieved != second.retrieved:
        found.append(("retrieved image", f"{first.retrieved} against {second.retrieved}"))
    return found


def between(item: str, rows: Sequence[SheetRow], *, is_joined: bool = False) -> Mismatch | None:
    """The mismatch of rows that should be of one query, each value with its rows; None where they agree."""
    ordered = sorted(rows, key=lambda row: row.place)
    what = dict.fromkeys(name for row in ordered for name, _ in differences(ordered[0], row))
    if not what:
        return None
    details = "; ".join(f"{name}: {_readings(name, ordered)}" for name in what)
    return Mismatch(item, " and ".join(what) + differ(what), details, tuple(row.place for row in ordered), is_joined)


def _readings(what: str, rows: Sequence[SheetRow]) -> str:
    """Every value of one thing, with its rows, in the order of the rows."""
    by_value: dict[str, list[SheetRow]] = {}
    for row in rows:
        values = {"text": text_key(row.caption), "target": row.target, "retrieved image": row.retrieved}
        if values[what]:
            by_value.setdefault(values[what], []).append(row)
    return " against ".join(
        f"{short(value) if what == 'text' else value} in {', '.join(str(row.place) for row in having)}"
        for value, having in by_value.items()
    )


def differ(what: Iterable[str]) -> str:
    """The verb for one or more things."""
    return " differs" if len(list(what)) == 1 else " differ"


def short(caption: str) -> str:
    """A caption for a message."""
    flat = " ".join(caption.split())
    return repr(flat if len(flat) <= _MOST_CHARACTERS else f"{flat[: _MOST_CHARACTERS - 3]}...")
