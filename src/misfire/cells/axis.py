"""One thing that a search varies, and when it applies."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, final, runtime_checkable

from typing_extensions import override

from misfire.core.errors import UsageError

Value = str | float | int | bool
Setting = Mapping[str, Value]


@runtime_checkable
class Suggests(Protocol):
    """Whoever chooses values: Optuna's trial, or a generator of ours with the same two methods."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """One of the choices."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """A number from ``low`` to ``high``, uniform in its logarithm where ``log`` says so."""


class Axis(ABC):
    """One thing that varies: a key of the configuration and its values."""

    key: str
    when: Mapping[str, Sequence[Value]]

    def applies(self, setting: Setting) -> bool:
        """Whether the values chosen before it call for this axis (a temperature for a pooling that has one)."""
        return all(setting.get(key) in values for key, values in self.when.items())

    @abstractmethod
    def suggest(self, trial: Suggests) -> Value:
        """A value, chosen by ``trial``."""

    @property
    @abstractmethod
    def num_values(self) -> int:
        """How many values a grid takes; 1 where nothing says."""

    @abstractmethod
    def grid(self) -> tuple[Value, ...]:
        """The values of a grid.

        Raises:
            UsageError: If nothing says how many there are.
        """


@final
@dataclass(frozen=True)
class Choice(Axis):
    """A few values to choose from.

    Args:
        key: Group or key of the configuration.
        values: The values, in order.
        when: Values of earlier axes that this one needs; always where it's empty.

    Raises:
        UsageError: If there is no value, or one stands twice.
    """

    key: str
    values: tuple[Value, ...]
    when: Mapping[str, Sequence[Value]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.values or len({str(value) for value in self.values}) < len(self.values):
            raise UsageError(
                f"an axis must list different values, got {list(self.values)} for {self.key}; list each once."
            )

    @override
    def suggest(self, trial: Suggests) -> Value:
        chosen: Value = trial.suggest_categorical(self.key, list(self.values))
        return chosen

    @property
    @override
    def num_values(self) -> int:
        return len(self.values)

    @override
    def grid(self) -> tuple[Value, ...]:
        return self.values


@final
@dataclass(frozen=True)
class Range(Axis):
    """A range of numbers.

    Args:
        key: Key of the configuration.
        low: Its least value.
        high: Its greatest.
        is_log: Whether the logarithm is uniform rather than the number.
        num_points: How many values a grid takes, both ends among them; ``None`` where no grid is asked for.
        when: Values of earlier axes that this one needs; always where it's empty.

    Raises:
        UsageError: If the range is empty or not finite, its logarithm is, or a grid would take fewer than two values.

    Example:
        >>> [round(value, 4) for value in Range("pooling.tau", 0.01, 1, is_log=True, num_points=3).grid()]
        [0.01, 0.1, 1.0]
    """

    key: str
    low: float | int
    high: float | int
    is_log: bool = False
    num_points: int | None = None
    when: Mapping[str, Sequence[Value]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        is_range = math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high
        if not is_range or (self.is_log and self.low <= 0):
            raise UsageError(
                f"a range must go from low to a greater high, from above 0 with log, got {self.low} to {self.high} for "
                f"{self.key}; mend it."
            )
        if self.num_points is not None and self.num_points < 2:
            raise UsageError(f"points must be >= 2, got {self.num_points} for {self.key}; a list takes single values.")

    @override
    def suggest(self, trial: Suggests) -> Value:
        return trial.suggest_float(self.key, float(self.low), float(self.high), log=self.is_log)

    @property
    @override
    def num_values(self) -> int:
        return self.num_points or 1

    @override
    def grid(self) -> tuple[Value, ...]:
        if self.num_points is None:
            raise UsageError(f"a grid must say how many points a range has, got none for {self.key}; add points: 12.")
        places = [place / (self.num_points - 1) for place in range(1, self.num_points - 1)]
        # The ends as they were written: a rounded end would be outside the range.
        return (float(self.low), *map(self._between, places), float(self.high))

    def _between(self, place: float) -> float:
        if self.is_log:
            return math.exp((1 - place) * math.log(self.low) + place * math.log(self.high))
        return (1 - place) * self.low + place * self.high
