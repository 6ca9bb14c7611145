"""The guide to the worst categories: its commands run on a small world, and what it names is there."""

import re
from pathlib import Path

import pytest

from misfire.config.groups import groups
from misfire.config.sweep import load
from tests.docs.guides import Guide, run

GUIDE = Guide("worst_categories")
(OUTCOMES,) = GUIDE.blocks("csv")
SMALL = ("statistics.num_replicates=50", "trainer=cpu")
WORLD = ("dataset.num_images=80", "cutoffs=[1,5]")


@pytest.mark.usefixtures("own_folder")
def test_the_guides_commands_run(capsys: pytest.CaptureFixture[str]) -> None:
    Path("outcomes.csv").write_text(OUTCOMES)
    assert len(GUIDE.commands) == 6
    for command in GUIDE.commands:
        words = [*SMALL, *(() if "dataset=outcomes" in command else WORLD)]
        run(command, *words, *(["found_on.num_images=80"] if "found_on" in command else []))
    shown = capsys.readouterr().out
    assert shown.count("Mending changed worst@5 by ") >= 2
    assert "4 cells: " in shown
    assert "Accuracy 66.7 %, worst@1 50.0 %" in shown
    assert len(list(Path("report").glob("classify-world*/report.html"))) == 1


def test_what_the_guide_names_is_there() -> None:
    for group in ("weighting", "descriptions", "prior"):
        for choice in re.findall(rf"{group}=([a-z_]+)", GUIDE.text):
            assert choice in groups()[group]
    for name in re.findall(r"`(worst_categories_[a-z]+)`", GUIDE.text):
        assert load(name).verb == "classify"
