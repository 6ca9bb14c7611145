"""A sweep: a research question, the rule that will decide it, and the grid of cells that it needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from misfire.config.folders import sweeps_folder
from misfire.core.errors import UsageError


@dataclass(frozen=True)
class Sweep:
    """One file of ``sweeps/``.

    Args:
        name: The file's name: also the experiment's.
        title: A heading.
        question: What the sweep asks.
        decision_rule: What will count as a yes, in words, written before the numbers are seen.
        k: Cut-off that the decision reads.
        grids: Grids of Hydra overrides; each is a multirun.
        fixed: Overrides that all cells share.
    """

    name: str
    title: str
    question: str
    decision_rule: str
    k: int
    grids: tuple[Mapping[str, str], ...]
    fixed: Mapping[str, str]

    def words(self, grid: Mapping[str, str]) -> list[str]:
        """The command-line words of one grid."""
        return [f"{key}={value}" for key, value in {**self.fixed, **grid}.items()]


def sweep_names() -> list[str]:
    """Names of the bundled sweeps."""
    found = [path for path in sweeps_folder().glob("*.yaml") if not is_search(path)]
    # A file that names its verb is read by sweep_file.
    return sorted(path.stem for path in found if "\nverb:" not in path.read_text(encoding="utf-8"))


def search_names() -> list[str]:
    """Names of the bundled searches: the files beside the sweeps that hold a space."""
    return sorted(path.stem for path in sweeps_folder().glob("*.yaml") if is_search(path))


def is_search_file(name: str) -> bool:
    """Whether a file of that path describes a search."""
    return Path(name).is_file() and is_search(Path(name))


def is_search(path: Path) -> bool:
    """Whether a file describes a search, which has a space, rather than a sweep, which has grids."""
    return any(line.startswith("space:") for line in path.read_text(encoding="utf-8").splitlines())


def load_sweep(name: str) -> Sweep:
    """Read a bundled sweep by name, or any YAML file by its path.

    Raises:
        UsageError: If there is no such sweep, or it lacks a part.
    """
    path = Path(name) if name.endswith((".yaml", ".yml")) else sweeps_folder() / f"{name}.yaml"
    if not path.is_file():
        raise UsageError(f"the sweep must be one of {', '.join(sweep_names())} or a YAML file, got {name}.")
    if is_search(path):
        raise UsageError(f"a sweep must have grids, got {name}, which is a search; say `misfire search {name}`.")
    content = _read(path)
    needed = {"title", "question", "decision_rule", "k", "grids"}
    missing = sorted(needed - set(content if isinstance(content, dict) else ()))
    if missing:
        raise UsageError(
            f"a sweep must state {', '.join(sorted(needed))}, {path} lacks {', '.join(missing)}; add them."
        )
    _check_types(content, path)
    return Sweep(
        name=path.stem,
        title=str(content["title"]),
        question=" ".join(str(content["question"]).split()),
        decision_rule=" ".join(str(content["decision_rule"]).split()),
        k=int(content["k"]),
        grids=tuple(_overrides(grid) for grid in content["grids"]),
        fixed=_overrides(content.get("fixed", {})),
    )


def _read(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise UsageError(f"a sweep must be YAML, got {path}: {' '.join(str(error).split())}; mend it.") from error


def _check_types(content: Mapping[str, Any], path: Path) -> None:
    grids, fixed = content["grids"], content.get("fixed", {})
    rules = {
        "k must be a whole number from 1": type(content["k"]) is int and content["k"] >= 1,
        "grids must be a list of mappings from a key to its values": isinstance(grids, list)
        and bool(grids)
        and all(isinstance(grid, dict) for grid in grids),
        "fixed must map keys to values": isinstance(fixed, dict),
    }
    for rule, holds in rules.items():
        if not holds:
            key = rule.partition(" ")[0]
            raise UsageError(f"a sweep's {rule}, got {content[key]!r} in {path}; see sweeps/table1.yaml.")


def _overrides(grid: Mapping[str, Any]) -> dict[str, str]:
    return {key: _listed(value) for key, value in grid.items()}


def _listed(value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join(str(item) for item in value)
    return str(value)
