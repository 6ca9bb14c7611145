"""Published hits before and after, read from a file in which percentages must be counts over n."""

import csv
import io
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, final

from misfire.core.errors import UsageError

_LISTS = ("cells", "table1")
_NESTED = re.compile(r"(recall|hit)_at_(\d+)")
_NOT_IN_LABEL = (
    "n",
    "label",
    "baseline_hits",
    "ensembled_hits",
    "baseline_percent",
    "ensembled_percent",
    "num_templates",
)
_MOST_QUERIES = 1_000_000_000
_LONGEST = 20  # of a number, in characters
_FORMAT = "a row needs n with baseline_hits and ensembled_hits, or baseline_percent and ensembled_percent"


@final
@dataclass(frozen=True)
class PublishedCounts:
    """Hits of two systems on the same queries.

    Args:
        label: What was compared.
        num_queries: On how many queries.
        baseline_hits: How many of them the baseline hits.
        ensembled_hits: How many of them the other system hits.

    Raises:
        UsageError: If there is no query or there are more hits than queries.
    """

    label: str
    num_queries: int
    baseline_hits: int
    ensembled_hits: int

    def __post_init__(self) -> None:
        if self.num_queries > _MOST_QUERIES:
            raise UsageError(
                f"{self.label} must have at most {_MOST_QUERIES:,} queries, got n={self.num_queries:,}; check the row."
            )
        hits = (self.baseline_hits, self.ensembled_hits)
        if self.num_queries < 1 or min(hits) < 0 or max(hits) > self.num_queries:
            raise UsageError(
                f"{self.label} must count its hits among n >= 1 queries, got {hits[0]} and {hits[1]} of "
                f"{self.num_queries}; check the row."
            )

    @property
    def net(self) -> int:
        """Hits won less hits lost."""
        return self.ensembled_hits - self.baseline_hits

    @property
    def gain(self) -> float:
        """The difference of the hit rates, as a fraction."""
        return self.net / self.num_queries


def read_published_counts(path: Path) -> list[PublishedCounts]:
    """Read a CSV or JSON file of published counts.

    A CSV has a header line and a row a comparison; a JSON file a list of such rows, or an object with that list under
    ``cells`` or ``table1``. In a JSON row ``recall_at_10: {"baseline": 45.83, "ensembled": 66.67}`` stands for a
    comparison of its own, in percent. What else a row says becomes its label, unless it has a ``label``.

    Raises:
        UsageError: If the file can't be read, a row lacks a number, or a percentage isn't a count over n as printed.
    """
    if path.suffix.lower() not in (".json", ".csv"):
        raise UsageError(f"audit must name a .json or .csv file, got {path.name}; docs/audit.md shows both.")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it isn't UTF-8 text"
        raise UsageError(f"audit must name a readable file, got {path}: {reason}; check the path.") from error
    rows = _json_rows(text, path) if path.suffix.lower() == ".json" else list(csv.DictReader(io.StringIO(text)))
    if not rows:
        raise UsageError(f"{path.name} must hold rows of published counts, got none; {_FORMAT}.")
    return [counts for number, row in enumerate(rows, start=1) for counts in _of_row(row, f"{path.name} row {number}")]


def count_of(percent: str, num_queries: int, where: str) -> int:
    """The one count over ``num_queries`` that is printed as this percentage, at as many decimals as it has.

    Args:
        percent: As printed.
        num_queries: The denominator.
        where: Which number it is, for the message.

    Raises:
        UsageError: If it isn't a percentage, no count prints so, or several do.

    Example:
        >>> count_of("45.83", 24, "a row")
        11
    """
    try:
        value = Decimal(percent.strip().removesuffix("%").strip())
    except InvalidOperation:
        value = Decimal("NaN")
    # Beyond what the arithmetic of decimals holds there is no count to be found.
    if not value.is_finite() or not 0 <= value <= 100 or len(percent) > _LONGEST or _exponent(value) < -_LONGEST:
        shown = repr(percent) if len(percent) <= _LONGEST else f"one of {len(percent):,} characters"
        raise UsageError(f"{where} must be a percentage from 0 to 100, got {shown}; write 45.83, or give counts.")
    half = Decimal(5).scaleb(min(_exponent(value), 0) - 1)
    low, high = (value - half) * num_queries / 100, (value + half) * num_queries / 100
    first, last = max(0, math.ceil(low)), min(num_queries, math.floor(high))
    if first == last:
        return first
    if first < last:
        raise UsageError(
            f"{where} must be one count over n, got {value} %, which {last - first + 1} counts of {num_queries} print "
            f"({first} to {last}); give counts, or more decimals."
        )
    nearest = round(value * num_queries / 100)
    raise UsageError(
        f"{where} must be a count over n, got {value} %, but {nearest} of {num_queries} is "
        f"{100 * nearest / num_queries:.2f} %; check n and the number."
    )


def _exponent(value: Decimal) -> int:
    return int(value.as_tuple().exponent)


def _json_rows(text: str, path: Path) -> list[Any]:
    try:
        content = json.loads(text, parse_float=str)  # as printed: its decimals say how it was rounded
    except json.JSONDecodeError as error:
        raise UsageError(f"{path.name} must be JSON, got {error.msg} in line {error.lineno}; mend the file.") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, lists in lists in lists
        raise UsageError(f"{path.name} must be JSON of rows, got {error}; mend the file.") from error
    if isinstance(content, dict):
        content = next((content[name] for name in _LISTS if name in content), None)
    if not isinstance(content, list):
        raise UsageError(
            f"{path.name} must be a list of rows, or hold one under {' or '.join(_LISTS)}, got neither; {_FORMAT}."
        )
    return content


def _of_row(row: Any, where: str) -> list[PublishedCounts]:
    if not isinstance(row, Mapping):
        raise UsageError(f"{where} must be an object with names, got {row!r:.60}; {_FORMAT}.")
    num_queries = _whole(row.get("n"), "n", where)
    if num_queries < 1:
        raise UsageError(f"{where} must have n >= 1, got {num_queries}; leave out comparisons without queries.")
    label = _label(row, where)
    nested = [(match[2], row[name]) for name in row if name and (match := _NESTED.fullmatch(str(name)))]
    if nested:
        return [_of_percent(value, f"{label} @{k}", num_queries, f"{where}, @{k},", "") for k, value in nested]
    if row.get("baseline_percent") not in (None, ""):
        return [_of_percent(row, label, num_queries, where, "_percent")]
    before, after = (_whole(row.get(name), name, where) for name in ("baseline_hits", "ensembled_hits"))
    return [PublishedCounts(label, num_queries, before, after)]


def _of_percent(row: Any, label: str, num_queries: int, where: str, suffix: str) -> PublishedCounts:
    if not isinstance(row, Mapping):
        raise UsageError(f"{where} must hold baseline and ensembled, got {row!r:.60}; write both in percent.")
    before, after = (
        count_of(str(row.get(f"{side}{suffix}", "")), num_queries, f"{where} {side}{suffix}")
        for side in ("baseline", "ensembled")
    )
    counts = PublishedCounts(label, num_queries, before, after)
    _check_delta(row.get("delta_pp"), counts, where)
    return counts


def _check_delta(delta: object, counts: PublishedCounts, where: str) -> None:
    """A printed difference is that of the counts, rounded, or that of the rounded rates."""
    if delta in (None, ""):
        return
    try:
        stated = float(str(delta))
    except ValueError:
        stated = math.nan
    if not abs(stated - 100 * counts.gain) <= 0.0151:
        raise UsageError(
            f"{where} delta_pp must be the difference of its hits, got {delta}, but {counts.baseline_hits} to "
            f"{counts.ensembled_hits} of {counts.num_queries} is {100 * counts.gain:+.2f}; check the row."
        )


def _whole(value: object, name: str, where: str) -> int:
    text = "" if value is None or isinstance(value, bool) else str(value).strip()
    if not re.fullmatch(r"-?\d+", text) or len(text) > _LONGEST:
        shown = repr(value) if len(text) <= _LONGEST else f"one of {len(text):,} characters"
        raise UsageError(f"{where} must have a whole number {name}, got {shown}; {_FORMAT}.")
    return int(text)


def _label(row: Mapping[str, Any], where: str) -> str:
    if row.get("label"):
        return str(row["label"])
    facts = [
        f"{name}={value}" if name == "tau" else str(value)
        for name, value in row.items()
        if isinstance(name, str) and name not in (*_NOT_IN_LABEL, "delta_pp") and isinstance(value, str | int) and value
    ]
    return " · ".join(facts) or where
