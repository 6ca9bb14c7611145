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
            "The comparison shows no difference, whatever the split of the flips.",
            "That it is more than luck",
        ),
        (
            [ACTION] * 2,
            True,
            "None of 2 comparisons shows a difference, whatever the split of the flips.",
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
