"""Objects out of a composed configuration: the only place, with the command line's, that sees a ``DictConfig``."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.errors import InstantiationException
from hydra.utils import get_object, instantiate
from omegaconf import DictConfig, OmegaConf

from misfire.core.errors import MisfireError, UsageError

if TYPE_CHECKING:
    from misfire.cells.lab import Workbench
    from misfire.data import Dataset
    from misfire.embeddings import Encoder, TrainerSettings
    from misfire.failures import QuerySubset
    from misfire.methods.retrieval.profile.tau_grid import TauGrid
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
        return _shared(_canonical(self._group("dataset")))

    @cached_property
    def backbone(self) -> "Encoder":
        """The model that embeds them."""
        return _shared(_canonical(self._group("backbone")))

    def in_precision(self, precision: str) -> "Encoder":
        """The same backbone in another precision."""
        node = OmegaConf.merge(self._group("backbone"), {"precision": precision})
        return _shared(_canonical(DictConfig(node)))

    @cached_property
    def trainer(self) -> "TrainerSettings":
        """On what the backbone runs."""
        return _shared(_canonical(self._group("trainer")))

    @cached_property
    def workbench(self) -> "Workbench":
        """Dataset, backbone and embedding store together."""
        return _shared_workbench(
            _canonical(self._group("dataset")),
            _canonical(self._group("backbone")),
            _canonical(self._group("trainer")),
            str((self.root / "embeddings").resolve()),
        )

    @cached_property
    def subset(self) -> "QuerySubset":
        """Which queries are in question."""
        return _build(self._group("subset"))

    @cached_property
    def templates(self) -> "TemplateChoice":
        """Which prompts they're asked with."""
        return _build(self._group("templates"))

    @cached_property
    def pooling(self) -> "PromptPooling":
        """What makes one score of many.

        Raises:
            UsageError: If a whole grid of poolings is chosen instead of one.
        """
        from misfire.scoring import PromptPooling

        chosen = self.pooling_choice
        if not isinstance(chosen, PromptPooling):
            raise UsageError(
                "pooling must be a single one here, got a grid of taus; use `misfire ensemble` for a profile, or "
                "pooling=logmeanexp with a pooling.tau."
            )
        return chosen

    @cached_property
    def pooling_choice(self) -> "PromptPooling | TauGrid":
        """One pooling, or the grid of a profile."""
        return _build(self._group("pooling"))

    @cached_property
    def statistics(self) -> "StatisticsSettings":
        """How uncertainty is measured."""
        return _build(self._group("statistics"))

    @cached_property
    def tracking(self) -> "TrackingStore":
        """Where results go."""
        node = {**OmegaConf.to_container(self._group("tracking"), resolve=True)}  # type: ignore[dict-item]
        return _build(OmegaConf.create({**node, "_target_": "misfire.tracking.TrackingStore"}))

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

    def _group(self, name: str) -> DictConfig:
        missing = sorted(OmegaConf.missing_keys(self.config[name]))
        if missing:
            raise UsageError(f"{missing[0]} must be given, got nothing; add {missing[0]}=... to the command.")
        return self.config[name]

    def to_yaml(self) -> str:
        """The composed configuration, resolved, as YAML."""
        return OmegaConf.to_yaml(self.config, resolve=True)


def _canonical(node: DictConfig) -> str:
    """One text for one meaning, by which a process builds each dataset and backbone once."""
    return OmegaConf.to_yaml(node, resolve=True, sort_keys=True)


@lru_cache(maxsize=4)
def _shared(canonical: str) -> Any:
    return _build(DictConfig(OmegaConf.create(canonical)))


@lru_cache(maxsize=4)
def _shared_workbench(dataset: str, backbone: str, trainer: str, store: str) -> "Workbench":
    from misfire.cells.lab import Workbench
    from misfire.embeddings import EmbeddingStore

    return Workbench(
        dataset=_shared(dataset),
        encoder=_shared(backbone),
        store=EmbeddingStore(Path(store)),
        trainer=_shared(trainer),
    )


def _build(node: DictConfig) -> Any:
    container = OmegaConf.to_container(node, resolve=True)
    _check_targets(container)
    try:
        return instantiate(_with_floats(container), _convert_="all")
    except (InstantiationException, ImportError, TypeError) as error:
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


def _with_floats(node: Any) -> Any:
    """Whole numbers as floats where a class takes a float: ``tau=1`` and ``tau=1.0`` are one cell."""
    if isinstance(node, list):
        return [_with_floats(value) for value in node]
    if not isinstance(node, dict):
        return node
    parameters = signature(get_object(node["_target_"])).parameters if "_target_" in node else {}
    wants_float = {name for name, parameter in parameters.items() if parameter.annotation is float}
    return {
        name: float(value) if name in wants_float and type(value) is int else _with_floats(value)
        for name, value in node.items()
    }


def _one_line(error: Exception) -> str:
    cause = error.__cause__ or error
    return " ".join(str(cause).split())
