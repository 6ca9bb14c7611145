"""Values of a configuration held against the types that a class states, and the sentence for what doesn't fit."""

import math
import types
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, is_dataclass
from difflib import SequenceMatcher, get_close_matches
from inspect import signature
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from misfire.core.errors import UsageError

MISSING = "???"
"""What a file writes for a value that its user must give."""


def fitted(value: Any, hint: Any, key: str) -> Any:
    """A plain value as its type wants it: a whole number as a float where a float is wanted, a list as a tuple.

    Args:
        value: Plain data, or an object that was built from a part of it.
        hint: The type that a signature or a dataclass states; what isn't known here fits.
        key: Names the value in messages.

    Raises:
        UsageError: If the value doesn't fit.

    Example:
        >>> fitted(1, float, "pooling.tau"), fitted([1, 5], tuple[int, ...], "ks")
        (1.0, (1, 5))
    """
    found = _fit(value, hint, key)
    if found is _UNFIT:
        # What is typed in brackets is read as a list, though a path may be called that.
        is_name = isinstance(value, list | Mapping) and str in (hint, *get_args(hint))
        quoted = ", and a name in brackets with both quotes, \"'[NAME]'\"" if is_name else ""
        raise UsageError(f"{key} must be {in_words(hint)}, got {_shown(value)}; write {key}={_example(hint)}{quoted}.")
    return found


_UNFIT = object()
_PLAIN = {int: "a whole number", float: "a number", bool: "true or false", str: "a text", Path: "a path"}
_EXAMPLES = {int: "3", float: "0.5", bool: "true", str: "NAME", Path: "FILE"}


def _fit(value: Any, hint: Any, key: str) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _fit_one_of(value, arguments, key)
    if origin is Literal:
        return value if value in arguments and type(value) in {type(one) for one in arguments} else _UNFIT
    if hint is Any:
        return value
    if hint in _PLAIN:
        return _fit_plain(value, hint)
    if hint is type(None):
        return None if value is None else _UNFIT
    if origin is not None and isinstance(origin, type):
        return _fit_container(value, origin, arguments, key)
    if isinstance(hint, type) and is_dataclass(hint) and isinstance(value, Mapping):
        return fitted_fields(value, hint, key)
    # Protocols that aren't runtime-checkable, type variables and annotated shapes are the class's own to check.
    if isinstance(hint, type) and not getattr(hint, "_is_protocol", False):
        return value if isinstance(value, hint) else _UNFIT
    return value


def _fit_one_of(value: Any, hints: Sequence[Any], key: str) -> Any:
    if value is None:
        return None if type(None) in hints else _UNFIT
    # A value that is already of one of the types stays what it is: 3 for `float | int` is an int, unless the class
    # says `float` alone.
    exact = [hint for hint in hints if isinstance(hint, type) and type(value) is hint]
    for hint in exact or [hint for hint in hints if hint is not type(None)]:
        found = _fit(value, hint, key)
        if found is not _UNFIT:
            return found
    return _UNFIT


def _fit_plain(value: Any, kind: type) -> Any:
    if kind is bool or isinstance(value, bool):
        return value if kind is bool and isinstance(value, bool) else _UNFIT
    if kind is int:
        return value if isinstance(value, int) else _UNFIT
    if kind is float:
        return float(value) if isinstance(value, int | float) and not math.isnan(value) else _UNFIT
    if kind is Path:
        return Path(value) if isinstance(value, str | Path) else _UNFIT
    # A name that looks like a number is a name nevertheless.
    return str(value) if isinstance(value, str | int | float) and value != "" else "" if value == "" else _UNFIT


def _fit_container(value: Any, origin: type, arguments: Sequence[Any], key: str) -> Any:
    if issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            return _UNFIT
        of = arguments[1] if len(arguments) == 2 else Any
        return {name: fitted(one, of, f"{key}.{name}") for name, one in value.items()}
    if issubclass(origin, Collection):
        if not isinstance(value, list | tuple):
            return _UNFIT
        of = arguments[0] if arguments else Any
        entries = [_fit(one, of, key) for one in value]
        if any(one is _UNFIT for one in entries):
            return _UNFIT
        return tuple(entries) if origin is tuple else entries
    return value


def fitted_fields(values: Mapping[str, Any], schema: type, key: str = "") -> dict[str, Any]:
    """The values of a dataclass's fields, each as its type wants it.

    Args:
        values: Plain data; a field that isn't among them keeps its default.
        schema: The dataclass.
        key: Stands before the fields' names in messages.

    Raises:
        UsageError: If a value doesn't fit, or belongs to no field; the nearest is named then.
    """
    # A key that is a word of Python's own has a field with an underscore behind it: `import_`.
    hints = {name.rstrip("_"): hint for name, hint in hints_of(schema).items()}
    known = [one.name.rstrip("_") for one in fields(schema)]
    prefix = f"{key}." if key else ""
    strangers = [name for name in values if name not in known]
    if strangers:
        raise UsageError(unknown_keys([f"{prefix}{name}" for name in strangers], [f"{prefix}{name}" for name in known]))
    return {
        name: value if value == MISSING else fitted(value, hints.get(name, Any), f"{prefix}{name}")
        for name, value in values.items()
    }


def unknown_keys(strangers: Sequence[str], known: Collection[str]) -> str:
    """The sentence on keys that nobody knows, with the nearest that somebody does."""

    def near(key: str) -> str | None:
        # What is wrong is mostly one part: pooling.tua is nearer to pooling.tau than any whole key says.
        return nearest(key, known) or nearest(key.rpartition(".")[2], [one for one in known if "." not in one])

    rule, meant = "a key must be one of the configuration's, got", {key: near(key) for key in strangers}
    if len(strangers) == 1 and meant[strangers[0]]:
        return f"{rule} {strangers[0]}; did you mean {meant[strangers[0]]}?"
    told = ", ".join(f"{key} (did you mean {one}?)" if one else key for key, one in meant.items())
    return f"{rule} {told}; `misfire VERB --help` lists the keys."


def nearest(key: str, known: Collection[str]) -> str | None:
    """The known word that is nearest to one that isn't; of equally near ones that of the same letters, swapped."""
    close = get_close_matches(key, list(known), n=3)
    return min(
        close,
        key=lambda one: (-round(SequenceMatcher(None, one, key).ratio(), 2), sorted(one) != sorted(key)),
        default=None,
    )


def hints_of(described: Any) -> dict[str, Any]:
    """The types of a class's or function's arguments; those that can't be known here are left out."""
    of: Any = described
    if isinstance(described, type):
        # A dataclass, or a class that inherits one's fields, may have arguments of its own in their place.
        wanted = {name for name in signature(described).parameters if name not in ("args", "kwargs")}
        is_plain = is_dataclass(described) and wanted <= {one.name for one in fields(described)}
        of = described if is_plain else described.__init__  # type: ignore[misc]  # the class's own is meant
    try:
        return get_type_hints(of)
    except NameError:
        # Types that are imported for checkers alone can't be looked up; those that are types already, can.
        return {name: hint for name, hint in getattr(of, "__annotations__", {}).items() if not isinstance(hint, str)}


def in_words(hint: Any) -> str:
    """A type as a rule that a person reads.

    Example:
        >>> in_words(int | None), in_words(list[int]), in_words(Literal["fp32", "bf16"])
        ('a whole number or null', 'a list, each entry a whole number', 'one of fp32, bf16')
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        told = [in_words(one) for one in arguments if one is not type(None)]
        # Where a float is wanted too, a whole number is a number.
        kept = [one for one in dict.fromkeys(told) if one != "a whole number" or "a number" not in told]
        return " or ".join([*kept, *(["null"] if type(None) in arguments else [])])
    if origin is Literal:
        return f"one of {', '.join(map(str, arguments))}"
    if hint in _PLAIN:
        return _PLAIN[hint]
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return "a mapping"
    if origin is not None and isinstance(origin, type) and issubclass(origin, Collection):
        each = f", each entry {in_words(arguments[0])}" if arguments and arguments[0] is not Any else ""
        return f"a list{each}"
    return f"a {hint.__name__}" if isinstance(hint, type) else "of its class's type"


def _example(hint: Any) -> str:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _example(next(one for one in arguments if one is not type(None)))
    if origin is Literal:
        return str(arguments[0])
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return "{NAME: VALUE}"
    if origin is not None and isinstance(origin, type) and issubclass(origin, Collection):
        return f"[{_example(arguments[0])}]" if arguments else "[A,B]"
    return _EXAMPLES.get(hint, "CHOICE")


def _shown(value: Any) -> str:
    said = "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return said if len(said) <= 80 else f"{said[:80]}..."
