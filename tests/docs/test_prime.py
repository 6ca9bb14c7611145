"""The guide to failure modes in tags: its commands are run, its files read, and its example finds what it says."""

import contextlib
import io
from pathlib import Path

from misfire.data.outcomes import read_outcomes
from misfire.data.tag_table import read_tags
from tests.docs.guides import Guide, run

GUIDE = Guide("prime")
SMALL = (
    "dataset.num_images=300",
    "dataset.captions_per_image=1",
    "method.num_permutations=19",
    "method.num_shuffles=1",
    "method.min_support=5",
    "method.max_size=2",
    "trainer=cpu",
)


def test_every_command_runs_on_the_files_that_are_shown(own_folder: Path) -> None:
    for name, content in zip(("outcomes.csv", "tags.csv"), GUIDE.blocks("csv"), strict=True):
        (own_folder / name).write_text(content, encoding="utf-8")
    assert len(GUIDE.commands) == 5
    for command in GUIDE.commands:
        is_report = command.startswith("misfire report")
        varies = [word.partition("=")[0] for word in command.split() if "," in word]
        run(command, *(word for word in SMALL if not is_report and word.partition("=")[0] not in varies))
    assert (own_folder / "report" / "thresholds" / "report.html").is_file()


def test_the_files_that_are_shown_are_read(tmp_path: Path) -> None:
    outcomes, tags = GUIDE.blocks("csv")
    (tmp_path / "outcomes.csv").write_text(outcomes)
    (tmp_path / "tags.csv").write_text(tags)
    assert read_outcomes(tmp_path / "outcomes.csv").accuracy == 0.75
    assert read_tags(tmp_path / "tags.csv").names == ("dry", "grass", "snow")


def test_the_example_finds_both_tags_together() -> None:
    (code,) = GUIDE.blocks("python")
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        exec(code, {})
    assert any(line.startswith("(0, 1) ") for line in told.getvalue().splitlines())
