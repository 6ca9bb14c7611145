"""What verbs that make no cell can be told; a kind of cell states its own beside itself."""

from dataclasses import dataclass, is_dataclass
from typing import Any, Literal

from misfire.core.counts import check_most
from misfire.core.errors import UsageError


@dataclass
class PathsConfig:
    """Folders: everything misfire writes lies under ``root``, the reports excepted; ``datasets`` is only read."""

    root: str
    report: str
    datasets: str


@dataclass
class _Seeded:
    """A seed that generators take."""

    seed: int

    def __post_init__(self) -> None:
        check_seed(self.seed)


@dataclass
class _Mined(_Seeded):
    """Which failures are mined."""

    num_failures: int
    mined_share: float
    taxonomy: str | None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_at_least("num_failures", self.num_failures, 1, example=200)
        if not 0 < self.mined_share <= 1:
            raise UsageError(
                f"mined_share must be a fraction in (0, 1], got {self.mined_share}; 0.5 mines one half of the images, "
                "1 all of them."
            )


@dataclass
class EmbedConfig:
    """What is embedded, and on what."""

    backbone: Any
    dataset: Any
    trainer: Any
    paths: PathsConfig


@dataclass
class VerifyConfig:
    """What is measured and compared."""

    backbone: Any
    dataset: Any
    statistics: Any
    tracking: Any
    trainer: Any
    paths: PathsConfig
    ks: list[int]


@dataclass
class AnnotatorsConfig:
    """Who annotates a failure set: by name or how many, how many items they share, backups and the sheets' formats."""

    names: list[str] | None
    num_annotators: int
    overlap: int
    backups: int
    formats: list[str]

    def __post_init__(self) -> None:
        check_at_least("annotators.num_annotators", self.num_annotators, 1, example=3)
        check_at_least("annotators.overlap", self.overlap, 0, example=30)
        check_at_least("annotators.backups", self.backups, 0, example=2)
        for name in ("num_annotators", "overlap", "backups"):
            check_most(10_000, **{f"annotators.{name}": getattr(self, name)})


@dataclass
class MineConfig(_Mined):
    """Which failures are mined, and for whom."""

    backbone: Any
    dataset: Any
    trainer: Any
    paths: PathsConfig
    annotators: AnnotatorsConfig


@dataclass
class AnnotateConfig(_Mined):
    """The annotation page: whose session, what it shows, where it is served; and files out of it and into it."""

    backbone: Any
    dataset: Any
    trainer: Any
    paths: PathsConfig
    failure_set: str | None
    annotator: str | None
    only: Literal["all", "disagreements"]
    of: list[str]
    blind: bool
    highlight: bool
    repeats: float
    host: str
    port: int
    token: str | None
    export: str | None
    import_: str | None
    out: str | None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_port(self.port)


@dataclass
class AgreeOutConfig:
    """Where the answer goes (null: beside the failure set), and whether rows are held against the dataset too."""

    out: str | None
    check_dataset: bool


@dataclass
class AgreeConfig:
    """Whose sheets are merged, and what decides where they differ."""

    dataset: Any
    statistics: Any
    paths: PathsConfig
    sheets: Any
    accept: Any
    policy: str
    expert: str | None
    failure_set: str | None
    taxonomy: str | None
    agree: AgreeOutConfig


@dataclass
class UiConfig:
    """Where the tracker's pages are served."""

    tracking: Any
    paths: PathsConfig
    host: str
    port: int

    def __post_init__(self) -> None:
        check_port(self.port)


@dataclass
class LookConfig:
    """How many images are sampled to compare precisions on."""

    num_images: int

    def __post_init__(self) -> None:
        check_at_least("doctor.num_images", self.num_images, 1, example=200)


@dataclass
class DoctorConfig(_Seeded):
    """What is looked at."""

    backbone: Any
    dataset: Any
    templates: Any
    tracking: Any
    trainer: Any
    paths: PathsConfig
    ks: list[int]
    doctor: LookConfig

    def __post_init__(self) -> None:
        from misfire.methods.retrieval.prompted import check_cut_offs

        super().__post_init__()
        check_cut_offs(tuple(self.ks))


@dataclass
class ReportConfig(_Seeded):
    """An experiment to report on, or counts to audit."""

    tracking: Any
    trainer: Any
    paths: PathsConfig
    host: str
    port: int
    audit: str | None
    mined: bool

    def __post_init__(self) -> None:
        super().__post_init__()
        check_port(self.port)


def of_verb(verb: str) -> Any:
    """The schema of a verb: the class of this module that is called after it; None where there is none."""
    found = globals().get(f"{verb.capitalize()}Config")
    return found if is_dataclass(found) else None


def check_seed(seed: int) -> None:
    """Refuse a seed that generators don't take.

    Raises:
        UsageError: If it is below 0.
    """
    check_at_least("seed", seed, 0, example=42)


def check_at_least(key: str, value: int, least: int, *, example: int) -> None:
    """Refuse a number that is too small.

    Raises:
        UsageError: If it is.
    """
    if value < least:
        raise UsageError(f"{key} must be a whole number from {least}, got {value}; write {key}={example}.")


def check_port(port: int) -> None:
    """Refuse what is no port.

    Raises:
        UsageError: If it isn't.
    """
    if not 0 <= port < 2**16:
        raise UsageError(f"port must be a whole number from 0 to 65535, got {port}; 0 takes a free one.")
