"""The comparison as a table: marks, intervals side by side, and the flips of one cell taken apart."""

from collections.abc import Sequence

import pandas as pd
import pytest

from misfire.cells import Flips
from misfire.cells.comparison import Compared, Verdict
from misfire.cells.decision import correction
from misfire.core.words import UNDEFINED
from misfire.methods.retrieval.ensemble.comparison_table import MARKS, comparison_table, ranking
from misfire.methods.retrieval.ensemble.conclusion import decisive
from misfire.methods.retrieval.ensemble.flips_table import flips_table
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.methods.retrieval.ensemble.report_part import compared_by_id
from misfire.reporting.table import Table, latex_escape, to_csv, to_markdown
from tests.methods.retrieval.finished import changed, cut_off, ensemble, flips_rows


def compared(
    fixed: Sequence[int], *, is_failure_mined: bool = False
) -> tuple[list[LoggedEnsemble], dict[str, Compared]]:
    """Cells of 20 queries of which so many are fixed, and 20 others on which all cells break 10."""
    others = Flips(fixed=0, broken=10, still_right=10, still_wrong=0)
    rows = [
        ensemble(
            cut_off(10, Flips(count, 0, 0, 20 - count), others, num_others=20),
            cell_id=f"{place}" * 64,
            num_others=20,
            is_failure_mined=is_failure_mined,
            pooling=f"pooling_{place}",
            records=records_of(count),
        )
        for place, count in enumerate(fixed)
    ]
    return rows, compared_by_id({row.cell_id: row.paired(10) for row in rows}, 10, seed=0)


def records_of(count: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "query_id": range(40),
            "image_id": range(40),
            "part": ["subset"] * 20 + ["complement"] * 20,
            "baseline_rank": [20] * 20 + [1] * 20,
            "ensembled_rank": [1] * count + [20] * (20 - count) + [20] * 10 + [1] * 10,
        }
    )


def texts(table: Table, header: str, group: str) -> list[str]:
    place = next(i for i, column in enumerate(table.columns) if (column.header, column.group) == (header, group))
    return [row[place].text for row in table.rows]


def test_marks_and_words_follow_the_claims() -> None:
    rows, found = compared([20, 0], is_failure_mined=False)
    table = comparison_table(rows, found, k=10)
    assert texts(table, "Holds", "Gain (pp)") == [MARKS[Verdict.GAIN], MARKS[Verdict.NONE]]
    assert (
        correction(list(found.values()), units="queries")
        == "Corrected for having looked at 2 cells, 1 cell shows a gain."
    )
    assert decisive(rows[::-1], found, 10).cell.cell_id == rows[0].cell_id


def test_a_gain_by_choice_of_queries_is_bracketed_and_no_gain() -> None:
    rows, found = compared([12], is_failure_mined=True)
    assert texts(comparison_table(rows, found, k=10), "Holds", "Gain (pp)") == ["(▲)"]
    said = "Corrected for having looked at the one cell and for how their queries were chosen, no gain can be claimed."
    assert correction(list(found.values()), units="queries") == said


def test_score_interval_stands_beside_the_percentiles_and_raw_values_in_the_csv() -> None:
    rows, found = compared([5, 1])
    table = comparison_table(rows, found, k=10)
    assert texts(table, "Percentile", "Gain (pp)") == ["[5.00, 40.00]"] * 2
    one = found[rows[0].cell_id]
    assert texts(table, "Score interval", "Gain (pp)")[0] == f"[{100 * one.low:.2f}, {100 * one.high:.2f}]"
    assert texts(table, "Fixed : broken", "Effect")[0].startswith("∞ [")
    header, first, *_ = to_csv(table).splitlines()
    assert {"p_holm", "p_mid", "cohen_g", "least_gain", "p_everywhere"} <= set(header.split(","))
    assert str(one.test.p_exact) in first.split(",")
    assert latex_escape("∞") == r"$\infty$"
    assert "not asked" not in to_markdown(table)


def test_the_page_has_no_more_columns_than_fit_and_the_csv_has_all() -> None:
    rows, found = compared([5, 1])
    table = comparison_table(rows, found, k=10)
    assert len(table.printed_columns) <= 15
    hidden = [column.header for column in table.columns if not column.is_printed]
    assert hidden == ["Before", "After", "W/T/L", "Fixed : broken", "Backbone", "Dataset", "Cell"]
    assert {"baseline_hits", "wins", "odds_ratio"} <= set(to_csv(table).splitlines()[0].split(","))


def test_percentiles_without_zero_beside_a_larger_exact_p_are_explained() -> None:
    """5 fixed and none broken: p = 0.0625, percentiles 5 to 40 points; 12 fixed are significant by both."""
    rows, found = compared([5, 12])
    note = comparison_table(rows, found, k=10).note
    assert "1 row's percentiles leave 0 out though the exact p is above 0.05" in note
    rows, found = compared([12])
    assert "leave 0 out" not in comparison_table(rows, found, k=10).note


def test_the_decisive_cell_is_the_one_that_gains_most() -> None:
    rows, found = compared([5, 1])
    one = decisive(rows, found, 10)
    assert (one.flips.fixed, one.flips.broken, one.compared.num_compared, one.elsewhere.broken) == (5, 0, 2, 10)
    assert one.compared.net_everywhere == pytest.approx(-5 / 40)
    assert one.compared.least_gain == 6 / 20


def test_a_cell_is_named_by_its_templates_where_they_differ() -> None:
    rows, found = compared([5, 1])
    assert decisive(rows, found, 10).name == "pooling_0 (τ=1) on Object"
    several = [rows[0], changed(rows[1], templates="generic")]
    assert decisive(several, found, 10).name == "pooling_0 (τ=1) over the matched templates on Object"
    several = [rows[0], changed(rows[1], backbone="other")]
    assert decisive(several, found, 10).name.startswith(f"pooling_0 (τ=1) with {rows[0].backbone} on Object")


def test_ranks_that_rise_stay_and_fall_are_counted() -> None:
    records = pd.DataFrame(
        {
            "query_id": range(7),
            "image_id": range(7),
            "part": ["subset"] * 6 + ["complement"],
            "baseline_rank": [11, 11, 1, 1, 30, 2, 9],
            "ensembled_rank": [1, 10, 11, 1, 20, 2, 1],
        }
    )
    assert ranking(ensemble(records=records)) == (3, 2, 1)


def test_the_flips_are_taken_apart() -> None:
    rows = [
        *flips_rows(10, "category/Object", Flips(2, 1, 0, 1)),
        *flips_rows(10, "category/Action", Flips(1, 0, 2, 3)),
        *flips_rows(10, "template/0", Flips(4, 1, 2, 3)),
        *flips_rows(10, "template/0/complement", Flips(0, 2, 10, 8)),
    ]
    cell = ensemble(
        cut_off(10, more=rows),
        category_sizes={"Object": 4, "Action": 6},
        templates_asked=["a photo of {caption}"],
    )
    table = flips_table(cell, 10, name="max on Object")
    assert table is not None
    assert table.title == "Where max on Object fixes and breaks hits@10."
    assert texts(table, "Net", "subset") == ["+2", "+1", "+1", "+3"]
    assert texts(table, "Broken", "outside") == ["2", UNDEFINED, UNDEFINED, "2"]
    assert texts(table, "Part", "") == ["together", "category", "category", "template alone"]


def test_what_was_not_told_apart_has_no_table() -> None:
    assert flips_table(ensemble(cut_off(10)), 10, name="") is None
