"""Reports of experiments without cells, or with more than cells: each thing that was measured has its section."""

from collections.abc import Callable
from pathlib import Path

import pytest

from misfire.methods.retrieval.attribution.words import attribution_sentence
from misfire.methods.retrieval.ensemble.report.findings import Findings
from misfire.methods.retrieval.ensemble.report.further_sections import answer_without_cells, further_sections
from misfire.methods.retrieval.ensemble.report.report import write_report
from misfire.methods.retrieval.ensemble.report.rows import CellRow
from misfire.methods.retrieval.gap.words import gap_sentence
from misfire.methods.retrieval.profile.words import profile_conclusion
from tests.evaluation.invented_profile import profile
from tests.reporting.invented_gap import ATTRIBUTION, GAP
from tests.reporting.test_page import read

MakeRow = Callable[..., CellRow]
STORY = {"title": "Mended?", "question": "Does it help?", "decision_rule": "None.", "answer": "See below."}
PROFILE = profile(num_complement=200)
TITLES = {
    "profiles": "What the temperature does",
    "gaps": "What true labels are worth",
    "attributions": "Which templates the gain comes from",
}
FINDINGS = {"profiles": (PROFILE,), "gaps": (GAP,), "attributions": (ATTRIBUTION,)}
FILES = {"profiles": "tau_profile_1", "gaps": "oracle_gap", "attributions": "attribution"}
MIXES = [
    ("profiles",),
    ("gaps",),
    ("attributions",),
    ("profiles", "attributions"),
    ("profiles", "gaps", "attributions"),
]


@pytest.mark.parametrize("mix", MIXES, ids="+".join)
def test_without_cells_what_was_measured_is_the_report(tmp_path: Path, mix: tuple[str, ...]) -> None:
    findings = Findings(10, **{name: FINDINGS[name] for name in mix})  # type: ignore[arg-type]
    written = write_report([], {}, tmp_path, **STORY, findings=findings)
    names = {path.relative_to(tmp_path).as_posix() for path in written}
    text, page = (tmp_path / "report.md").read_text(), (tmp_path / "report.html").read_text()
    shown = " ".join(read(page).text)
    for name, title in TITLES.items():
        assert (f"## {title}\n" in text) == (title in shown) == (name in mix)
        for file in (f"tables/{FILES[name]}.csv", f"figures/{FILES[name]}.png"):
            assert (file in names) == (name in mix)
            assert (tmp_path / file).is_file() == (name in mix)
    assert "In plain words" not in text
    assert 'href="#cells"' not in page
    assert "Model" in shown


def test_cells_come_first_and_the_rest_after_them(tmp_path: Path, make_row: MakeRow) -> None:
    findings = Findings(10, profiles=(PROFILE,), gaps=(GAP,), attributions=(ATTRIBUTION,))
    write_report([make_row()], {}, tmp_path, **STORY, findings=findings)
    text = (tmp_path / "report.md").read_text()
    places = [text.index(f"## {title}\n") for title in ("What was gained, and what it cost", *TITLES.values())]
    assert places == sorted(places)
    about = (tmp_path / "report.html").read_text()
    assert "<dt>Model</dt><dd>ViT-B-32, tiny, clip</dd>" in about


def test_several_of_a_kind_have_files_of_their_own() -> None:
    findings = Findings(10, profiles=(PROFILE, PROFILE), gaps=(GAP, GAP), attributions=(ATTRIBUTION, ATTRIBUTION))
    sections = further_sections(findings)
    names = [table.name for section in sections for table in section.tables]
    assert names == [
        "tau_profile_1",
        "tau_profile_2",
        "oracle_gap",
        "oracle_gap_2",
        "attribution",
        "attribution_2",
    ]
    assert [one.name for section in sections for one in section.illustrations] == names


def test_the_answer_without_cells_is_what_was_measured() -> None:
    findings = Findings(10, profiles=(PROFILE,), gaps=(GAP,), attributions=(ATTRIBUTION,))
    assert answer_without_cells(findings) == " ".join(
        [profile_conclusion(PROFILE), gap_sentence(GAP), attribution_sentence(ATTRIBUTION)]
    )


def test_of_two_profiles_each_pays_for_both() -> None:
    made = profile(p_value=0.03, is_failure_mined=False)
    assert "more than the luck of choosing a tau" in answer_without_cells(Findings(10, profiles=(made,)))
    said = answer_without_cells(Findings(10, profiles=(made, made)))
    assert said.count("looks in each of 2 profiles counted its p-value is 0.060: it can't be told from no change") == 2
