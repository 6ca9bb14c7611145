"""Reports of profiles, gaps and attributions: each kind has its section, and several of a kind have their own files."""

from collections.abc import Callable, Sequence

import pytest

from misfire.cells import Logged, Question, ReportPart
from misfire.methods.retrieval import AttributionCell, GapCell, ProfileCell
from misfire.methods.retrieval.attribution.words import attribution_sentence
from misfire.methods.retrieval.gap.words import gap_sentence
from misfire.methods.retrieval.profile.words import profile_conclusion
from tests.methods.retrieval.ensemble.written_report import NoData
from tests.methods.retrieval.gap.invented_gap import ATTRIBUTION, GAP
from tests.methods.retrieval.profile.invented_profile import profile

QUESTION = Question("x", "T", "Q?", "", None, 42, NoData())
PROFILE = profile()
Report = Callable[[Sequence[Logged], Question], ReportPart]
KINDS = {
    "profile": (ProfileCell.report, PROFILE.logged, "What the temperature does", ("tau_profile_1", "tau_profile_2")),
    "gap": (GapCell.report, GAP.logged, "What true labels are worth", ("oracle_gap", "oracle_gap_2")),
    "attribution": (
        AttributionCell.report,
        ATTRIBUTION.logged,
        "Which templates the gain comes from",
        ("attribution", "attribution_2"),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_several_of_a_kind_have_files_of_their_own(kind: str) -> None:
    report, logged, title, names = KINDS[kind]
    part = report([logged, logged], QUESTION)
    (section,) = part.sections
    assert section.title == title
    assert tuple(table.name for table in section.tables) == names
    assert tuple(one.name for one in section.illustrations) == names
    assert not part.decides
    assert part.conclusion is None
    assert dict(part.about)["Model"] in ("tiny", "clip")
    assert part.deciding is not None


def test_the_answer_is_what_was_measured() -> None:
    said = {kind: report([logged], QUESTION).answer for kind, (report, logged, *_) in KINDS.items()}
    assert said == {
        "profile": profile_conclusion(PROFILE),
        "gap": gap_sentence(GAP),
        "attribution": attribution_sentence(ATTRIBUTION),
    }


def test_of_two_profiles_each_pays_for_both() -> None:
    made = profile(p_value=0.03, is_failure_mined=False).logged
    assert "more than the luck of choosing a tau" in ProfileCell.report([made], QUESTION).answer
    said = ProfileCell.report([made, made], QUESTION).answer
    assert said.count("looks in each of 2 profiles counted its p-value is 0.060: it can't be told from no change") == 2


@pytest.mark.parametrize("kind", [ProfileCell, GapCell, AttributionCell])
def test_the_conclusion_is_told_before_the_table(kind: type) -> None:
    report, logged, _, _ = KINDS[kind.kind]
    said = kind.tell(logged).splitlines()
    assert said[0] == logged.name
    assert report([logged], QUESTION).answer[:60] in said[1]
    assert "|" not in "".join(said)
