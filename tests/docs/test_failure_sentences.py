"""The guide to failure modes in sentences: its commands run, on a small world, and it names every method."""

from pathlib import Path

import pytest

from misfire.config.folders import conf_folder
from tests.docs.guides import Guide, run

GUIDE = Guide("failure_sentences")
SMALL = (
    "dataset.num_images=200",
    "dataset.nuisance=0.4",
    "dataset.captions_per_image=1",
    "sentences.families=[background]",
    "method=trend",
    "judging.num_shuffles=0",
    "judging.num_repeats=0",
    "trainer=cpu",
)


@pytest.mark.usefixtures("own_folder")
def test_the_guides_commands_run(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine.txt").write_text("a cat at night\nA cat at night.\n", encoding="utf-8")
    one, many, taught, lint = GUIDE.commands
    run(one, *(word for word in SMALL if not word.startswith("method=")), "method.split.margin=0.1", *_few_clusters())
    assert "What holds is said by what dataset world knows." in capsys.readouterr().out
    run(many.replace("fpdiff,pdiff,", ""), *(word for word in SMALL if not word.startswith(("method=", "judging."))))
    printed = capsys.readouterr().out
    assert "2 cells: 2 done" in printed
    assert "trust" in printed
    small = [word for word in SMALL if word.startswith("trainer")]
    run(taught.replace("fpdiff_per_class,", ""), *small, "dataset.num_images=320", "outcomes.taught_on.num_images=200")
    assert "FACTS as predicted" in capsys.readouterr().out
    run(lint.replace("sentences=general", "sentences=file sentences.path=mine.txt"), "trainer=cpu")
    assert "2 sentences, 1 fault (near-duplicates by world_clip)." in capsys.readouterr().out
    assert list(Path("report").rglob("report.html"))


def _few_clusters() -> list[str]:
    return [f"method.clusterer.{size}.num_clusters=3" for size in ("small", "large")]


def test_the_guide_names_every_method_that_stands_on_the_scorecard() -> None:
    for path in conf_folder().glob("method/*.yaml"):
        if "SentenceModesCell" in path.read_text(encoding="utf-8"):
            assert f"| `{path.stem}` |" in GUIDE.text, path.stem
