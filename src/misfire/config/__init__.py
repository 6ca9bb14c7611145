"""From configuration to objects: the schema, where the files lie, and what they build."""

from misfire.config.build import Settings
from misfire.config.folders import conf_folder, sweeps_folder
from misfire.config.schema import RootConfig, register_schema
from misfire.config.sweep import Sweep, is_search_file, load_sweep, search_names, sweep_names

__all__ = [
    "RootConfig",
    "Settings",
    "Sweep",
    "conf_folder",
    "is_search_file",
    "load_sweep",
    "register_schema",
    "search_names",
    "sweep_names",
    "sweeps_folder",
]
