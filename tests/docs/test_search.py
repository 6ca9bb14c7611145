"""The guide to searches: its description is loaded and its commands run, on a small world."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from misfire.config import Settings
from misfire.config.sweep import load
from misfire.methods.retrieval import EnsembleCell
from misfire.tracking import SAMPLERS
from tests.docs.guides import SMALL, Guide, run

GUIDE = Guide("search")
DESCRIPTION, OF_BACKBONES = GUIDE.blocks("yaml")


@pytest.mark.usefixtures("own_folder")
def test_the_guides_commands_run(capsys: pytest.CaptureFixture[str]) -> None:
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
    (space,) = load(str(tmp_path / "mine.yaml")).spaces
    assert len(space.grid()) == 13 * 16


def test_what_the_guide_says_of_backbones_is_a_description_too(tmp_path: Path) -> None:
    whole = {**yaml.safe_load(DESCRIPTION), **yaml.safe_load(OF_BACKBONES)}
    (tmp_path / "models.yaml").write_text(yaml.safe_dump(whole, sort_keys=False))
    search = load(str(tmp_path / "models.yaml"))
    assert search.walk is not None
    assert search.walk.objectives == ("hits",)
    composed = [Settings.of_words(search.verb, words) for words in search.points([])]
    assert {(one["backbone.model"], type(one["pooling"]).__name__) for one in composed} == {
        (model, pooling)
        for model in ("bundled:world_clip", "local-dir:FOLDER")
        for pooling in ("MaxPooling", "MeanPooling")
    }


def test_the_guide_names_every_objective_sampler_and_default() -> None:
    for name in (*EnsembleCell.objectives, *SAMPLERS, "walk", "seed", "dev_share", "batch", "prune", "constraints"):
        assert f"`{name}`" in GUIDE.text
