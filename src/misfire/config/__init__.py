"""From configuration to objects: where the files lie, what words compose of them, and what they build."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from misfire.config.folders import conf_folder as conf_folder
    from misfire.config.folders import sweeps_folder as sweeps_folder
    from misfire.config.settings import Settings as Settings
    from misfire.config.sweep import Sweep as Sweep

_HOMES = {"Settings": "settings", "Sweep": "sweep", "conf_folder": "folders", "sweeps_folder": "folders"}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    # Imported when asked for: `misfire --help` reads the files of conf/ and needs no more.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
