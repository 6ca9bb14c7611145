"""The shape of the configuration: what may be said, and of which type; a key that isn't here is refused."""

from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING


@dataclass
class ComplementConfig:
    """The other queries on which a cell's mend is tried: a count, or ``all``."""

    num_queries: Any = 2000


@dataclass
class AnnotatorsConfig:
    """Who annotates a failure set: by name or how many, how many items they share, backups and the sheets' formats."""

    names: list[str] | None = None
    num_annotators: int = 3
    overlap: int = 30
    backups: int = 0
    formats: list[str] = field(default_factory=lambda: ["csv"])


@dataclass
class AgreeConfig:
    """Where the answer goes (null: beside the failure set), and whether rows are held against the dataset too."""

    out: str | None = None
    check_dataset: bool = False


@dataclass
class AnnotateConfig:
    """The annotation page: whose session, what it shows, where it is served; and files out of it and into it."""

    annotator: str | None = None
    only: str = "all"
    of: list[str] = field(default_factory=list)
    blind: bool = True
    highlight: bool = True
    repeats: float = 0.05
    host: str = "127.0.0.1"
    port: int = 8321
    token: str | None = None
    export: str | None = None
    import_file: str | None = None
    out: str | None = None


@dataclass
class DoctorConfig:
    """How many images ``doctor`` samples to compare precisions on."""

    num_images: int = 200


@dataclass
class PathsConfig:
    """Folders: everything misfire writes lies under ``root``, the reports excepted; ``datasets`` is only read."""

    root: str = "mlruns"
    report: str = "report"
    datasets: str = "datasets"


@dataclass
class RootConfig:
    """One command: groups (a choice each, see ``conf/``) and a handful of scalars."""

    backbone: Any = MISSING
    dataset: Any = MISSING
    subset: Any = MISSING
    templates: Any = MISSING
    pooling: Any = MISSING
    statistics: Any = MISSING
    tracking: Any = MISSING
    trainer: Any = MISSING
    paths: PathsConfig = field(default_factory=PathsConfig)
    complement: ComplementConfig = field(default_factory=ComplementConfig)
    annotators: AnnotatorsConfig = field(default_factory=AnnotatorsConfig)
    annotate: AnnotateConfig = field(default_factory=AnnotateConfig)
    agree: AgreeConfig = field(default_factory=AgreeConfig)
    doctor: DoctorConfig = field(default_factory=DoctorConfig)
    seed: int = 42
    ks: list[int] = field(default_factory=lambda: [1, 5, 10])
    num_failures: int = 200
    mined_share: float = 1.0
    failure_set: str | None = None
    taxonomy: str | None = None
    sheets: Any = None
    accept: Any = None
    policy: str = "majority"
    expert: str | None = None
    host: str = "127.0.0.1"
    port: int = 5000


def register_schema() -> None:
    """Tell Hydra the shape of the root, which ``conf/config.yaml`` starts from."""
    ConfigStore.instance().store(name="schema", node=RootConfig)
