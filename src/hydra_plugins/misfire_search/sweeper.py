"""The front that Hydra finds; everything that takes time to import comes when a sweep starts."""

from typing import TYPE_CHECKING, Any

from hydra.plugins.sweeper import Sweeper

from hydra_plugins.misfire_search.config import MisfireSearchConf

if TYPE_CHECKING:
    from hydra.types import HydraContext, TaskFunction
    from omegaconf import DictConfig


class MisfireSearchSweeper(Sweeper):
    """Asks a study for settings and launches each as a job; its arguments are those of :class:`MisfireSearchConf`."""

    def __init__(self, **settings: Any) -> None:
        self.settings = MisfireSearchConf(**settings)
        self.config: DictConfig | None = None
        self.hydra_context: HydraContext | None = None
        self.launcher = None

    def setup(self, *, hydra_context: "HydraContext", task_function: "TaskFunction", config: "DictConfig") -> None:
        """Make the launcher."""
        from hydra.core.plugins import Plugins

        self.config, self.hydra_context = config, hydra_context
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> Any:
        """Work off the study; ``arguments`` are the words that all jobs share."""
        from hydra_plugins.misfire_search._implementation import work_off

        if self.launcher is None:
            raise RuntimeError("setup comes before sweep.")
        return work_off(self.settings, self.launcher, arguments)
