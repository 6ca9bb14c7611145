"""The guide to templates: its file is linted, its commands run on a small world, and its examples are what is said."""

import re
from pathlib import Path

import pytest

from misfire.prompts import TemplateSet, lint_templates
from misfire.stats.shapley import MOST_PLAYERS_ENUMERATED
from tests.docs.guides import ROOT, Guide, run, small

GUIDE = Guide("templates")
(TEMPLATES,) = GUIDE.blocks("yaml")
EXAMPLES = re.findall(r"^\| `(.*?)` \| (.*?) \| (.*?) \|$", GUIDE.text, re.MULTILINE)


@pytest.mark.usefixtures("own_folder")
def test_the_guides_commands_run(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine.yaml").write_text(TEMPLATES)
    assert len(GUIDE.commands) == 6
    for command in GUIDE.commands:
        run(command, *small(command, "num_failures=40"))
    shown = capsys.readouterr()
    assert "4 in 1 set, no finding" in shown.out
    assert "Warning: template" not in shown.err
    said = [line for line in shown.out.splitlines() if line.startswith("The gain of ")]
    for line, num in zip(said, (4, 10, 10), strict=True):
        assert f"is the sum of {num} templates' parts" in line
    (written,) = Path("report").glob("attribute-world*/report.html")
    page = written.read_text()
    for subset in ("failures", "object"):
        assert f". Where the gain on {subset} comes from: " in page


@pytest.mark.parametrize(("template", "caption", "fault"), EXAMPLES)
def test_the_guides_examples_are_said_so(template: str, caption: str, fault: str) -> None:
    (finding,) = lint_templates(TemplateSet("t", (template,)), [caption])
    assert finding.fault == fault


def test_the_guide_shows_every_fault_and_says_what_is_enumerated() -> None:
    from misfire.prompts.lint_rules import RULES

    assert {rule.fault for rule in RULES} < {fault for _, _, fault in EXAMPLES}
    assert {12: "twelve"}[MOST_PLAYERS_ENUMERATED] in GUIDE.text
    assert (ROOT / "docs" / "templates.png").is_file()
