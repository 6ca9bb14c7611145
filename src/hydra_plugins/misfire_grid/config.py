"""What the sweeper can be told: what Hydra's own can."""

from dataclasses import dataclass

from hydra.core.config_store import ConfigStore


@dataclass
class MisfireGridConf:
    """Typed configuration of ``hydra/sweeper=misfire_grid``, the default; ``hydra/sweeper=basic`` is Hydra's own.

    Args:
        max_batch_size: How many jobs are checked and launched together; all where it's None.
        params: Words that every job gets, by key.
    """

    _target_: str = "hydra_plugins.misfire_grid.sweeper.MisfireGridSweeper"
    max_batch_size: int | None = None
    params: dict[str, str] | None = None


ConfigStore.instance().store(group="hydra/sweeper", name="misfire_grid", node=MisfireGridConf, provider="misfire_grid")
