"""The front that Hydra finds."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper

from hydra_plugins.misfire_grid import config as _registered  # noqa: F401  Hydra reads the choice from its store
from hydra_plugins.misfire_grid._loader import ComposedOnce

if TYPE_CHECKING:
    from hydra.types import HydraContext, TaskFunction
    from omegaconf import DictConfig


class MisfireGridSweeper(BasicSweeper):
    """Hydra's own sweeper, whose jobs are composed once.

    Hydra composes all jobs to see whether they compose, and each again to run it, which takes a tenth of a second.
    """

    def setup(self, *, hydra_context: "HydraContext", task_function: "TaskFunction", config: "DictConfig") -> None:
        """Make the launcher, which gets what was composed for the check."""
        from hydra.types import HydraContext

        self._composed = ComposedOnce(hydra_context.config_loader)
        context = HydraContext(config_loader=self._composed, callbacks=hydra_context.callbacks)
        super().setup(hydra_context=context, task_function=task_function, config=config)

    def validate_batch_is_legal(self, batch: Sequence[Sequence[str]]) -> None:
        """Compose each job before any runs."""
        if self.config is None:
            raise RuntimeError("setup comes before sweep.")
        for overrides in batch:
            self._composed.check(self.config, list(overrides))
