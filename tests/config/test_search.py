"""Every search of sweeps/ states its question and rule and composes; a bad description is refused in one sentence."""

from pathlib import Path

import pytest
import yaml

from misfire.cells.space import settings_with_every_value
from misfire.cli._application import compose
from misfire.config import Settings, search_names
from misfire.config.search import load_search, study_plan
from misfire.config.words import word
from misfire.core.errors import UsageError

WHOLE = {
    "title": "Mine",
    "question": "Does it?",
    "decision_rule": "It does.",
    "k": 5,
    "objectives": ["gain"],
    "sampler": "random",
    "num_trials": 3,
    "space": {"pooling": ["max", "mean"]},
}


def written(folder: Path, content: object) -> str:
    path = folder / "mine.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False))
    return str(path)


@pytest.mark.parametrize("name", search_names())
def test_a_search_states_question_and_rule_and_every_choice_composes_and_builds(name: str) -> None:
    search = load_search(name)
    assert search.name == name
    assert search.title
    assert search.question.endswith("?")
    assert search.decision_rule.endswith(".")
    assert f"hit@{search.k}" in search.decision_rule
    own = {axis.key for axis in search.space.all_axes} | {"templates"}
    for setting in settings_with_every_value(search.space):
        fixed = [word for word in search.words if word.partition("=")[0] not in own]
        settings = Settings(
            compose([*fixed, *[word(key, value) for key, value in search.space.assigned(setting).items()]])
        )
        assert settings.pooling.describe()["pooling"] == setting["pooling"]
        kept = [number for number in range(2, 6) if setting[f"template {number}"]]
        assert len(settings.templates.for_categories([])) == 1 + len(kept)
        assert search.k in settings.ks


def test_what_is_not_said_has_its_default(tmp_path: Path) -> None:
    search = load_search(written(tmp_path, {**WHOLE, "question": "Does\n  it?"}))
    assert (search.name, search.question, search.seed, search.dev_share, search.batch) == (
        "mine",
        "Does it?",
        42,
        0.5,
        4,
    )
    assert search.prune is True
    assert search.words == []
    plan = study_plan(search.lasting(7), "digest")
    assert (plan.num_trials, plan.directions, plan.digest) == (7, ("maximize",), "digest")


def test_a_grid_tries_no_more_than_it_has(tmp_path: Path) -> None:
    search = load_search(written(tmp_path, {**WHOLE, "sampler": "grid", "num_trials": 30}))
    assert study_plan(search, "").num_to_do == 2


@pytest.mark.parametrize(
    ("changed", "part"),
    [
        ({"k": 0}, "a search's k must be a whole number from 1, got 0 in "),
        ({"k": True}, "got True in "),
        ({"num_trials": 2.5}, "a search's num_trials must be a whole number from 1, got 2.5 in "),
        ({"seed": -1}, "a search's seed must be a whole number from 0, got -1 in "),
        ({"prune": "no"}, "a search's prune must be true or false, got 'no' in "),
        ({"batch": 0}, "a search's batch must be a whole number from 1, got 0 in "),
        ({"dev_share": 1.0}, "a search's dev_share must be a fraction in (0, 1), got 1.0 in "),
        ({"dev_share": 50}, "got 50 in "),
        ({"sampler": "gp"}, "a search's sampler must be one of grid, tpe, random, got 'gp' in "),
        ({"sampler": ["grid"]}, "got ['grid'] in "),
        ({"objectives": []}, "a search's objectives must be a list of one or two different names, got [] in "),
        ({"objectives": ["gain", "gain"]}, "got ['gain', 'gain'] in "),
        ({"objectives": ["recall"]}, "an objective must be one of gain, hits, broken, net, got recall;"),
        ({"space": {}}, "a search's space must be a mapping from a key to what it may be, got {} in "),
        ({"space": ["pooling"]}, "got ['pooling'] in "),
        ({"space": {"pooling": "max"}}, "an axis must be a list, or a mapping of low, high and at will log, points,"),
        ({"space": {"pooling.tau": {"low": 1}}}, "got {'low': 1} for pooling.tau;"),
        ({"space": {"pooling.tau": {"low": 0.1, "high": 1, "lgo": True}}}, "'lgo': True} for pooling.tau;"),
        (
            {"space": {"pooling.tau": {"low": "1e-3", "high": 1}}},
            "low, high and points must be numbers, got ['1e-3', 1, 2]",
        ),
        ({"space": {"pooling.tau": {"low": 1, "high": 0.1}}}, "a range must go from low to a greater high"),
        (
            {"space": {"pooling.tau": {"low": 0.1, "high": 1, "when": "max"}}},
            "when must map an axis to its values, got 'max'",
        ),
        (
            {"space": {"templates": {"subset_of": "matched"}}},
            "a subset of templates must be written templates: {subset_of:",
        ),
        ({"space": {"templates": {"subset_of": "nothing"}}}, "got templates: {'subset_of': 'nothing'}; mend it."),
        (
            {"space": {"subset": ["failures", "all"]}},
            "a space must hold keys of backbone, templates, pooling, got 1 (subset);",
        ),
        ({"space": {"dataset.num_images": [10, 20]}}, "got 1 (dataset.num_images);"),
        ({"fixed": ["subset"]}, "a search's fixed must be a mapping from keys to values, got ['subset'] in "),
        ({"fixed": {"paths.root": "x"}}, "fixed must hold what trials share, got 1 (paths.root) in "),
        ({"num_trails": 3}, "a search must hold known keys alone, got 1 (num_trails) in "),
        ({"num_trails": 3}, "did you mean num_trials?"),
        ({"split": "test"}, "a search must hold known keys alone, got 1 (split) in "),
        ({"test_share": 0.5}, "a search must hold known keys alone, got 1 (test_share) in "),
    ],
)
def test_a_bad_description_is_refused_in_one_sentence(changed: dict[str, object], part: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load_search(written(tmp_path, {**WHOLE, **changed}))
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("missing", WHOLE)
def test_a_search_that_lacks_a_part_is_refused(missing: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=rf"a search must state title, .* lacks {missing}; add them\."):
        load_search(written(tmp_path, {key: value for key, value in WHOLE.items() if key != missing}))


@pytest.mark.parametrize("text", ["", "- a list\n", "space"])
def test_what_is_no_mapping_lacks_everything(text: str, tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"lacks title, question, decision_rule, k, objectives, sampler, num_trials, space"
    ):
        load_search(written(tmp_path, text))


def test_what_is_no_yaml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a search must be YAML, got .*mine\.yaml: .*; mend it\.") as caught:
        load_search(written(tmp_path, "space: {pooling: ]"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["tau_serach", "table1", "none.yaml"])
def test_an_unknown_search_lists_the_known(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_search(name)
    assert str(caught.value) == f"the search must be one of {', '.join(search_names())} or a YAML file, got {name}."
