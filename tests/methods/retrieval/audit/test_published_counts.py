"""Published counts out of files: percentages that are counts, and what is refused in one sentence."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.methods.retrieval.audit.published_counts import PublishedCounts, count_of, read_published_counts
from tests.published import write_table_1


@settings(deadline=None)
@given(st.integers(1, 900), st.data())
def test_a_printed_share_gives_its_count_back(num_queries: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, num_queries))
    assert count_of(f"{100 * count / num_queries:.2f}", num_queries, "x") == count


@pytest.mark.parametrize(
    ("percent", "num_queries", "message"),
    [
        ("45.9", 24, r"x must be a count over n, got 45\.9 %, but 11 of 24 is 45\.83 %; check n and the number\."),
        ("40", 300, r"x must be one count over n, got 40 %, which 3 counts of 300 print \(119 to 121\); give counts"),
        ("45.83", 25_000, r"which 2 counts of 25000 print"),
        ("101", 24, r"x must be a percentage from 0 to 100, got '101'; write 45\.83, or give counts\."),
        ("NaN", 24, r"must be a percentage from 0 to 100, got 'NaN'"),
        ("much", 24, r"must be a percentage from 0 to 100, got 'much'"),
    ],
)
def test_percentages_that_are_no_count_are_refused(percent: str, num_queries: int, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        count_of(percent, num_queries, "x")


def test_csv_of_counts_and_of_percentages(tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    path.write_text("label,n,baseline_hits,ensembled_hits\na,24,11,16\nb,25,13,13\n")
    assert read_published_counts(path) == [PublishedCounts("a", 24, 11, 16), PublishedCounts("b", 25, 13, 13)]
    path.write_text("\ufeffsubset,pooling,n,baseline_percent,ensembled_percent\naction,max,24,45.83%,66.67 %\n")
    assert read_published_counts(path) == [PublishedCounts("action · max", 24, 11, 16)]


def test_json_rows_hold_a_comparison_a_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "counts.json"
    row = {"subset": "object", "n": 62, "recall_at_5": {"baseline": 33.87, "ensembled": 37.1, "delta_pp": 3.23}}
    path.write_text(json.dumps({"cells": [row]}))
    assert read_published_counts(path) == [PublishedCounts("object @5", 62, 21, 23)]


def test_the_papers_table_is_counts_over_n(tmp_path: Path) -> None:
    found = read_published_counts(write_table_1(tmp_path / "table.json"))
    assert len(found) == 24
    hits = {counts.label: (counts.num_queries, counts.baseline_hits, counts.ensembled_hits) for counts in found}
    assert hits["action · max @10"] == (24, 11, 16)
    assert hits["object · logmeanexp · tau=1.0 @5"] == (62, 21, 24)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", "", r"audit must name a \.json or \.csv file, got a\.txt; docs/audit\.md shows both\."),
        ("a.csv", "label,n\n", r"a\.csv must hold rows of published counts, got none"),
        (
            "a.csv",
            "n,baseline_hits,ensembled_hits\n24,x,3\n",
            r"a\.csv row 1 must have a whole number baseline_hits, got 'x'",
        ),
        ("a.csv", "n,baseline_hits,ensembled_hits\n24,5\n", r"row 1 must have a whole number ensembled_hits, got None"),
        (
            "a.csv",
            "n,baseline_hits,ensembled_hits\n4,5,3\n",
            r"must count its hits among n >= 1 queries, got 5 and 3 of 4",
        ),
        ("a.csv", "n,baseline_hits,ensembled_hits\n0,0,0\n", r"a\.csv row 1 must have n >= 1, got 0"),
        ("a.csv", "m,n\n1,24\n", r"row 1 must have a whole number baseline_hits, got None"),
        ("a.json", "{", r"a\.json must be JSON, got .* in line 1; mend the file\."),
        ("a.json", "{}", r"a\.json must be a list of rows, or hold one under cells or table1, got neither"),
        ("a.json", "3", r"a\.json must be a list of rows"),
        ("a.json", "[3]", r"a\.json row 1 must be an object with names, got 3"),
        ("a.json", '[{"n": true}]', r"row 1 must have a whole number n, got True"),
        ("a.json", '[{"n": 24, "recall_at_5": 3}]', r"row 1, @5, must hold baseline and ensembled, got 3"),
        (
            "a.json",
            '[{"n": 24, "recall_at_5": {"baseline": 33.33, "ensembled": 37.5, "delta_pp": 5.0}}]',
            r"delta_pp must be the difference of its hits, got 5\.0, but 8 to 9 of 24 is \+4\.17; check the row\.",
        ),
        (
            "a.json",
            '[{"n": 24, "recall_at_5": {"baseline": 33.33}}]',
            r"ensembled must be a percentage from 0 to 100, got ''",
        ),
    ],
)
def test_bad_files_are_refused_in_a_sentence(tmp_path: Path, name: str, content: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(UsageError, match=message) as caught:
        read_published_counts(path)
    assert str(caught.value).count("\n") == 0


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"readable file, got .*gone\.csv: No such file or directory; check the path\."
    ):
        read_published_counts(tmp_path / "gone.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=r"binary\.csv: it isn't UTF-8 text; check the path\."):
        read_published_counts(tmp_path / "binary.csv")
