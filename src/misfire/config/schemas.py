"""What verbs that make no cell can be told; a kind of cell states its own beside itself."""

from dataclasses import dataclass, is_dataclass
from typing import Any


@dataclass
class PathsConfig:
    """Folders: everything misfire writes lies under ``root``, the reports excepted; ``datasets`` is only read."""

    root: str
    report: str
    datasets: str


def of_verb(verb: str) -> Any:
    """The schema of a verb: the class of this module that is called after it; None where there is none."""
    found = globals().get(f"{verb.capitalize()}Config")
    return found if is_dataclass(found) else None


@dataclass
class ReportConfig:
    """An experiment to report on, or counts to audit."""

    tracking: Any
    trainer: Any
    paths: PathsConfig
    seed: int
    host: str
    port: int
    audit: str | None
    mined: bool
