"""Estimates: the one tidy table from which metrics, notes, tables, decisions and objectives are read."""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Literal, final

from misfire.core.errors import IntegrityError, UsageError

Unit = Literal["fraction", "difference", "count", "p", "score", "seconds"]
"""How a number is to be read: ``fraction`` in [0, 1], ``difference`` of two fractions, ``count``, ``p``-value,
``score`` without a unit, ``seconds``. Fractions stay fractions here; percentage points are for printers."""

_SCALE: Mapping[str, tuple[float, str]] = {"difference": (100.0, "_pp")}
_DIGITS_OF_POINTS = 4


@final
@dataclass(frozen=True)
class Estimate:
    """One number.

    Args:
        metric: What was measured, with the task before it: ``t2i/hit``, ``accuracy``.
        value: The number, in ``unit``; NaN where it is undefined.
        k: Cut-off, where the metric has one.
        group: Of which units, by which system, or of what kind: ``delta``, ``complement/fixed``; may be empty.
        unit: How to read it.
        low: Lower end of its interval; NaN without one.
        high: Upper end.
        n: Units that it was computed from; None where that isn't a count of units.
        is_tracked: Whether it is one of the few that a run shows as metrics; the others stay in the table.
    """

    metric: str
    value: float
    k: int | None = None
    group: str = ""
    unit: Unit = "fraction"
    low: float = math.nan
    high: float = math.nan
    n: int | None = None
    is_tracked: bool = True

    @property
    def key(self) -> tuple[str, int | None, str]:
        """What it is found by."""
        return self.metric, self.k, self.group

    @property
    def tracked_name(self) -> str:
        """Its name as a tracked metric.

        Example:
            >>> Estimate("t2i/hit", 0.5, k=10, group="ensembled").tracked_name
            't2i/hit_at_10/ensembled'
        """
        cut_off = "" if self.k is None else f"_at_{self.k}"
        return f"{self.metric}{cut_off}{f'/{self.group}' if self.group else ''}"


_COLUMNS = tuple(field.name for field in fields(Estimate))


@final
@dataclass(frozen=True)
class Estimates:
    """A table of estimates, each key once.

    Raises:
        UsageError: If a key stands twice.

    Example:
        >>> table = Estimates((Estimate("accuracy", 0.75, n=4),))
        >>> table.at("accuracy").value
        0.75
    """

    rows: tuple[Estimate, ...]

    def __post_init__(self) -> None:
        if len(self._by_key) < len(self.rows):
            keys = [row.key for row in self.rows]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise UsageError(f"estimates must have different keys, got {twice} twice; give one of them a group.")

    @classmethod
    def of(cls, rows: Iterable[Estimate]) -> "Estimates":
        """The table of some rows."""
        return cls(tuple(rows))

    @cached_property
    def _by_key(self) -> dict[tuple[str, int | None, str], Estimate]:
        return {row.key: row for row in self.rows}

    def __iter__(self) -> Iterator[Estimate]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def find(self, metric: str, *, k: int | None = None, group: str = "") -> Estimate | None:
        """The estimate of a key, or None."""
        return self._by_key.get((metric, k, group))

    def at(self, metric: str, *, k: int | None = None, group: str = "") -> Estimate:
        """The estimate of a key.

        Raises:
            UsageError: If there is none.
        """
        found = self.find(metric, k=k, group=group)
        if found is None:
            wanted = Estimate(metric, math.nan, k=k, group=group).tracked_name
            near = ", ".join(row.tracked_name for row in self.rows[:6])
            raise UsageError(f"an estimate must be one of the cell's, got {wanted}; there are {near}, ...")
        return found

    def metrics(self) -> dict[str, float]:
        """The tracked estimates under their tracked names; what is undefined is left out.

        Differences are told in percentage points, and say so; the ends of intervals follow as ``_low`` and ``_high``.
        """
        found = {}
        for row in self.rows:
            if row.is_tracked:
                scale, suffix = _SCALE.get(row.unit, (1.0, ""))
                for end, value in (("", row.value), ("_low", row.low), ("_high", row.high)):
                    if math.isfinite(value):
                        told = float(scale * value)
                        # The tracker's pages print every digit; four of a percentage point are plenty there.
                        found[f"{row.tracked_name}{end}{suffix}"] = round(told, _DIGITS_OF_POINTS) if suffix else told
        return found

    def to_csv(self) -> str:
        """The table as CSV that :meth:`from_csv` reads back to the last bit; an undefined number is an empty field."""
        text = io.StringIO()
        lines = csv.writer(text, lineterminator="\n")
        lines.writerow(_COLUMNS)
        for row in self.rows:
            lines.writerow([_written(getattr(row, name)) for name in _COLUMNS])
        return text.getvalue()

    @classmethod
    def from_csv(cls, text: str) -> "Estimates":
        """Read what :meth:`to_csv` wrote.

        Raises:
            IntegrityError: If it isn't such a table.
        """
        try:
            header, *lines = csv.reader(io.StringIO(text))
            if tuple(header) != _COLUMNS:
                raise ValueError(f"columns {header}")
            return cls(tuple(_read(line) for line in lines))
        except (ValueError, IndexError) as error:
            raise IntegrityError(
                f"stored estimates must be a table of {', '.join(_COLUMNS)}, got {error}; run the cell again."
            ) from error


def _written(value: str | int | float | bool | None) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return repr(float(value)) if isinstance(value, float) else str(value)


def _read(line: list[str]) -> Estimate:
    metric, value, k, group, unit, low, high, n, is_tracked = line
    numbers = [float(one) if one else math.nan for one in (value, low, high)]
    return Estimate(
        metric=metric,
        value=numbers[0],
        k=int(k) if k else None,
        group=group,
        unit=unit,  # type: ignore[arg-type]  # what was written is a unit
        low=numbers[1],
        high=numbers[2],
        n=int(n) if n else None,
        is_tracked=is_tracked == "True",
    )
