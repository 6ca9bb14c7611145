"""What a search may vary: axes, when each applies, and the command-line words that one setting stands for."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, final, runtime_checkable

from typing_extensions import override

from misfire.core.errors import UsageError, name_some

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
    low: float
    high: float
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
        return trial.suggest_float(self.key, self.low, self.high, log=self.is_log)

    @override
    def grid(self) -> tuple[Value, ...]:
        if self.num_points is None:
            raise UsageError(f"a grid must say how many points a range has, got none for {self.key}; add points: 12.")
        places = [place / (self.num_points - 1) for place in range(1, self.num_points - 1)]
        # The ends as they were written: a rounded end would be outside the range.
        return (self.low, *map(self._between, places), self.high)

    def _between(self, place: float) -> float:
        if self.is_log:
            return math.exp((1 - place) * math.log(self.low) + place * math.log(self.high))
        return (1 - place) * self.low + place * self.high


@final
@dataclass(frozen=True)
class TemplateSubset:
    """Which templates of a set are asked: the first, the plain caption as a rule, always; each other or not.

    Args:
        name: The set's name: a choice of the group ``templates``.
        templates: Its templates, in order.

    Raises:
        UsageError: If the set has no second template.
    """

    name: str
    templates: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.templates) < 2:
            raise UsageError(
                f"a subset of templates needs a set of two or more, got {len(self.templates)} in {self.name}; name "
                "another set."
            )

    @property
    def axes(self) -> tuple[Choice, ...]:
        """One axis a template that may be left out."""
        return tuple(Choice(self._key(number), (True, False)) for number in range(2, len(self.templates) + 1))

    def words(self, setting: Setting) -> list[str]:
        """The group, and the templates that the setting keeps under a name that says which."""
        kept = [1, *(number for number in range(2, len(self.templates) + 1) if setting[self._key(number)])]
        texts = ",".join(quoted(self.templates[number - 1]) for number in kept)
        name = f"{self.name}[{'+'.join(map(str, kept))}]"
        return [f"templates={self.name}", f"templates.templates=[{texts}]", f"templates.name={quoted(name)}"]

    @staticmethod
    def _key(number: int) -> str:
        return f"template {number}"


@final
@dataclass(frozen=True)
class SearchSpace:
    """Axes in the order in which they are chosen, and a subset of templates where one is searched for.

    Raises:
        UsageError: If there is nothing to vary, a key stands twice, or an axis waits for one that doesn't come before.
    """

    axes: tuple[Axis, ...]
    template_subset: TemplateSubset | None = None

    def __post_init__(self) -> None:
        keys = [axis.key for axis in self.all_axes]
        if not keys:
            raise UsageError("a search must have something to vary, got an empty space; add pooling: [max, mean].")
        repeated = [key for index, key in enumerate(keys) if key in keys[:index]]
        if repeated:
            raise UsageError(f"a key must stand once in a space, got {name_some(repeated)} twice; drop one.")
        for index, axis in enumerate(self.axes):
            strangers = [key for key in axis.when if key not in keys[:index]]
            if strangers:
                raise UsageError(
                    f"when must name axes that stand before, got {name_some(strangers)} for {axis.key}; reorder them."
                )

    @property
    def all_axes(self) -> tuple[Axis, ...]:
        """The axes, those of the templates last."""
        return (*self.axes, *(self.template_subset.axes if self.template_subset else ()))

    def suggest(self, trial: Suggests) -> Setting:
        """One setting: a value for every axis that applies."""
        return self._chosen(lambda axis: axis.suggest(trial))

    def _chosen(self, choose: Callable[[Axis], Value]) -> dict[str, Value]:
        setting: dict[str, Value] = {}
        for axis in self.all_axes:
            if axis.applies(setting):
                setting[axis.key] = choose(axis)
        return setting

    def grid(self) -> list[Setting]:
        """Every setting of the grid once, the last axis fastest.

        Raises:
            UsageError: If a range doesn't say how many points it has.

        Example:
            >>> tau = Range("pooling.tau", 0.1, 1, num_points=2, when={"pooling": ["logmeanexp"]})
            >>> space = SearchSpace((Choice("pooling", ("max", "logmeanexp")), tau))
            >>> [tuple(setting.values()) for setting in space.grid()]
            [('max',), ('logmeanexp', 0.1), ('logmeanexp', 1)]
        """
        return list(_expanded({}, self.all_axes))

    def words(self, setting: Setting) -> list[str]:
        """The command-line words that a setting stands for."""
        plain = {axis.key for axis in self.axes}
        words = [f"{key}={written(value)}" for key, value in setting.items() if key in plain]
        return words + (self.template_subset.words(setting) if self.template_subset else [])


def settings_with_every_value(space: SearchSpace) -> list[Setting]:
    """A few settings among which every choice of each axis and both ends of each range occur; to try what composes."""
    first = space.suggest(_Picks({}))
    found = [first]
    for axis in space.all_axes:
        ends: tuple[Value, ...] = (axis.low, axis.high) if isinstance(axis, Range) else axis.grid()
        needed = {key: values[0] for key, values in axis.when.items()}
        found.extend(space.suggest(_Picks({**needed, axis.key: value})) for value in ends)
    return [setting for index, setting in enumerate(found) if setting not in found[:index]]


@dataclass(frozen=True)
class _Picks:
    """Picks the first value, or a named one."""

    named: Setting

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        return self.named.get(name, choices[0])

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        return float(self.named.get(name, low))


def setting_label(setting: Setting) -> str:
    """A setting in one short line; templates by their numbers.

    Example:
        >>> setting_label({"pooling": "logmeanexp", "pooling.tau": 0.0123456, "template 2": True, "template 3": False})
        'pooling=logmeanexp tau=0.01235 templates=1+2'
    """
    kept = [key.removeprefix("template ") for key, value in setting.items() if key.startswith("template ") and value]
    has_templates = any(key.startswith("template ") for key in setting)
    parts = [
        f"{key.rpartition('.')[2]}={value:.4g}" if isinstance(value, float) else f"{key.rpartition('.')[2]}={value}"
        for key, value in setting.items()
        if not key.startswith("template ")
    ]
    return " ".join([*parts, *([f"templates={'+'.join(['1', *kept])}"] if has_templates else [])])


def quoted(text: str) -> str:
    """A text in single quotes, as Hydra's grammar reads it.

    Example:
        >>> print(quoted("the dog's {caption}"))
        'the dog\\'s {caption}'
    """
    escaped = text.replace("\\'", "\\\\'").replace("'", "\\'")
    return f"'{escaped}'"


def written(value: Value) -> str:
    """A value as a word of the command line; a float keeps every digit."""
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, float) else str(value)


def _expanded(setting: dict[str, Value], axes: Sequence[Axis]) -> Iterator[Setting]:
    if not axes:
        yield setting
        return
    first, rest = axes[0], axes[1:]
    if not first.applies(setting):
        yield from _expanded(setting, rest)
        return
    for value in first.grid():
        yield from _expanded({**setting, first.key: value}, rest)
