"""Files of sweeps: one strict schema, and the cells that they ask for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from misfire.cells.axis import Choice, Range
from misfire.cells.space import EntrySubset, SearchSpace, settings_with_every_value
from misfire.config import Settings
from misfire.config.sweep import Bound, load
from misfire.config.sweep_names import sweep_names
from misfire.config.words import word
from misfire.core.errors import UsageError
from misfire.scoring import PromptPooling

GRID = {
    "title": "A small sweep",
    "question": "Does it\n work?",
    "decision_rule": "The gain lies above 0.",
    "k": 10,
    "fixed": {"templates": "matched"},
    "grids": [{"subset": ["object", "action"], "pooling": ["max", "mean"]}],
}
SEARCH = {
    "title": "A small search",
    "question": "Does it work?",
    "decision_rule": "The gain lies above 0.",
    "k": 10,
    "walk": "tpe",
    "objectives": ["gain", "broken"],
    "num_trials": 8,
    "fixed": {"subset": "failures"},
    "space": {
        "pooling": ["max", "logmeanexp"],
        "pooling.tau": {"low": 0.001, "high": 1, "log": True, "points": 3, "when": {"pooling": "logmeanexp"}},
        "templates": {"subset_of": "generic"},
    },
}
Written = Callable[..., str]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    def write(base: dict[str, Any], **changed: Any) -> str:
        path = tmp_path / "mine.yaml"
        content = {key: value for key, value in {**base, **changed}.items() if value != "absent"}
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        return str(path)

    return write


def test_the_bundled_ones_keep_their_names() -> None:
    assert {"table1", "tau", "tau_search"} <= set(sweep_names())
    assert sweep_names() == sorted([*sweep_names(searches=False), *sweep_names(searches=True)])
    assert {"table1", "tau"} <= set(sweep_names(searches=False))
    assert "tau_search" in sweep_names(searches=True)


@pytest.mark.parametrize("name", sweep_names())
def test_every_bundled_one_is_read(name: str) -> None:
    assert load(name).name == name


def test_a_sweep_is_its_grids_with_what_is_fixed(written: Written) -> None:
    sweep = load(written(GRID))
    assert (sweep.name, sweep.question, sweep.k, sweep.verb, sweep.walk) == (
        "mine",
        "Does it work?",
        10,
        "ensemble",
        None,
    )
    assert sweep.points(["seed=1", "templates=generic"]) == [
        ("templates=generic", f"subset={subset}", f"pooling={pooling}", "seed=1")
        for subset in ("object", "action")
        for pooling in ("max", "mean")
    ]
    assert sweep.keys == {"subset", "pooling"}


def test_the_cells_of_the_bundled_sweeps_are_those_of_before() -> None:
    points = load("tau").points([])
    assert len(points) == 16
    assert points[0] == ("templates=matched", "subset=object", "pooling=max")
    assert points[4] == ("templates=matched", "subset=object", "pooling=logmeanexp", "pooling.tau=0.003")
    assert len(load("table1").points([])) == 12


# Sweeps of other verbs are tried where their rooms are.
@pytest.mark.parametrize("name", [name for name in sweep_names() if load(name).verb == "ensemble"])
def test_every_choice_of_a_bundled_one_composes_and_builds(name: str) -> None:
    sweep = load(name)
    for space in sweep.spaces:
        for setting in settings_with_every_value(space):
            words = [word(key, value) for key, value in {**sweep.fixed, **space.assigned(setting)}.items()]
            settings = Settings.of_words(sweep.verb, words)
            assert settings.get("pooling") is None or isinstance(settings["pooling"], PromptPooling)
            assert sweep.k in settings.get("ks", [sweep.k])
            assert set(sweep.walk.objectives if sweep.walk else ()) <= set(settings.kind.objectives)


def test_a_search_is_a_space_and_how_it_is_walked(written: Written) -> None:
    sweep = load(written(SEARCH, constraints={"broken": {"at_most": 0.5}}))
    assert sweep.walk is not None
    assert sweep.walk.constraints == (Bound("broken", most=0.5),)
    assert (sweep.walk.constraints[0].excess(0.75), sweep.walk.constraints[0].excess(0.25)) == (0.25, -0.25)
    assert (sweep.walk.sampler, sweep.walk.seed, sweep.walk.dev_share, sweep.walk.batch) == ("tpe", 42, 0.5, 4)
    generic = ("{caption}", "a photo of {caption}", "a picture of {caption}", "an image of {caption}")
    assert sweep.spaces == (
        SearchSpace(
            (
                Choice("pooling", ("max", "logmeanexp")),
                Range("pooling.tau", 0.001, 1.0, is_log=True, num_points=3, when={"pooling": ("logmeanexp",)}),
            ),
            EntrySubset("templates", "generic", (*generic, "a photo showing {caption}")),
        ),
    )


def test_values_of_a_file_never_pass_a_grammar_unquoted(written: Written) -> None:
    sweep = load(written(GRID, fixed={"subset.path": "größe, (1)/a=b.csv"}, grids=[{"templates.path": ["a,b.yaml"]}]))
    assert sweep.points([]) == [("subset.path='größe, (1)/a=b.csv'", "templates.path='a,b.yaml'")]


@pytest.mark.parametrize(
    ("base", "changed", "part"),
    [
        (GRID, {"fixd": {}}, "got 'fixd' in {path}, line 14 (did you mean fixed?)"),
        (GRID, {"question": None}, "a sweep's question must be a text, got None in {path}, line 2;"),
        (GRID, {"question": " "}, "a sweep's question must be a text, got ' '"),
        (GRID, {"title": "absent"}, "got none named 1 (title) in {path}"),
        (GRID, {"k": 0}, "a sweep's k must be a whole number from 1, got 0 in {path}, line 4;"),
        (GRID, {"k": "ten"}, "a sweep's k must be a whole number from 1, got 'ten'"),
        (GRID, {"k": True}, "a sweep's k must be a whole number from 1, got True"),
        (GRID, {"verb": "ensembel"}, "got 'ensembel' in {path}, line 14 (did you mean ensemble?)"),
        (GRID, {"verb": "mine"}, "a sweep's verb must be one that makes cells: "),
        (GRID, {"fixed": []}, "a sweep's fixed must be a mapping from keys to values, got []"),
        (GRID, {"fixed": {"paths.root": "/tmp"}}, "fixed must hold what cells are, got paths.root"),
        (GRID, {"fixed": {"+tracking.uri": "x"}}, "fixed must hold what cells are, got +tracking.uri"),
        (GRID, {"fixed": {"hydra/launcher": "x"}}, "fixed must hold what cells are, got hydra/launcher"),
        (GRID, {"fixed": {"seed": "${oc.env:HOME}"}}, "must be a value that stands for itself, without ${, got"),
        (GRID, {"fixed": {"pooling": {"_target_": "os.system"}}}, "must not describe what is built, got _target_"),
        (GRID, {"fixed": {"pooling": "max"}}, "must be fixed or vary, got pooling in both in {path}, line "),
        (GRID, {"grids": []}, "a sweep's grids must be a list of mappings from a key to its values, got []"),
        (GRID, {"grids": "absent"}, "must have either a space or grids, which are several, got none"),
        (
            GRID,
            {"space": {"pooling": ["max"]}},
            "must have either a space or grids, which are several, got space and grids",
        ),
        (GRID, {"grids": [{"pooling": ["max", "max"]}]}, "an axis must list different values"),
        (GRID, {"grids": [{"pooling": [{"_target_": "os.system"}]}]}, "must not describe what is built"),
        (
            GRID,
            {"grids": [{"seed": {"low": 0, "high": 1, "points": 10**9}}]},
            "at most 100,000 cells, got 1,000,000,000",
        ),
        (GRID, {"num_trials": 3}, "must state objectives where it states num_trials, got none"),
        (GRID, {"walk": "tpe"}, "must state objectives where it states walk, got none"),
        (SEARCH, {"walk": "tpee"}, "got 'tpee' in {path}, line 5 (did you mean tpe?)"),
        (
            SEARCH,
            {"objectives": ["gain", "gain"]},
            "must be a list of one or two different names, got ['gain', 'gain']",
        ),
        (SEARCH, {"num_trials": 0}, "a sweep's num_trials must be a whole number from 1, got 0"),
        (SEARCH, {"num_trials": 10**9}, "at most 100,000 cells, got 1,000,000,000"),
        (SEARCH, {"dev_share": 1.0}, "a sweep's dev_share must be a fraction in (0, 1), got 1.0"),
        (SEARCH, {"batch": 0}, "a sweep's batch must be a whole number from 1, got 0"),
        (SEARCH, {"prune": "yes"}, "a sweep's prune must be true or false, got 'yes'"),
        (SEARCH, {"constraints": {"broken": {}}}, "must be at_least or at_most with a number, got {}"),
        (SEARCH, {"constraints": {"broken": {"below": 1}}}, "got 'below'"),
        (SEARCH, {"space": {}}, "a sweep's space must be a mapping from a key to what it may be, got {}"),
        (SEARCH, {"space": {"subset": ["object"]}}, "must not vary what trials are compared on, got subset"),
        (SEARCH, {"space": {"pooling.tau": {"low": "1e-3", "high": 1}}}, "write 0.001, not 1e-3"),
        (SEARCH, {"space": {"pooling.tau": {"low": 1}}}, "an axis must be a list, or a mapping of low, high"),
        (SEARCH, {"space": {"pooling.tau": {"low": 0, "high": 1, "lgo": True}}}, "got 'lgo' in {path}"),
        (SEARCH, {"space": {"templates": {"subset_of": "none"}}}, "a subset must be written once, as templates: "),
    ],
)
def test_what_is_wrong_in_a_file_is_one_sentence_with_its_place(
    written: Written, base: dict[str, Any], changed: dict[str, Any], part: str
) -> None:
    path = written(base, **changed)
    with pytest.raises(UsageError) as caught:
        load(path)
    assert part.replace("{path}", path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "twice.yaml"
    path.write_text(yaml.safe_dump(GRID) + "k: 5\n")
    with pytest.raises(UsageError, match="a key of a sweep must stand once, got 'k' on lines"):
        load(str(path))


def test_a_sweep_that_is_not_there_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"got tabel1 \(did you mean table1\?\)"):
        load("tabel1")
