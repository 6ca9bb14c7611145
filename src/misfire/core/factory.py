"""Functions that a configuration may call to have an object, as it may call a class."""

from collections.abc import Callable
from typing import TypeVar

Function = TypeVar("Function", bound=Callable[..., object])
_MARK = "_makes_what_is_configured"


def factory(function: Function) -> Function:
    """Mark a function as one that a configuration may name; its return type says what it makes."""
    setattr(function, _MARK, True)
    return function


def is_factory(function: object) -> bool:
    """Whether a function was marked."""
    return bool(getattr(function, "__dict__", {}).get(_MARK, False))
