"""Lets Hydra find the configurations that rooms of other packages bring."""

from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.search_path_plugin import SearchPathPlugin


class RoomsSearchPath(SearchPathPlugin):
    """Every room's ``conf/`` stands behind ours in the search path, in every process that composes."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Append the folders."""
        from misfire.config.rooms import rooms

        for room in rooms():
            if room.conf is not None:
                search_path.append(provider=f"misfire room {room.name}", path=f"file://{room.conf}")
