"""From configuration to objects: the schema, where the files lie, and what they build."""

from misfire.config.build import Settings
from misfire.config.folders import conf_folder, sweeps_folder
from misfire.config.schema import RootConfig, register_schema
from misfire.config.sweep import Sweep, load_sweep, sweep_names

__all__ = [
    "RootConfig",
    "Settings",
    "Sweep",
    "conf_folder",
    "load_sweep",
    "register_schema",
    "sweep_names",
    "sweeps_folder",
]
