"""A profile's table: its numbers are the profile's, and what was not asked is not 0."""

import csv
import io

from misfire.core.words import UNDEFINED
from misfire.methods.retrieval.profile.table import profile_table
from misfire.reporting.table import to_csv, to_markdown
from tests.methods.retrieval.profile.invented_profile import profile


def test_each_cut_off_has_its_ends_and_its_best() -> None:
    made = profile()
    at_1, at_10 = ([cell.text for cell in row] for row in profile_table(made).rows)
    assert at_1[:6] == ["1", "0", "1", "2", "2", "2"]
    assert at_10[:7] == ["10", "20", "20", "22", "22", "23", "tau=0.1"]
    best = made.best(10)
    assert at_10[7:] == ["+7.50", "[2.50, 12.50]", "0.400", str(best.complement_fixed), str(best.complement_broken)]


def test_the_note_says_how_the_queries_and_the_best_were_chosen() -> None:
    note = profile_table(profile()).note
    assert "picked because the plain caption fails on them, which no p-value here knows" in note
    assert "chosen by gold labels" in note
    assert "The best of 6 was chosen by looking" in note
    plain = profile_table(profile(is_failure_mined=False, is_oracle=False)).note
    assert "picked because" not in plain
    assert "gold labels" not in plain


def test_other_queries_that_were_not_asked_are_no_zeros() -> None:
    table = profile_table(profile(num_others_asked=0))
    assert [cell.text for cell in table.rows[0][-2:]] == [UNDEFINED, UNDEFINED]
    assert f"| {UNDEFINED} | {UNDEFINED} |" in to_markdown(table)
    (first, _) = csv.DictReader(io.StringIO(to_csv(table)))
    assert (first["complement_fixed"], first["complement_broken"]) == ("", "")


def test_an_end_of_the_profile_has_no_tau() -> None:
    best_is_mean = profile({1: (1, 1, 1, 1, 1, 2), 10: (20, 21, 21, 22, 22, 25)})
    at_10 = profile_table(best_is_mean).rows[1]
    assert at_10[6].raw == ("mean", None)
