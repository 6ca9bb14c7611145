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
