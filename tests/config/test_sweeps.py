"""Every file of sweeps/ states its question and rule, and its cells compose and can be built."""

import re
from pathlib import Path

import pytest

from misfire.cli._application import compose
from misfire.config import Settings, load_sweep, search_names, sweep_names, sweeps_folder
from misfire.core.errors import UsageError


@pytest.mark.parametrize("name", sweep_names())
def test_a_sweep_states_question_rule_and_cut_off(name: str) -> None:
    sweep = load_sweep(name)
    assert sweep.name == name
    assert sweep.title
    assert not sweep.title.endswith(".")
    assert sweep.question.endswith("?")
    assert sweep.decision_rule.endswith(".")
    assert f"hit@{sweep.k}" in sweep.decision_rule
    assert sweep.k in Settings(compose([])).ks
    assert sweep.grids


@pytest.mark.parametrize("name", sweep_names())
def test_every_value_of_every_grid_composes_and_builds(name: str) -> None:
    sweep = load_sweep(name)
    for grid in sweep.grids:
        axes = {key: value.split(",") for key, value in {**sweep.fixed, **grid}.items()}
        first = {key: values[0] for key, values in axes.items()}
        jobs = [first, *({**first, key: value} for key, values in axes.items() for value in values[1:])]
        for job in jobs:
            settings = Settings(compose([f"{key}={value}" for key, value in job.items()]))
            assert settings.subset.name
            assert settings.pooling.describe()
            assert settings.templates
            assert settings.statistics


def test_the_published_table_has_its_twelve_cells() -> None:
    sizes = [len(value.split(",")) for value in load_sweep("table1").grids[0].values()]
    assert sizes == [4, 3]


def test_the_words_join_what_is_fixed_and_the_grid(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "title: Mine\nquestion: >\n  Does\n  it?\ndecision_rule: It does.\nk: 5\nfixed: {templates: generic}\n"
        "grids:\n  - {subset: [object, action], pooling.tau: [0.1, 1], seed: 0}\n  - {templates: matched}\n"
    )
    sweep = load_sweep(str(path))
    assert (sweep.name, sweep.question, sweep.k) == ("mine", "Does it?", 5)
    assert sweep.words(sweep.grids[0]) == ["templates=generic", "subset=object,action", "pooling.tau=0.1,1", "seed=0"]
    assert sweep.words(sweep.grids[1]) == ["templates=matched"]


def test_an_unknown_sweep_lists_the_known() -> None:
    with pytest.raises(UsageError) as caught:
        load_sweep("tabel1")
    assert str(caught.value) == f"the sweep must be one of {', '.join(sweep_names())} or a YAML file, got tabel1."


@pytest.mark.parametrize("content", ["", "- a list\n", "title: Mine\nk: 5\n"])
def test_a_sweep_that_lacks_a_part_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(content)
    with pytest.raises(UsageError, match=r"a sweep must state decision_rule, grids, k, question, title, .* lacks .*;"):
        load_sweep(str(path))


@pytest.mark.parametrize(
    "part",
    [
        "k: ten",
        "grids: []",
        "grids: {subset: object}",
        "grids: [subset]",
        "fixed: [templates]",
        "k: 5\n  grids: ]",
        "k: 0",
    ],
)
def test_a_sweep_with_an_odd_part_is_refused_in_one_sentence(part: str, tmp_path: Path) -> None:
    whole = {
        "title": "title: Mine",
        "question": "question: Does it?",
        "decision_rule": "decision_rule: It does.",
        "k": "k: 5",
        "grids": "grids: [{subset: object}]",
    }
    path = tmp_path / "mine.yaml"
    path.write_text("\n".join({**whole, part.partition(":")[0]: part}.values()))
    with pytest.raises(UsageError) as caught:
        load_sweep(str(path))
    assert re.search(r"mine\.yaml", str(caught.value))
    assert "\n" not in str(caught.value)


def test_every_bundled_file_is_a_sweep_or_a_search() -> None:
    assert sorted([*sweep_names(), *search_names()]) == sorted(path.stem for path in sweeps_folder().iterdir())


@pytest.mark.parametrize("name", search_names())
def test_a_search_is_no_sweep(name: str) -> None:
    sentence = f"a sweep must have grids, got {name}, which is a search; say `misfire search"
    with pytest.raises(UsageError, match=sentence):
        load_sweep(name)
