"""Objects out of descriptions: what a ``_target_`` may name is a closed set, checked before anything is called."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import is_dataclass
from importlib import import_module
from inspect import Parameter, isabstract, signature
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

import misfire
from misfire.config.fitting import MISSING, fitted, hints_of, unknown_keys
from misfire.config.groups import targets_of
from misfire.config.rooms import exports, rooms
from misfire.core.errors import MisfireError, UsageError
from misfire.core.factory import is_factory

TARGET = "_target_"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)+")


def built(node: Any, key: str) -> Any:
    """Plain data, in which each description of an object is replaced by the object.

    Args:
        node: A value of a resolved configuration.
        key: Where it stands; its first part is the group, whose files say which types may stand there.

    Raises:
        UsageError: If a value is missing or refused, or an object isn't one that may be built there.
    """
    _check_given(node, key)
    if isinstance(node, Mapping) and TARGET in node:
        return _built(node, key, expected=None)
    return _contained(node, key, expected=())


def _contained(node: Any, key: str, *, expected: tuple[type, ...]) -> Any:
    if isinstance(node, Mapping):
        _check_words(node, key)
        if TARGET in node:
            return _built(node, key, expected=expected)
        return {name: _contained(value, f"{key}.{name}", expected=expected) for name, value in node.items()}
    if isinstance(node, list | tuple):
        return [_contained(value, f"{key}.{place}", expected=expected) for place, value in enumerate(node)]
    return node


def _built(node: Mapping[str, Any], key: str, *, expected: tuple[type, ...] | None) -> Any:
    _check_words(node, key)
    made_by = target(node[TARGET], key=key, expected=expected)
    hints, known = hints_of(made_by), _parameters(made_by)
    strangers = [name for name in node if name != TARGET and name not in known]
    if strangers and not _takes_any_key(made_by):
        raise UsageError(unknown_keys([f"{key}.{name}" for name in strangers], [f"{key}.{name}" for name in known]))
    arguments = {}
    for name, value in node.items():
        if name != TARGET:
            hint = hints.get(name, Any)
            inner = _contained(value, f"{key}.{name}", expected=_classes_in(hint))
            _check_described(inner, hint, f"{key}.{name}")
            arguments[name] = fitted(inner, hint, f"{key}.{name}")
    try:
        return made_by(**arguments)
    except MisfireError:
        raise
    except (TypeError, ValueError, ArithmeticError) as error:
        raise UsageError(f"{key} can't be made of {_told(arguments)}: {' '.join(str(error).split())}.") from error


def _check_described(value: Any, hint: Any, key: str) -> None:
    """Refuse plain keys where an object belongs: they would be taken for one, and lack all that it does."""
    kinds = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    wanted = [one for one in kinds if isinstance(one, type) and is_dataclass(one)]
    origins = [origin for one in kinds if isinstance(origin := get_origin(one), type)]
    takes_keys = Any in kinds or any(issubclass(origin, Mapping) for origin in origins)
    if isinstance(value, Mapping) and wanted and not takes_keys:
        raise UsageError(
            f"{key} must be an object with its {TARGET}, got a mapping without; describe a {wanted[0].__name__}, or "
            "leave it as it is."
        )


def target(name: Any, *, key: str, expected: tuple[type, ...] | None = None) -> Callable[..., Any]:
    """What a ``_target_`` names: a class, or a function that is marked as a factory.

    It is written ``package.Name``. The package is one of ours or an installed room's; the name is in its ``__all__``,
    or an installed file of the key's group names it; and what it names is defined in that package, not imported into
    it. It is of the type that belongs at ``key``.

    Args:
        name: What was written.
        key: Where it stands.
        expected: Types of which it must be one; by default those that the files of the key's group build, and whatever
            shares a base class of ours with one of them.

    Raises:
        UsageError: If it isn't such a name. Nothing has been called then.
    """
    made_by = _exported(name, key)
    result = hints_of(made_by).get("return") if not isinstance(made_by, type) else made_by
    group = key.partition(".")[0]
    if expected is not None:
        fits = isinstance(result, type) and any(issubclass(result, one) for one in expected)
        wanted = ", ".join(one.__name__ for one in expected) or "plain data"
    else:
        said = targets_of(group)
        fits = name in said or (isinstance(result, type) and any(_are_of_a_kind(result, one, key) for one in said))
        wanted = f"what conf/{group}/ builds"
    if not fits or (isinstance(made_by, type) and isabstract(made_by)):
        raise UsageError(f"{key}.{TARGET} must build {wanted}, got {name}, which doesn't; choose one of its kind.")
    return made_by


def _exported(name: Any, key: str) -> Callable[..., Any]:
    refused = UsageError(
        f"{TARGET} must name something of misfire, got {name} for {key}; name a class that one of its packages, or an "
        "installed room, exports."
    )
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise refused
    package, _, attribute = name.rpartition(".")
    # What an installed file of conf/ names itself is exported by that: a choice is its source, that file and a test.
    is_named_by_us = name in targets_of(key.partition(".")[0])
    if not is_named_by_us and package not in {room.package for room in rooms()} and not _is_our_package(package):
        raise refused
    module = import_module(package)
    if not is_named_by_us and attribute not in exports(module):
        raise refused
    if not hasattr(module, attribute):
        raise refused
    found = getattr(module, attribute)
    is_defined_there = f"{getattr(found, '__module__', '')}.".startswith(f"{package}.")
    if not is_defined_there or not (isinstance(found, type) or is_factory(found)):
        raise refused
    made_by: Callable[..., Any] = found
    return made_by


def _is_our_package(name: str) -> bool:
    first, *parts = name.split(".")
    # Looked up as a folder, so that nothing that isn't a package of ours is imported on the way to a refusal.
    folder = Path(misfire.__file__).parent.joinpath(*parts)
    return first == "misfire" and bool(parts) and (folder / "__init__.py").is_file()


def _are_of_a_kind(one: type, name: str, key: str) -> bool:
    other = _exported(name, key)
    result = other if isinstance(other, type) else hints_of(other).get("return")
    return isinstance(result, type) and bool(_bases_of_ours(one) & _bases_of_ours(result))


def _bases_of_ours(one: type) -> set[type]:
    ours = ("misfire.", *(f"{room.package}." for room in rooms()))
    return {base for base in one.__mro__ if f"{base.__module__}.".startswith(ours)}


def _classes_in(hint: Any) -> tuple[type, ...]:
    """The classes of ours that a type speaks of, however deep: ``Mapping[str, TemplateSet]`` speaks of one."""
    if isinstance(hint, type) and not get_args(hint):
        return (hint,) if _bases_of_ours(hint) else ()
    found = [one for inner in get_args(hint) for one in _classes_in(inner)]
    return tuple(dict.fromkeys(found))


def _parameters(made_by: Callable[..., Any]) -> list[str]:
    kinds = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
    return [name for name, one in signature(made_by).parameters.items() if one.kind in kinds]


def _takes_any_key(made_by: Callable[..., Any]) -> bool:
    """Whether it hands keys on to what it is built upon, which then says what it doesn't know."""
    return any(one.kind is Parameter.VAR_KEYWORD for one in signature(made_by).parameters.values())


def _check_words(node: Mapping[str, Any], key: str) -> None:
    """Refuse whatever Hydra's own builder would obey beside a name: partial calls, argument lists, conversions."""
    reserved = [str(name) for name in node if str(name).startswith("_") and name != TARGET]
    if reserved:
        raise UsageError(f"a key must not begin with _, got {key}.{reserved[0]}; only {TARGET} is known.")


def _check_given(node: Any, key: str) -> None:
    missing = list(_missing(node, key))
    if missing:
        raise UsageError(f"{missing[0]} must be given, got nothing; add {missing[0]}=... to the command.")


def _missing(node: Any, key: str) -> Sequence[str]:
    if isinstance(node, Mapping):
        return [found for name, value in node.items() for found in _missing(value, f"{key}.{name}")]
    if isinstance(node, list):
        return [found for place, value in enumerate(node) for found in _missing(value, f"{key}.{place}")]
    return [key] if node == MISSING else []


def _told(arguments: Mapping[str, Any]) -> str:
    told = ", ".join(f"{name}={value}" for name, value in arguments.items())
    return told if len(told) <= 120 else f"{told[:120]}..."
