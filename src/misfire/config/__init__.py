"""From configuration to objects: the schema, where the files lie, and what they build."""

from importlib import import_module
from typing import Any

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
