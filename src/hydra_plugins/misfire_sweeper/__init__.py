"""The sweeper by which misfire launches what isn't finished; which jobs, and what becomes of them, misfire says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hydra.core.config_store import ConfigStore
from hydra.plugins.sweeper import Sweeper

if TYPE_CHECKING:
    from hydra.plugins.launcher import Launcher
    from hydra.types import HydraContext, TaskFunction
    from omegaconf import DictConfig


@dataclass
class MisfireSweeperConf:
    """Typed configuration of ``hydra/sweeper=misfire``, which every command with a launcher chooses itself."""

    _target_: str = "hydra_plugins.misfire_sweeper.MisfireSweeper"


ConfigStore.instance().store(group="hydra/sweeper", name="misfire", node=MisfireSweeperConf, provider="misfire_sweeper")


class MisfireSweeper(Sweeper):
    """Hands the configured launcher to the work that the command has at hand: a grid's cells, or a search's trials."""

    def __init__(self) -> None:
        self._launcher: Launcher | None = None

    def setup(self, *, hydra_context: "HydraContext", task_function: "TaskFunction", config: "DictConfig") -> None:
        """Make the launcher."""
        from hydra.core.plugins import Plugins

        self.config = config
        self._launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> Any:
        """Do the work; ``arguments`` is empty, since each job is told all it needs."""
        from misfire.config.launching import work_at_hand

        work_at_hand(self._launch)

    def _launch(self, jobs: Sequence[Mapping[str, Any]], first: int) -> list[Any]:
        from misfire.config.launching import told_as_word

        if self._launcher is None:
            raise RuntimeError("setup comes before sweep.")
        returns = self._launcher.launch([[told_as_word(told)] for told in jobs], initial_job_idx=first)
        return [job.return_value for job in returns]
