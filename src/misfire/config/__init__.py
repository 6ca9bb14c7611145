"""From configuration to objects: where the files lie, what words compose of them, and what they build."""

from typing import TYPE_CHECKING

from misfire.core.exports import exported

if TYPE_CHECKING:
    from misfire.config.folders import conf_folder as conf_folder
    from misfire.config.folders import sweeps_folder as sweeps_folder
    from misfire.config.settings import Settings as Settings
    from misfire.config.sweep import Sweep as Sweep

# Imported when asked for: `misfire --help` reads the files of conf/ and needs no more.
__all__, __getattr__ = exported(
    __name__, {"Settings": "settings", "Sweep": "sweep", "conf_folder": "folders", "sweeps_folder": "folders"}
)
