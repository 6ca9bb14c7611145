"""A search: a question, the rule that will decide it, what may vary, and what is made large or small on dev queries."""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from misfire.cells.axis import Axis, Choice, Range
from misfire.cells.space import EntrySubset, SearchSpace
from misfire.config.folders import conf_folder, sweeps_folder
from misfire.config.sweep import is_search, search_names
from misfire.core.errors import UsageError, name_some
from misfire.methods.retrieval.search.objective import Objective, objective_named
from misfire.tracking import SAMPLERS, StudyPlan

_NEEDED = ("title", "question", "decision_rule", "k", "objectives", "sampler", "num_trials", "space")
_DEFAULTS: Mapping[str, Any] = {"seed": 42, "dev_share": 0.5, "batch": 4, "prune": True, "fixed": {}}
_GROUPS = ("backbone", "templates", "pooling")
_EXAMPLE = "see sweeps/tau_search.yaml."


@dataclass(frozen=True)
class Search:
    """One file of ``sweeps/`` that holds a space rather than grids.

    Nothing in it names queries: a search reads those of the dev images, and its winner is read on the others.

    Args:
        name: The file's name: also the study's and the experiment's.
        title: A heading.
        question: What the search asks.
        decision_rule: What will count as a yes, in words, written before the numbers are seen.
        k: Cut-off that objectives and decision read.
        objectives: What is made large or small; with several, the first decides among equals of the others' trade.
        sampler: What proposes settings: a name of ``SAMPLERS``.
        num_trials: How many settings are tried; a grid tries no more than it has.
        seed: Of the proposals and of the split.
        dev_share: Share of the images on whose captions settings are compared.
        batch: How many trials are proposed from the same history, so that as many processes can work at once.
        prune: Whether a trial is cut short once another one beats the best that it can still be. It changes neither
            which settings are tried nor what comes out, only what it costs.
        space: What varies.
        fixed: Overrides that all trials share.
    """

    name: str
    title: str
    question: str
    decision_rule: str
    k: int
    objectives: tuple[Objective, ...]
    sampler: str
    num_trials: int
    seed: int
    dev_share: float
    batch: int
    prune: bool
    space: SearchSpace
    fixed: Mapping[str, str]

    @property
    def words(self) -> list[str]:
        """The command-line words that all trials share."""
        return [f"{key}={value}" for key, value in self.fixed.items()]

    def lasting(self, num_trials: int) -> "Search":
        """The same search with another number of trials.

        Raises:
            UsageError: If the number is below 1.
        """
        if num_trials < 1:
            raise UsageError(f"num_trials must be a whole number from 1, got {num_trials}; 40 is a fair start.")
        return replace(self, num_trials=num_trials)


def load_search(name: str) -> Search:
    """Read a bundled search by name, or any YAML file by its path.

    Raises:
        UsageError: If there is no such search, it lacks a part, or a part isn't what it should be.
    """
    path = Path(name) if name.endswith((".yaml", ".yml")) else sweeps_folder() / f"{name}.yaml"
    if not path.is_file() or (path.parent == sweeps_folder() and not is_search(path)):
        raise UsageError(f"the search must be one of {', '.join(search_names())} or a YAML file, got {name}.")
    content = _checked(_read(path), path)
    return Search(
        name=path.stem,
        title=str(content["title"]),
        question=" ".join(str(content["question"]).split()),
        decision_rule=" ".join(str(content["decision_rule"]).split()),
        k=content["k"],
        objectives=tuple(objective_named(str(one), k=content["k"]) for one in content["objectives"]),
        sampler=content["sampler"],
        num_trials=content["num_trials"],
        seed=content["seed"],
        dev_share=float(content["dev_share"]),
        batch=content["batch"],
        prune=content["prune"],
        space=_space(content["space"]),
        fixed={str(key): str(value) for key, value in content["fixed"].items()},
    )


def study_plan(search: Search, digest: str) -> StudyPlan:
    """What a study needs to know of its search.

    Args:
        search: The description.
        digest: Names all that a trial's values depend on.
    """
    return StudyPlan(
        space=search.space,
        sampler=SAMPLERS[search.sampler],
        seed=search.seed,
        directions=tuple(objective.direction for objective in search.objectives),
        num_trials=search.num_trials,
        batch=search.batch,
        digest=digest,
    )


def _read(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"a search must be YAML, got {path}: {' '.join(str(error).split())}; mend it.") from error


def _checked(content: Any, path: Path) -> dict[str, Any]:
    given = dict(content) if isinstance(content, dict) else {}
    if "walk" in given:
        given["sampler"] = given.pop("walk")
    missing = [key for key in _NEEDED if key not in given]
    if missing:
        raise UsageError(f"a search must state {', '.join(_NEEDED)}, {path} lacks {', '.join(missing)}; add them.")
    known = (*_NEEDED, *_DEFAULTS)
    unknown = [str(key) for key in given if key not in known]
    if unknown:
        near = difflib.get_close_matches(unknown[0], known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}."
        raise UsageError(f"a search must hold known keys alone, got {name_some(unknown)} in {path}; {hint}")
    whole = {**_DEFAULTS, **given}
    for key, (rule, holds) in _RULES.items():
        if not holds(whole[key]):
            raise UsageError(f"a search's {key} must be {rule}, got {whole[key]!r} in {path}; {_EXAMPLE}")
    reserved = [key for key in whole["fixed"] if str(key).partition(".")[0] in ("hydra", "tracking", "paths")]
    if reserved:
        raise UsageError(
            f"fixed must hold what trials share, got {name_some(reserved)} in {path}; say it on the command line."
        )
    return whole


def _is_whole_number(value: Any, *, least: int) -> bool:
    return type(value) is int and value >= least


_RULES: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "k": ("a whole number from 1", lambda value: _is_whole_number(value, least=1)),
    "num_trials": ("a whole number from 1", lambda value: _is_whole_number(value, least=1)),
    "seed": ("a whole number from 0", lambda value: _is_whole_number(value, least=0)),
    "batch": ("a whole number from 1", lambda value: _is_whole_number(value, least=1)),
    "dev_share": ("a fraction in (0, 1)", lambda value: type(value) is float and 0 < value < 1),
    "prune": ("true or false", lambda value: isinstance(value, bool)),
    "sampler": (f"one of {', '.join(SAMPLERS)}", lambda value: isinstance(value, str) and value in SAMPLERS),
    "objectives": (
        "a list of one or two different names",
        lambda value: isinstance(value, list) and 1 <= len(value) <= 2 and len(set(map(str, value))) == len(value),
    ),
    "space": ("a mapping from a key to what it may be", lambda value: isinstance(value, dict) and bool(value)),
    "fixed": ("a mapping from keys to values", lambda value: isinstance(value, dict)),
}


def _space(content: Mapping[str, Any]) -> SearchSpace:
    foreign = [key for key in content if str(key).partition(".")[0] not in _GROUPS]
    if foreign:
        raise UsageError(
            f"a space must hold keys of {', '.join(_GROUPS)}, got {name_some(foreign)}; queries, data and statistics "
            "are fixed in a search, so that its trials can be compared."
        )
    subsets = {key: value for key, value in content.items() if isinstance(value, dict) and "subset_of" in value}
    axes = tuple(_axis(str(key), value) for key, value in content.items() if key not in subsets)
    return SearchSpace(axes, _template_subset(subsets) if subsets else None)


def _axis(key: str, value: Any) -> Axis:
    if isinstance(value, list):
        return Choice(key, tuple(value))
    known = {"values", "low", "high", "log", "points", "when"}
    if not isinstance(value, dict) or not ({"low", "high"} <= set(value) or "values" in value) or set(value) - known:
        raise UsageError(
            f"an axis must be a list, or a mapping of low, high and at will log, points, when, got {value!r} for "
            f"{key}; {_EXAMPLE}"
        )
    when = _when(key, value.get("when", {}))
    if "values" in value:
        return Choice(key, tuple(value["values"]), when)
    numbers = (value["low"], value["high"], value.get("points", 2))
    if any(isinstance(number, bool) or not isinstance(number, int | float) for number in numbers):
        raise UsageError(f"low, high and points must be numbers, got {list(numbers)} for {key}; write 0.001, not 1e-3.")
    points = value.get("points")
    return Range(
        key,
        float(value["low"]),
        float(value["high"]),
        is_log=bool(value.get("log", False)),
        num_points=None if points is None else int(points),
        when=when,
    )


def _when(key: str, value: Any) -> dict[str, tuple[Any, ...]]:
    if not isinstance(value, dict):
        raise UsageError(f"when must map an axis to its values, got {value!r} for {key}; {_EXAMPLE}")
    return {str(name): tuple(one) if isinstance(one, list) else (one,) for name, one in value.items()}


def _template_subset(content: Mapping[str, Any]) -> EntrySubset:
    ((key, value), *others) = content.items()
    path = conf_folder() / "templates" / f"{value['subset_of']}.yaml"
    templates = _read(path).get("templates") if path.is_file() else None
    if key != "templates" or others or set(value) != {"subset_of"} or not templates:
        listed = sorted(one.stem for one in path.parent.glob("*.yaml") if (_read(one) or {}).get("templates"))
        raise UsageError(
            f"a subset of templates must be written templates: {{subset_of: NAME}} with one of {', '.join(listed)}, "
            f"got {key}: {value}; mend it."
        )
    return EntrySubset("templates", str(value["subset_of"]), tuple(map(str, templates)))
