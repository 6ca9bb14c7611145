"""What a search may vary: its axes, and the command-line words that one setting stands for."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

from misfire.core.errors import UsageError, name_some
from misfire.methods.retrieval.search.search_axis import Axis, Range, Setting, Suggests, Value
from misfire.methods.retrieval.search.template_subset import TemplateSubset


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
            >>> from misfire.methods.retrieval.search.search_axis import Choice
            >>> tau = Range("pooling.tau", 0.1, 1, num_points=2, when={"pooling": ("logmeanexp",)})
            >>> space = SearchSpace((Choice("pooling", ("max", "logmeanexp")), tau))
            >>> [tuple(setting.values()) for setting in space.grid()]
            [('max',), ('logmeanexp', 0.1), ('logmeanexp', 1.0)]
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
    for axis in space.axes:
        ends: tuple[Value, ...] = (axis.low, axis.high) if isinstance(axis, Range) else axis.grid()
        needed = {key: values[0] for key, values in axis.when.items()}
        found.extend(space.suggest(_Picks({**needed, axis.key: value})) for value in ends)
    if space.template_subset:
        found.append(space.suggest(_Picks({axis.key: False for axis in space.template_subset.axes})))
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
