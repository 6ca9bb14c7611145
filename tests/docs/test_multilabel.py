"""The guide to multi-label recognition: its commands run, on a small world, and what it names is there."""

import re
from pathlib import Path

import pytest

from misfire.config import conf_folder
from misfire.config.sweep import load
from misfire.methods.multilabel import num_trainable
from tests.docs.guides import Guide, run

GUIDE = Guide("multilabel")
SMALL = [
    "dataset.num_images=150",
    "train.num_images=800",
    "training.max_epochs=1",
    "training.warm_up_epochs=0",
    "statistics.num_replicates=40",
    "trainer=cpu",
]


@pytest.mark.usefixtures("own_folder")
def test_the_guides_commands_run(capsys: pytest.CaptureFixture[str]) -> None:
    Path("captions.txt").write_text("a cat\nno dog\n")
    for command in GUIDE.commands:
        run(command, *(SMALL if command.startswith("misfire multilabel") else []))
    printed = capsys.readouterr().out
    assert "zero-shot floor" in printed
    assert "Answer: Negative prompts" in printed
    assert "1 of 2 texts hold a negation: 50.00 %" in printed
    assert len(list(Path("report").glob("multilabel-world*/report.html"))) == 1


def test_what_the_guide_names_is_there() -> None:
    for group, words in {"prompting": r"^\| `(\w+)` \|", "dataset": r"^\| [^|]+ \| `(\w+)` \|"}.items():
        named = re.findall(words, GUIDE.text, re.M)
        assert named
        for name in named:
            assert (conf_folder() / group / f"{name}.yaml").is_file(), name
    for name in re.findall(r"`(multilabel_\w+)`", GUIDE.text):
        assert load(name).verb == "multilabel"


def test_the_guides_parameters_are_counted() -> None:
    found = re.findall(r"^\| `(\w+_coop|vision_only)` \|.*\| ([\d,]+) \|$", GUIDE.text, re.M)
    assert len(found) == 4
    for method, told in found:
        assert num_trainable(method, num_classes=20, width=512) == int(told.replace(",", ""))
    for method, told in (("dual_coop", 65_536), ("positive_coop", 34_816), ("vision_only", 4_128)):
        assert num_trainable(method, num_classes=16, width=128) == told


def test_the_guides_python_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = GUIDE.blocks("python")
    exec(block, {})
    assert capsys.readouterr().out.splitlines() == ["[0.8333 1.    ]", "1310720", "(3, 2)"]
