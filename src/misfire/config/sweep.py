"""Files of ``sweeps/``: a research question, the rule that will decide it, and what is tried; one strict schema."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

from misfire.cells.axis import Axis, Choice, Range
from misfire.cells.space import EntrySubset, SearchSpace
from misfire.config.folders import sweeps_folder
from misfire.config.groups import content, groups, groups_of, primaries
from misfire.config.jobs import is_cell_verb
from misfire.config.sweep_names import sweep_names
from misfire.config.words import MOST_CELLS, word
from misfire.core.errors import UsageError, name_some
from misfire.core.yaml_file import YamlFile, nearest, read_yaml

GRID = "grid"
_WHAT, _EXAMPLE = "a sweep", "sweeps/table1.yaml or sweeps/tau_search.yaml"
_REQUIRED = ("title", "question", "decision_rule")
_OF_A_SEARCH = ("objectives", "constraints", "num_trials", "seed", "dev_share", "batch", "prune")
_OPTIONAL = ("k", "verb", "walk", "fixed", "space", "grids", *_OF_A_SEARCH)
# Where cells run and are kept is said on the command line; what they are is said here.
_ELSEWHERE = ("hydra", "paths", "tracking", "trainer")
# Whatever else a word of the command line could hold (=, @, blanks, quotes) would be read as more than a key.
_KEY = re.compile(r"[A-Za-z]\w*(?:[./]\w+)*", re.ASCII)
# By their last part: folders that are written to, which key is sent to which address, and what that may cost.
_OF_THE_USER = ("cache", "index", "key_variable", "base_url", "most_requests")
# What trials are compared on stays the same, or they can't be compared.
_COMPARED_ON = ("dataset", "subset", "statistics", "complement", "seed", "side", "dev_share", "split_seed", "ks")


@final
@dataclass(frozen=True)
class Bound:
    """A constraint: an objective's value must not be below, or not above, a number.

    Args:
        objective: The objective's name.
        least: The least value that is allowed; None where there is none.
        most: The greatest.
    """

    objective: str
    least: float | None = None
    most: float | None = None

    def excess(self, value: float) -> float:
        """By how much a value breaks the bound; 0 or less where it keeps it."""
        over = [] if self.most is None else [value - self.most]
        under = [] if self.least is None else [self.least - value]
        return max([*over, *under])


@final
@dataclass(frozen=True)
class Walk:
    """How a space is searched: settings are compared on dev units, and the winner is read on the others.

    Args:
        sampler: Who proposes settings: a name of the tracker's samplers.
        num_trials: How many settings are tried; a grid tries no more than it has.
        objectives: What is made large or small; the first decides among what no other setting beats.
        constraints: What a winner must keep to.
        seed: Of the proposals and of the split.
        dev_share: Share of the units on which settings are compared.
        batch: How many trials are proposed from the same history, so that as many processes can work at once.
        prune: Whether a trial is cut short once another one beats the best that it can still be. It changes neither
            which settings are tried nor what comes out, only what it costs.
    """

    sampler: str
    num_trials: int
    objectives: tuple[str, ...]
    constraints: tuple[Bound, ...]
    seed: int
    dev_share: float
    batch: int
    prune: bool


@final
@dataclass(frozen=True)
class Sweep:
    """One file of ``sweeps/``.

    Args:
        name: The file's name: also the experiment's.
        title: A heading.
        question: What the sweep asks.
        decision_rule: What will count as which answer, in words, written before the numbers are seen.
        k: Cut-off that the decision reads; None for a verb that has no cut-offs.
        verb: Whose cells it runs.
        fixed: What all its cells share, by key.
        spaces: What varies: a grid is walked for each; a search has one.
        walk: How the space is searched; None where every setting is a cell.
    """

    name: str
    title: str
    question: str
    decision_rule: str
    k: int | None
    verb: str
    fixed: Mapping[str, Any]
    spaces: tuple[SearchSpace, ...]
    walk: Walk | None

    @property
    def keys(self) -> frozenset[str]:
        """The keys that vary."""
        return frozenset(key for space in self.spaces for key in space.keys)

    def points(self, words: Sequence[str]) -> list[tuple[str, ...]]:
        """The words of each cell of the grids: what is fixed, then what varies, then ``words``, the last of a key."""
        found = []
        for space in self.spaces:
            for setting in space.grid():
                own = {key: word(key, value) for key, value in {**self.fixed, **space.assigned(setting)}.items()}
                found.append(tuple({**own, **{said.partition("=")[0]: said for said in words}}.values()))
        return found

    def lasting(self, num_trials: int) -> "Sweep":
        """The same search with another number of trials."""
        return self if self.walk is None else replace(self, walk=replace(self.walk, num_trials=num_trials))


def load(name: str) -> Sweep:
    """Read a bundled sweep by name, or any YAML file by its path.

    Raises:
        UsageError: If there is no such file, or anything in it isn't what it should be.
    """
    path = Path(name) if name.endswith((".yaml", ".yml")) else sweeps_folder() / f"{name}.yaml"
    if not path.is_file():
        near = nearest(name, sweep_names())
        raise UsageError(f"the sweep must be one of {', '.join(sweep_names())} or a YAML file, got {name}{near}.")
    file = read_yaml(path, _WHAT)
    said = file.entries(required=_REQUIRED, optional=_OPTIONAL, example=_EXAMPLE)
    verb = _verb(file, said.get("verb", "ensemble"))
    walk = _walk(file, said)
    sweep = Sweep(
        name=path.stem,
        title=_text(file, said, "title"),
        question=_text(file, said, "question"),
        decision_rule=_text(file, said, "decision_rule"),
        k=None if said.get("k") is None else _whole(file, "k", said["k"]),
        verb=verb,
        fixed=_fixed(file, said.get("fixed", {})),
        spaces=_spaces(file, said, is_search=walk is not None, verb=verb),
        walk=walk,
    )
    both = sorted({axis.key for space in sweep.spaces for axis in space.axes} & set(sweep.fixed))
    if both:
        raise UsageError(
            f"a key of {_WHAT} must be fixed or vary, got {both[0]} in both in {file.where('fixed', both[0])}; drop it "
            "in one."
        )
    number = sum(space.num_settings for space in sweep.spaces) if walk is None else walk.num_trials
    if number > MOST_CELLS:
        raise UsageError(f"{_WHAT} must ask for at most {MOST_CELLS:,} cells, got {number:,} in {path}; ask for fewer.")
    return sweep


def _text(file: YamlFile, said: Mapping[str, Any], key: str) -> str:
    text = " ".join(said[key].split()) if isinstance(said[key], str) else ""
    if not text:
        raise UsageError(f"{_WHAT}'s {key} must be a text, got {said[key]!r} in {file.where(key)}; write what it asks.")
    return text


def _verb(file: YamlFile, said: Any) -> str:
    known = [verb for verb in primaries() if is_cell_verb(verb)]
    if said not in known:
        raise UsageError(
            f"{_WHAT}'s verb must be one that makes cells: {', '.join(known)}; got {said!r} in {file.where('verb')}"
            f"{nearest(said, known)}."
        )
    return str(said)


def _whole(file: YamlFile, key: str, value: Any, *, least: int = 1) -> int:
    if type(value) is not int or value < least:
        raise _refused(file, key, f"a whole number from {least}", value)
    return value


def _refused(file: YamlFile, key: str, rule: str, value: Any) -> UsageError:
    shown = repr(value) if len(repr(value)) < 100 else f"{repr(value)[:100]}..."
    return UsageError(f"{_WHAT}'s {key} must be {rule}, got {shown} in {file.where(*key.split('.'))}; see {_EXAMPLE}.")


def _fixed(file: YamlFile, said: Any) -> dict[str, Any]:
    if not isinstance(said, dict):
        raise _refused(file, "fixed", "a mapping from keys to values", said)
    for key, value in said.items():
        _check_key(file, "fixed", str(key))
        _check_plain(file, f"fixed.{key}", value)
    return {str(key): value for key, value in said.items()}


def _check_key(file: YamlFile, place: str, key: str) -> None:
    bare = key.lstrip("+~")
    if bare.partition(".")[0].partition("/")[0] in _ELSEWHERE or bare.rpartition(".")[2] in _OF_THE_USER:
        raise UsageError(
            f"{place} must hold what cells are, got {key} in {file.where(place)}, which says where they run, what is "
            "written where, or who is asked; say it on the command line."
        )
    if not _KEY.fullmatch(key):
        raise UsageError(
            f"{place} must hold keys of the configuration, got {key!r} in {file.where(place)}; a key is words with "
            "dots between them, such as pooling.tau."
        )


def _check_plain(file: YamlFile, key: str, value: Any) -> None:
    """A sweep's file is data: its values stand for themselves and refer to nothing, least of all to what runs."""
    if isinstance(value, dict):
        for name, one in value.items():
            if not isinstance(name, str) or name.startswith("_"):
                raise UsageError(
                    f"{key} must not describe what is built, got {name} in {file.where('fixed')}; drop it."
                )
            _check_plain(file, key, one)
    elif isinstance(value, list):
        for one in value:
            _check_plain(file, key, one)
    elif not (value is None or isinstance(value, bool | int | float | str)):
        raise _refused(file, key, "a text, a number, true, false, null, a list or a mapping", value)
    elif isinstance(value, str) and "${" in value:
        raise _refused(file, key, "a value that stands for itself, without ${", value)


def _walk(file: YamlFile, said: Mapping[str, Any]) -> Walk | None:
    from misfire.tracking import SAMPLERS

    sampler = said.get("walk", GRID)
    if not isinstance(sampler, str) or sampler not in SAMPLERS:
        raise UsageError(
            f"{_WHAT}'s walk must be one of {', '.join(SAMPLERS)}, got {sampler!r} in {file.where('walk')}"
            f"{nearest(sampler, SAMPLERS)}."
        )
    if "objectives" not in said:
        wrong = [key for key in _OF_A_SEARCH if key in said] + (["walk"] if sampler != GRID else [])
        if wrong:
            raise UsageError(
                f"{_WHAT} must state objectives where it states {wrong[0]}, got none in {file.where(wrong[0])}; "
                f"add objectives: [gain], or drop {wrong[0]}."
            )
        return None
    objectives = said["objectives"]
    is_list = isinstance(objectives, list) and all(isinstance(one, str) for one in objectives)
    if not is_list or not 1 <= len(objectives) <= 2 or len(set(objectives)) < len(objectives):
        raise _refused(file, "objectives", "a list of one or two different names", objectives)
    if "num_trials" not in said:
        raise _refused(file, "num_trials", "a whole number from 1", None)
    share, prune = said.get("dev_share", 0.5), said.get("prune", True)
    if type(share) is not float or not 0 < share < 1:
        raise _refused(file, "dev_share", "a fraction in (0, 1)", share)
    if not isinstance(prune, bool):
        raise _refused(file, "prune", "true or false", prune)
    return Walk(
        sampler=sampler,
        num_trials=_whole(file, "num_trials", said["num_trials"]),
        objectives=tuple(objectives),
        constraints=tuple(_bounds(file, said.get("constraints", {}))),
        seed=_whole(file, "seed", said.get("seed", 42), least=0),
        dev_share=share,
        batch=_whole(file, "batch", said.get("batch", 4)),
        prune=prune,
    )


def _bounds(file: YamlFile, said: Any) -> Iterator[Bound]:
    if not isinstance(said, dict):
        raise _refused(file, "constraints", "a mapping from an objective to at_least or at_most", said)
    for name in said:
        bounds = file.entries("constraints", name, optional=("at_least", "at_most"), example=_EXAMPLE)
        if not bounds or any(isinstance(one, bool) or not isinstance(one, int | float) for one in bounds.values()):
            raise _refused(file, f"constraints.{name}", "at_least or at_most with a number", bounds)
        least, most = bounds.get("at_least"), bounds.get("at_most")
        yield Bound(str(name), *(None if one is None else float(one) for one in (least, most)))


def _spaces(file: YamlFile, said: Mapping[str, Any], *, is_search: bool, verb: str) -> tuple[SearchSpace, ...]:
    stated = [key for key in ("space", "grids") if key in said]
    if len(stated) != 1 or (is_search and stated == ["grids"]):
        rule = "a space" if is_search else "either a space or grids, which are several"
        raise UsageError(
            f"{_WHAT} must have {rule}, got {' and '.join(stated) or 'none'} in {file.path}; see {_EXAMPLE}."
        )
    several = said["grids"] if stated == ["grids"] else [said["space"]]
    if not isinstance(several, list) or not several:
        raise _refused(file, stated[0], "a list of mappings from a key to its values", several)
    return tuple(_space(file, stated[0], one, is_search=is_search, verb=verb) for one in several)


def _space(file: YamlFile, place: str, said: Any, *, is_search: bool, verb: str) -> SearchSpace:
    if not isinstance(said, dict) or not said:
        raise _refused(file, place, "a mapping from a key to what it may be", said)
    axes: list[Axis] = []
    subset: EntrySubset | None = None
    for key, value in said.items():
        _check_key(file, place, str(key))
        if is_search and str(key).partition(".")[0] in _COMPARED_ON:
            raise UsageError(
                f"the space of a search must not vary what trials are compared on, got {key} in "
                f"{file.where(place, key)}; queries, data and statistics are fixed in a search."
            )
        if isinstance(value, dict) and "subset_of" in value:
            subset = _subset(file, place, str(key), value, verb, already=subset)
        else:
            axes.append(_axis(file, place, str(key), value))
    return SearchSpace(tuple(axes), subset)


def _axis(file: YamlFile, place: str, key: str, value: Any) -> Axis:
    if not isinstance(value, dict):
        return Choice(key, _plain_values(file, f"{place}.{key}", value))
    optional = ("values", "low", "high", "log", "points", "when")
    # An entry of several grids has no line of its own.
    said = file.entries(place, key, optional=optional, example=_EXAMPLE) if place == "space" else value
    if set(said) - set(optional) or not ({"low", "high"} <= set(said) or "values" in said):
        raise UsageError(
            f"an axis must be a list, or a mapping of low, high and at will log, points, when, got {value!r} for "
            f"{key} in {file.where(place, key)}; see {_EXAMPLE}."
        )
    when = _when(file, place, key, said.get("when", {}))
    if "values" in said:
        return Choice(key, _plain_values(file, f"{place}.{key}", said["values"]), when)
    points = said.get("points")
    numbers = (said["low"], said["high"], 2 if points is None else points)
    if any(isinstance(one, bool) or not isinstance(one, int | float) for one in numbers):
        raise UsageError(
            f"low, high and points must be numbers, got {list(numbers)} for {key} in {file.where(place, key)}; write "
            "0.001, not 1e-3."
        )
    is_log = said.get("log", False)
    if not isinstance(is_log, bool):
        raise _refused(file, f"{place}.{key}", "a range whose log is true or false", is_log)
    return Range(
        key,
        float(said["low"]),
        float(said["high"]),
        is_log=is_log,
        num_points=None if points is None else int(points),
        when=when,
    )


def _plain_values(file: YamlFile, key: str, value: Any) -> tuple[Any, ...]:
    values = value if isinstance(value, list) else [value]
    for one in values:
        _check_plain(file, key, one)
        if not isinstance(one, bool | int | float | str):
            raise _refused(file, key, "a value or a list of values", value)
    return tuple(values)


def _when(file: YamlFile, place: str, key: str, value: Any) -> dict[str, tuple[Any, ...]]:
    if not isinstance(value, dict):
        raise UsageError(f"when must map an axis to its values, got {value!r} for {key} in {file.where(place, key)}.")
    return {str(name): tuple(one) if isinstance(one, list) else (one,) for name, one in value.items()}


def _subset(
    file: YamlFile, place: str, group: str, said: Mapping[str, Any], verb: str, *, already: EntrySubset | None
) -> EntrySubset:
    listed = {
        choice: content(path)[group]
        for choice, path in groups().get(group, {}).items()
        if isinstance(content(path).get(group), list)
    }
    choice = said["subset_of"]
    if group not in groups_of(verb) or choice not in listed or set(said) != {"subset_of"} or already is not None:
        known = sorted(listed) or sorted(one for one in groups_of(verb))
        raise UsageError(
            f"a subset must be written once, as {group}: {{subset_of: NAME}} with one of {name_some(known, most=20)}, "
            f"got {said} in {file.where(place, group)}; mend it."
        )
    return EntrySubset(group, str(choice), tuple(map(str, listed[choice])))
