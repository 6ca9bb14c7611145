"""What a kind of cell is configured from."""

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from misfire.cells.lab import Lab
    from misfire.cells.logged import Logged


@runtime_checkable  # the tests check arguments against it
class Settings(Protocol):
    """A composed configuration, read by key; the rooms of the methods know no more of it."""

    def __getitem__(self, key: str) -> Any:
        """The value of a key, dots for its parts: an object where the configuration describes one, else plain data.

        An object is built when it is first asked for, and once for equal descriptions.

        Raises:
            UsageError: If there is no such key, or its value is refused.
        """

    @property
    def lab(self) -> "Lab":
        """Where cells run."""

    def of(self, logged: "Logged") -> "Settings":
        """The configuration that made a finished cell, with our folders and store in place of the ones it had then."""
