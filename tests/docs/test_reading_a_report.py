"""The guide to reports: its commands are run on a small world, and it names what a page has, in the page's order."""

import re
from pathlib import Path

import pytest

from misfire.cells.comparison import Verdict
from misfire.cli import main
from misfire.methods.retrieval.ensemble.comparison_table import MARKS
from tests.blank_figures import draw_blanks
from tests.docs.guides import SMALL, Guide, run, small
from tests.methods.retrieval.ensemble.test_conclusion import PAPER, conclude
from tests.reporting.test_page import read

GUIDE = Guide("reading_a_report")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folder of each report that the guide's commands write; the sweep that comes first in life is a small one."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("guide")
        patch.chdir(folder)
        draw_blanks(patch)
        grid = ("subset=failures", "templates=generic", "pooling=max,mean", "tracking.experiment=table1")
        assert main(["ensemble", "-m", *grid, *SMALL]) == 0
        for command in GUIDE.commands:
            run(command, *small(command))
        return {name: folder / "report" / name for name in ("table1", "taus")}


def parts(text: str) -> list[str]:
    return [line[3:] for line in text.splitlines() if line.startswith("## ")]


def test_the_guides_commands_write_its_pages(pages: dict[str, Path]) -> None:
    named = re.findall(r"^\| ([A-Z][^|]*?) \| (?:`|\|)", GUIDE.text, re.M)
    shown = parts((pages["table1"] / "report.md").read_text())
    frame = ["In plain words", "How each number was made"]
    assert [part for part in named if part in shown] == [part for part in shown if part not in frame]
    assert parts((pages["taus"] / "report.md").read_text()) == ["What the temperature does", frame[1]]
    text = " ".join(read((pages["taus"] / "report.html").read_text()).text)
    assert "Cells of taus" in text
    assert "None was set" in text


def test_every_table_of_the_pages_is_named(pages: dict[str, Path]) -> None:
    written = {path.stem for folder in pages.values() for path in (folder / "tables").glob("*.csv")}
    assert {"improvement", "comparison", "bootstrap", "tau_profile_1"} <= written
    assert not [name for name in written if f"`{name}`" not in GUIDE.text]


def test_the_words_are_told_in_their_order() -> None:
    questions = [part.question for part in conclude(PAPER).parts]
    assert re.findall(r"^\| (.*\?) \|", GUIDE.text, re.M) == questions


def test_the_marks_are_those_of_the_table() -> None:
    for verdict in (Verdict.GAIN, Verdict.LOSS, Verdict.CHOSEN):
        assert MARKS[verdict] in GUIDE.text


def test_every_part_is_named() -> None:
    for title in ("What the temperature does", "What true labels are worth", "Which templates the gain comes from"):
        assert f"| {title} |" in GUIDE.text
