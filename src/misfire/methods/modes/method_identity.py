"""What a method was made with, as a JSON value: a part of a cell's identity."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from misfire.cells.cell import Json


def described(value: Any) -> "Json":
    """An object as a JSON value that says all that it was made with: its class and its fields, however deep.

    Example:
        >>> from misfire.methods.modes import TopS
        >>> described(TopS(3)) == {"is": "TopS", "num_sentences": 3.0}
        True
    """
    if is_dataclass(value) and not isinstance(value, type):
        values = {one.name: described(getattr(value, one.name)) for one in fields(value) if one.init and one.compare}
        return {"is": type(value).__name__, **values}
    if isinstance(value, Mapping):
        return {str(name): described(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [described(one) for one in value]
    # 1 and 1.0 ask for the same.
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
