"""What a sweep may vary: its axes, and what one setting assigns to keys of the configuration."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

from misfire.cells.axis import Axis, Choice, Range, Setting, Suggests, Value
from misfire.core.errors import UsageError, name_some

Assigned = Value | list[str]


@final
@dataclass(frozen=True)
class EntrySubset:
    """Which entries of a choice's list are kept: the first, the plain one as a rule, always; each other or not.

    Args:
        group: A group whose choices hold a list under the group's own name: ``templates``.
        choice: The choice: a file of the group.
        entries: Its list, in order.

    Raises:
        UsageError: If the list has no second entry.
    """

    group: str
    choice: str
    entries: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.entries) < 2:
            raise UsageError(
                f"a subset of {self.group} needs a list of two or more, got {len(self.entries)} in {self.choice}; name "
                "another choice."
            )

    @property
    def axes(self) -> tuple[Choice, ...]:
        """One axis an entry that may be left out."""
        return tuple(Choice(self._key(number), (True, False)) for number in range(2, len(self.entries) + 1))

    def assigned(self, setting: Setting) -> dict[str, Assigned]:
        """The choice, the entries that the setting keeps, and a name that says which."""
        kept = [1, *(number for number in range(2, len(self.entries) + 1) if setting[self._key(number)])]
        return {
            self.group: self.choice,
            f"{self.group}.{self.group}": [self.entries[number - 1] for number in kept],
            f"{self.group}.name": f"{self.choice}[{'+'.join(map(str, kept))}]",
        }

    def _key(self, number: int) -> str:
        return f"{self.group.removesuffix('s')} {number}"


@final
@dataclass(frozen=True)
class SearchSpace:
    """Axes in the order in which they are chosen, and a subset of a list where one is searched for.

    Raises:
        UsageError: If there is nothing to vary, a key stands twice, or an axis waits for one that doesn't come before.
    """

    axes: tuple[Axis, ...]
    subset: EntrySubset | None = None

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
        """The axes, those of the subset last."""
        return (*self.axes, *(self.subset.axes if self.subset else ()))

    def suggest(self, trial: Suggests) -> Setting:
        """One setting: a value for every axis that applies."""
        return self._chosen(lambda axis: axis.suggest(trial))

    def _chosen(self, choose: Callable[[Axis], Value]) -> dict[str, Value]:
        setting: dict[str, Value] = {}
        for axis in self.all_axes:
            if axis.applies(setting):
                setting[axis.key] = choose(axis)
        return setting

    @property
    def num_settings(self) -> int:
        """How many settings the grid has at most, counted without making them."""
        return math.prod(axis.num_values for axis in self.all_axes)

    def grid(self) -> list[Setting]:
        """Every setting of the grid once, the last axis fastest.

        Raises:
            UsageError: If a range doesn't say how many points it has.

        Example:
            >>> from misfire.cells.axis import Choice
            >>> tau = Range("pooling.tau", 0.1, 1, num_points=2, when={"pooling": ("logmeanexp",)})
            >>> space = SearchSpace((Choice("pooling", ("max", "logmeanexp")), tau))
            >>> [tuple(setting.values()) for setting in space.grid()]
            [('max',), ('logmeanexp', 0.1), ('logmeanexp', 1.0)]
        """
        return list(_expanded({}, self.all_axes))

    @property
    def keys(self) -> frozenset[str]:
        """Keys of the configuration that a setting may assign."""
        own = frozenset(axis.key for axis in self.axes)
        return own | {self.subset.group, f"{self.subset.group}.{self.subset.group}"} if self.subset else own

    def assigned(self, setting: Setting) -> dict[str, Assigned]:
        """What a setting assigns, by key: values as they are, texts and lists of texts unquoted."""
        plain = {axis.key for axis in self.axes}
        found: dict[str, Assigned] = {key: value for key, value in setting.items() if key in plain}
        return {**found, **(self.subset.assigned(setting) if self.subset else {})}


def settings_with_every_value(space: SearchSpace) -> list[Setting]:
    """A few settings among which every choice of each axis and both ends of each range occur; to try what composes."""
    first = space.suggest(_Picks({}))
    found = [first]
    for axis in space.axes:
        ends: tuple[Value, ...] = (axis.low, axis.high) if isinstance(axis, Range) else axis.grid()
        needed = {key: values[0] for key, values in axis.when.items()}
        found.extend(space.suggest(_Picks({**needed, axis.key: value})) for value in ends)
    if space.subset:
        found.append(space.suggest(_Picks({axis.key: False for axis in space.subset.axes})))
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
    """A setting in one short line; entries of a list by their numbers.

    Example:
        >>> setting_label({"pooling": "logmeanexp", "pooling.tau": 0.0123456, "template 2": True, "template 3": False})
        'pooling=logmeanexp tau=0.01235 templates=1+2'
    """
    kept: dict[str, list[str]] = {}
    parts = []
    for key, value in setting.items():
        name, is_entry, number = key.partition(" ")
        if is_entry:
            kept.setdefault(f"{name}s", ["1"]).extend([number] if value else [])
        else:
            told = f"{value:.4g}" if isinstance(value, float) else str(value)
            parts.append(f"{key.rpartition('.')[2]}={told}")
    return " ".join([*parts, *(f"{name}={'+'.join(numbers)}" for name, numbers in kept.items())])


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
