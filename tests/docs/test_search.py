"""The guide to searches: its description is loaded and its commands run, on a small world."""

import re
import shlex
from pathlib import Path

import pytest
import yaml
from misfire.cli._application import compose
from misfire.config.search import _DEFAULTS, _NEEDED, load_search

from misfire.methods.retrieval.search.objectives import OBJECTIVES
from misfire.tracking import SAMPLERS
from tests.docs.guides import SMALL, Guide, run

GUIDE = Guide("search")
DESCRIPTION, OF_BACKBONES = GUIDE.blocks("yaml")


def test_the_guides_commands_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text(DESCRIPTION)
    for command in GUIDE.commands:
        words = shlex.split(command)[1:]
        fewer = ["num_trials=4"] if words == ["search", "tau_search"] else []
        complete = ["num_trials=4"] if words == ["report", "tau_search"] else []
        run(command, *SMALL, *fewer, *complete)
    printed = capsys.readouterr().out
    assert "4 trials of tau_search: 4 finished" in printed
    for num_trials in (6, 8):
        (counts,) = re.findall(
            rf"^{num_trials} trials of mine: (\d+) finished(?:, (\d+) pruned)?$", printed, re.MULTILINE
        )
        assert sum(int(count or 0) for count in counts) == num_trials
    assert Path("report/tau_search/report.html").is_file()
    assert Path("mlruns/studies/mine.log").is_file()


def test_the_guides_description_is_one(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(DESCRIPTION)
    search = load_search(str(tmp_path / "mine.yaml"))
    assert set(re.findall(r"^(\w+):", DESCRIPTION, re.MULTILINE)) == {*_NEEDED, "fixed"}
    assert len(search.space.grid()) == 13 * 16


def test_what_the_guide_says_of_backbones_is_a_description_too(tmp_path: Path) -> None:
    whole = {**yaml.safe_load(DESCRIPTION), **yaml.safe_load(OF_BACKBONES)}
    (tmp_path / "models.yaml").write_text(yaml.safe_dump(whole, sort_keys=False))
    search = load_search(str(tmp_path / "models.yaml"))
    assert [objective.name for objective in search.objectives] == ["hits"]
    composed = [compose([*search.words, *search.space.words(setting)]) for setting in search.space.grid()]
    assert {(one.backbone.model, one.pooling._target_.rpartition(".")[2]) for one in composed} == {
        (model, pooling)
        for model in ("bundled:world_clip", "local-dir:FOLDER")
        for pooling in ("MaxPooling", "MeanPooling")
    }


def test_the_guide_names_every_objective_sampler_and_default() -> None:
    for name in (*OBJECTIVES, *SAMPLERS, *_DEFAULTS):
        assert f"`{name}`" in GUIDE.text
