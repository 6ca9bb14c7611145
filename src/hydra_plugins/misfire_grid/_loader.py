"""A loader that keeps the jobs which it composed to check them; Hydra, which imports its plugins twice, skips it."""

from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigSource
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

_MOST_KEPT = 128  # a composed configuration takes about a megabyte


class ComposedOnce(ConfigLoader):
    """Another loader, but a job that was composed to be checked isn't composed again to run.

    Args:
        loader: Composes.
    """

    def __init__(self, loader: ConfigLoader) -> None:
        self._loader = loader
        self._kept: dict[tuple[str, ...], DictConfig] = {}

    def check(self, master_config: DictConfig, sweep_overrides: list[str]) -> None:
        """Compose a job and keep it until it's asked for, once.

        Raises:
            HydraException: If it doesn't compose.
        """
        composed = self._loader.load_sweep_config(master_config, sweep_overrides)
        if len(self._kept) < _MOST_KEPT:
            self._kept[tuple(sweep_overrides)] = composed

    def load_sweep_config(self, master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        """A job's configuration, which belongs to the caller."""
        kept = self._kept.pop(tuple(sweep_overrides), None)
        if kept is None:
            return self._loader.load_sweep_config(master_config, sweep_overrides)
        # What has been resolved in the meantime (a timestamp) is the same for all jobs.
        OmegaConf.copy_cache(from_config=master_config, to_config=kept)
        return kept

    def __getstate__(self) -> dict[str, Any]:
        """A launcher's other processes compose their own job, and don't get all others with it."""
        return {"_loader": self._loader, "_kept": {}}

    def load_configuration(
        self,
        config_name: str | None,
        overrides: list[str],
        run_mode: RunMode,
        from_shell: bool = True,
        validate_sweep_overrides: bool = True,
    ) -> DictConfig:
        """As the other loader."""
        return self._loader.load_configuration(config_name, overrides, run_mode, from_shell, validate_sweep_overrides)

    def get_search_path(self) -> ConfigSearchPath:
        """As the other loader."""
        return self._loader.get_search_path()

    def get_sources(self) -> list[ConfigSource]:
        """As the other loader."""
        return self._loader.get_sources()

    def list_groups(self, parent_name: str) -> list[str]:
        """As the other loader."""
        return self._loader.list_groups(parent_name)

    def get_group_options(
        self,
        group_name: str,
        results_filter: ObjectType | None = ObjectType.CONFIG,
        config_name: str | None = None,
        overrides: list[str] | None = None,
    ) -> list[str]:
        """As the other loader."""
        return self._loader.get_group_options(group_name, results_filter, config_name, overrides)

    def compute_defaults_list(self, config_name: str | None, overrides: list[str], run_mode: RunMode) -> Any:
        """As the other loader."""
        return self._loader.compute_defaults_list(config_name, overrides, run_mode)
