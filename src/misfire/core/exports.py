"""What a package exports, imported when it is asked for: a room is many modules, and a command needs a few of them."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def exported(package: str, homes: Mapping[str, str]) -> tuple[list[str], Callable[[str], Any]]:
    """A package's ``__all__`` and ``__getattr__``.

    Args:
        package: The package's name.
        homes: Below the package, the module that defines each name.

    Example:
        >>> names, find = exported("misfire.core", {"say": "progress"})
        >>> names, find("say").__module__
        (['say'], 'misfire.core.progress')
    """

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{homes[name]}"), name)

    return sorted(homes), find
