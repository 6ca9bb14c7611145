"""Settings that are a mapping: what a kind of cell is configured from, spelled out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from misfire.cells import Lab, Logged
from misfire.core.errors import UsageError


@dataclass
class PlainSettings:
    """What a kind of cell is configured from.

    Args:
        values: By key, dots for its parts.
        lab: Where cells run.
        of_cell: The values that made a finished cell; by default these.
    """

    values: Mapping[str, Any]
    lab: Lab
    of_cell: Callable[[Logged], Mapping[str, Any]] | None = None

    def __getitem__(self, key: str) -> Any:
        if key not in self.values:
            raise UsageError(f"there is no key {key}.")
        return self.values[key]

    def of(self, logged: Logged) -> "PlainSettings":
        return self if self.of_cell is None else PlainSettings(self.of_cell(logged), self.lab)
