"""The guide to templates: its file is linted, its commands run on a small world, and its examples are what is said."""

import re
import shlex
from pathlib import Path

import pytest

from misfire.cli import main
from misfire.prompts import TemplateSet, lint_templates
from misfire.stats.shapley import MOST_PLAYERS_ENUMERATED

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "templates.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
COMMANDS = [line for language, text in BLOCKS if language == "bash" for line in text.splitlines()]
(TEMPLATES,) = [text for language, text in BLOCKS if language == "yaml"]
EXAMPLES = re.findall(r"^\| `(.*?)` \| (.*?) \| (.*?) \|$", GUIDE, re.MULTILINE)
SMALL = (
    "dataset.num_images=100",
    "num_failures=40",
    "complement.num_queries=20",
    "statistics.num_replicates=50",
    "trainer=cpu",
)


def test_the_guides_commands_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text(TEMPLATES)
    assert len(COMMANDS) == 6
    for command in COMMANDS:
        assert main([*shlex.split(command)[1:], *SMALL]) == 0, command
    shown = capsys.readouterr()
    assert "4 in 1 set, no finding" in shown.out
    assert "Warning: template" not in shown.err
    assert shown.out.count("Where the gain on failures comes from: ") == 1
    assert shown.out.count("Where the gain on object comes from: ") == 2
    assert Path("report/attribution.png").is_file()
    page = Path("report/ensemble/report.html").read_text()
    for subset in ("failures", "object"):
        assert f". Where the gain on {subset} comes from: " in page


@pytest.mark.parametrize(("template", "caption", "fault"), EXAMPLES)
def test_the_guides_examples_are_said_so(template: str, caption: str, fault: str) -> None:
    (finding,) = lint_templates(TemplateSet("t", (template,)), [caption])
    assert finding.fault == fault


def test_the_guide_shows_every_fault_and_says_what_is_enumerated() -> None:
    from misfire.prompts.lint_rules import RULES

    assert {rule.fault for rule in RULES} < {fault for _, _, fault in EXAMPLES}
    assert {12: "twelve"}[MOST_PLAYERS_ENUMERATED] in GUIDE
    assert (ROOT / "docs" / "templates.png").is_file()
