"""Objects out of a composed configuration: the only place, with the command line's, that sees a ``DictConfig``."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue

from misfire.core.errors import MisfireError, UsageError

if TYPE_CHECKING:
    from misfire.data import Dataset
    from misfire.embeddings import Encoder
    from misfire.evaluation import Workbench
    from misfire.failures import QuerySubset
    from misfire.prompts import TemplateChoice
    from misfire.scoring import PromptPooling
    from misfire.stats import StatisticsSettings
    from misfire.tracking import TrackingStore

_OURS = "misfire."


@dataclass(frozen=True)
class Settings:
    """A composed configuration as objects, each built when it's first asked for.

    Raises:
        UsageError: If a value is outside its range, or a ``_target_`` is not of misfire.
    """

    config: DictConfig

    @cached_property
    def dataset(self) -> "Dataset":
        """The images and captions."""
        return _shared(_canonical(self.config.dataset))

    @cached_property
    def backbone(self) -> "Encoder":
        """The model that embeds them."""
        return _shared(_canonical(self.config.backbone))

    @cached_property
    def workbench(self) -> "Workbench":
        """Dataset, backbone and embedding store together."""
        return _shared_workbench(
            _canonical(self.config.dataset),
            _canonical(self.config.backbone),
            _canonical(self.config.trainer),
            str(self.root / "embeddings"),
        )

    @cached_property
    def subset(self) -> "QuerySubset":
        """Which queries are in question."""
        return _build(self.config.subset)

    @cached_property
    def templates(self) -> "TemplateChoice":
        """Which prompts they're asked with."""
        return _build(self.config.templates)

    @cached_property
    def pooling(self) -> "PromptPooling":
        """What makes one score of many."""
        return _build(self.config.pooling)

    @cached_property
    def statistics(self) -> "StatisticsSettings":
        """How uncertainty is measured."""
        return _build(self.config.statistics)

    @cached_property
    def tracking(self) -> "TrackingStore":
        """Where results go."""
        return _build(self.config.tracking)

    @cached_property
    def backbone_name(self) -> str:
        """The backbone's choice, for people."""
        return str(self.config.backbone.get("name", "backbone"))

    @property
    def root(self) -> Path:
        """The folder under which everything is kept."""
        return Path(self.config.paths.root)

    @property
    def report_folder(self) -> Path:
        """The folder of the reports."""
        return Path(self.config.paths.report)

    @property
    def ks(self) -> tuple[int, ...]:
        """Cut-offs of hit_at_k."""
        return tuple(self.config.ks)

    @property
    def seed(self) -> int:
        """Seed of samples; intervals have their own, in ``statistics``."""
        return int(self.config.seed)

    def to_yaml(self) -> str:
        """The composed configuration, resolved, as YAML."""
        return OmegaConf.to_yaml(self.config, resolve=True)


def _canonical(node: DictConfig) -> str:
    """One text for one meaning, by which a process builds each dataset and backbone once."""
    return OmegaConf.to_yaml(node, resolve=True, sort_keys=True)


@lru_cache(maxsize=4)
def _shared(canonical: str) -> Any:
    return _build(OmegaConf.create(canonical))


@lru_cache(maxsize=4)
def _shared_workbench(dataset: str, backbone: str, trainer: str, store: str) -> "Workbench":
    from misfire.embeddings import EmbeddingStore
    from misfire.evaluation import Workbench

    return Workbench(
        dataset=_shared(dataset),
        encoder=_shared(backbone),
        store=EmbeddingStore(Path(store)),
        trainer=_shared(trainer),
    )


def _build(node: DictConfig | ListConfig) -> Any:
    container = OmegaConf.to_container(node, resolve=True)
    _check_targets(container)
    try:
        return instantiate(container, _convert_="all")
    except MissingMandatoryValue as error:
        raise UsageError(
            f"{error.full_key} must be given, got nothing; add {error.full_key}=... to the command."
        ) from error
    except InstantiationException as error:
        if isinstance(error.__cause__, MisfireError):
            raise error.__cause__ from error
        raise UsageError(_one_line(error)) from error


def _check_targets(node: Any) -> None:
    if isinstance(node, dict):
        target = node.get("_target_", _OURS)
        if not str(target).startswith(_OURS):
            raise UsageError(
                f"_target_ must name something of misfire, got {target}; wrap it in a class of the package."
            )
        for value in node.values():
            _check_targets(value)
    elif isinstance(node, list):
        for value in node:
            _check_targets(value)


def _one_line(error: Exception) -> str:
    cause = error.__cause__ or error
    return " ".join(str(cause).split())
