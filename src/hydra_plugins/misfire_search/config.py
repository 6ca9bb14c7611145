"""What the sweeper can be told."""

from dataclasses import dataclass, field

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING


@dataclass
class MisfireSearchConf:
    """Typed configuration of ``hydra/sweeper=misfire_search``; ``misfire search`` fills it in.

    Args:
        search: Name or path of the description.
        study: Name of the study.
        folder: Where journals and locks lie.
        digest: Names what the trials' values depend on; a study that was begun with another is refused.
        num_trials: How many trials there are to be.
        storage: URL of a database, or nothing for a journal file.
        take_over: Host whose unfinished trials in a database are taken to be dead.
        at_once: How many trials are handed to the launcher at a time.
        rivals: Told to each job: the values of finished trials that may beat its own.
    """

    _target_: str = "hydra_plugins.misfire_search.sweeper.MisfireSearchSweeper"
    search: str = MISSING
    study: str = MISSING
    folder: str = MISSING
    digest: str = MISSING
    num_trials: int = MISSING
    storage: str | None = None
    take_over: str | None = None
    at_once: int = 1
    rivals: list[list[float]] = field(default_factory=list)


ConfigStore.instance().store(
    group="hydra/sweeper", name="misfire_search", node=MisfireSearchConf, provider="misfire_search"
)
