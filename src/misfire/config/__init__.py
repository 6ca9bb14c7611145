"""From configuration to objects: the schema, where the files lie, and what they build."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from misfire.config.build import Settings as Settings
    from misfire.config.folders import conf_folder as conf_folder
    from misfire.config.folders import sweeps_folder as sweeps_folder
    from misfire.config.schema import RootConfig as RootConfig
    from misfire.config.schema import register_schema as register_schema
    from misfire.config.sweep import Sweep as Sweep
    from misfire.config.sweep import is_search_file as is_search_file
    from misfire.config.sweep import load_sweep as load_sweep
    from misfire.config.sweep import search_names as search_names
    from misfire.config.sweep import sweep_names as sweep_names

_HOMES = {
    "RootConfig": "schema",
    "Settings": "build",
    "Sweep": "sweep",
    "conf_folder": "folders",
    "is_search_file": "sweep",
    "load_sweep": "sweep",
    "register_schema": "schema",
    "search_names": "sweep",
    "sweep_names": "sweep",
    "sweeps_folder": "folders",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    # Imported when asked for: `misfire --help` reads the files of conf/ and needs no more.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
