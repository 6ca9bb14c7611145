from pathlib import Path

import pytest

from misfire.methods.retrieval.audit.published_counts import PublishedCounts
from misfire.methods.retrieval.audit.report import audit_conclusion, audit_table, write_audit
from misfire.methods.retrieval.audit.support import audit
from tests.reporting.test_page import read

ACTION = PublishedCounts("action @10", 24, 11, 16)
SHOWN = PublishedCounts("large", 100, 0, 20)
OPEN = PublishedCounts("b", 100, 40, 52)


@pytest.mark.parametrize(
    ("counts", "is_mined", "may", "may_not"),
    [
        (
            [ACTION],
            False,
            "The comparison shows no difference that luck couldn't make, whatever the split of the flips. That isn't "
            "equality: the true one may be anything from -16.2 to +52.5 points.",
            "That it is more than luck",
        ),
        (
            [ACTION] * 2,
            True,
            "None of 2 comparisons shows a difference that luck couldn't make, whatever the split of the flips.",
            "That the differences are more than luck, or that the systems are equal.",
        ),
        ([SHOWN], False, "The difference is shown.", "That the difference carries over to other data."),
        ([SHOWN], True, "The difference is shown.", "as its queries were picked by the baseline's failing."),
        (
            [SHOWN, ACTION],
            False,
            "1 of 2 comparisons shows a difference however the flips split.",
            "That the other differences",
        ),
        (
            [OPEN],
            False,
            "for every split of the flips; 1 may, depending on which queries flipped.",
            "before their per-query",
        ),
    ],
)
def test_words_follow_the_support(counts: list[PublishedCounts], is_mined: bool, may: str, may_not: str) -> None:
    said = audit_conclusion(audit(counts), is_failure_mined=is_mined)
    assert may in said.may
    assert may_not in said.may_not
    assert ("any other system seems to gain" in said.paragraph) == is_mined


def test_what_is_not_shown_is_said_to_be_possible() -> None:
    """Ends of the widest score interval that the splits of the open comparisons allow, in points."""
    audited = audit([SHOWN, ACTION])
    ends = [end for split in (audited[1].best, audited[1].worst) for end in split.score]
    assert [round(100 * end, 1) for end in (min(ends), max(ends))] == [-16.2, 52.5]
    said = audit_conclusion(audited, is_failure_mined=False).may
    assert "That isn't equality: the true one of the other may be anything from -16.2 to +52.5 points." in said


def test_percentiles_without_zero_beside_an_exact_p_above_the_level_are_explained() -> None:
    """5 fixed and none broken of 24: the exact test says 0.0625, percentiles of the bootstrap 4.2 to 37.5 points."""
    said = audit_conclusion(audit([ACTION]), is_failure_mined=False).paragraph
    assert "With 5 fixed and 0 broken, the bootstrap's percentiles leave 0 out (+4.2 to +37.5 points)" in said
    assert "(p = 0.062)" in said
    assert "percentiles leave" not in audit_conclusion(audit([SHOWN]), is_failure_mined=False).paragraph


def test_paragraph_names_the_strongest_and_the_reach() -> None:
    said = audit_conclusion(audit([ACTION, PublishedCounts("tiny", 3, 0, 1)]), is_failure_mined=False).paragraph
    assert "The strongest (action @10) goes from 11 to 16 hits of 24." in said
    assert "(5 fixed, 0 broken) the chance that luck alone makes equal systems differ this much is 0.062" in said
    assert "The smallest set, 3 queries, can show no gain at all, however large." in said


def test_files_hold_the_table_and_escape_labels(tmp_path: Path) -> None:
    audited = audit([PublishedCounts("<script>alert(1)</script>", 24, 11, 16)])
    files = write_audit(audited, tmp_path, source="counts.csv", is_failure_mined=True)
    assert [file.name for file in files] == ["audit.html", "audit.md", "audit.csv"]
    page = files[0].read_text()
    assert "<script" not in page
    assert "Audit of counts.csv" in " ".join(read(page).text)
    assert "| 24 | 11 | 16 | +20.83 | not shown | 5 / 0 |" in files[1].read_text()
    header, row = files[2].read_text().splitlines()
    assert dict(zip(header.split(","), row.split(","), strict=True))["best_p_exact"] == "0.0625"
    assert len(audit_table(audited).rows) == 1
