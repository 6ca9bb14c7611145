from types import SimpleNamespace
from typing import Any

import pytest

from misfire.cells import Estimate, Estimates
from misfire.config.settings import Settings
from misfire.config.sweep import load
from misfire.methods.modes.sensitivity import sensitivity


def cell(metric: float, **label: str) -> Any:
    usual = {"method": "FPDiff", "K": "3", "C": "15", "split": "entropy", "o": "0.2", "sentences": "dataset"}
    estimates = Estimates.of([Estimate("ahr", metric), Estimate("ji", metric / 2), Estimate("tpr", float("nan"))])
    return SimpleNamespace(label={**usual, "seed": "0", **label}, estimates=estimates)


def test_a_panel_a_setting_that_varies_and_means_over_seeds() -> None:
    usual = [cell(0.2, seed="0"), cell(0.4, seed="1")]
    others = [cell(0.6, K="10"), cell(0.8, K="5"), cell(0.1, split="performance"), cell(0.9, K="5", C="5")]
    drawn = sensitivity([*usual, *others, cell(0.5, method="TopS", K="7")])
    assert drawn is not None
    panels = [axes for axes in drawn.figure.axes if axes.axison]
    assert [axes.get_xlabel() for axes in panels] == ["sentences a cluster, K", "split by"]
    assert [one.get_text() for one in panels[0].get_xticklabels()] == ["3", "5", "10"]
    assert list(panels[0].containers[0].lines[0].get_ydata()) == pytest.approx([0.3, 0.8, 0.6])
    assert [one.get_text() for one in panels[1].get_xticklabels()] == ["entropy", "performance"]
    assert len(panels[0].containers) == 2  # what is nowhere defined isn't drawn
    assert "K 3, split entropy" in drawn.caption


def test_nothing_varies_no_figure() -> None:
    assert sensitivity([cell(0.2, seed="0"), cell(0.4, seed="1")]) is None


def test_the_sweep_has_its_cells() -> None:
    sweep = load("sentences_sensitivity")
    points = sweep.points(["dataset.num_images=200"])
    assert sweep.verb == "modes"
    assert len(set(points)) == len(points) == 48
    labels = [dict(Settings.of_words(sweep.verb, one).cell().label()) for one in (points[0], points[-1])]
    assert labels[0]["K"] == "1"
    assert labels[1]["sentences"] == "colour, texture, size"


@pytest.mark.parametrize("choice", ["contexts", "looks"])
def test_families_of_the_choices_are_the_worlds(choice: str) -> None:
    settings = Settings.of_words("modes", ["method=trend", f"sentences={choice}", "dataset.num_images=20"])
    assert set(settings["sentences"].families) <= set(settings["dataset"].sentences.families)
