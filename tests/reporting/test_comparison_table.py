"""The comparison and the evidence as tables: marks, intervals side by side, and what is undefined."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from misfire.core.words import UNDEFINED
from misfire.methods.retrieval.ensemble.comparison import Claim, ComparedCell, compare_cells
from misfire.methods.retrieval.ensemble.decision import correction
from misfire.methods.retrieval.ensemble.ledger import NetChange, TemplateFlips
from misfire.methods.retrieval.ensemble.outcome import CellOutcome
from misfire.methods.retrieval.ensemble.placebo import PlaceboBand
from misfire.methods.retrieval.ensemble.report.comparison_table import MARKS, comparison_table
from misfire.methods.retrieval.ensemble.report.evidence_table import evidence_table
from misfire.methods.retrieval.ensemble.report.facts import decisive_facts, decisive_row
from misfire.methods.retrieval.ensemble.report.findings import Findings
from misfire.methods.retrieval.ensemble.report.ledger_table import ledger_table
from misfire.methods.retrieval.ensemble.report.report import write_report
from misfire.methods.retrieval.ensemble.report.rows import CellRow, cell_row
from misfire.methods.retrieval.flips import Flips
from misfire.reporting.table import Table, to_csv, to_latex, to_markdown
from tests.evaluation.outcomes import cutoff, outcome

MakeRow = Callable[..., CellRow]
REPLICATES = {10: np.zeros(3)}


def compared(fixed: Sequence[int], *, is_failure_mined: bool = False) -> tuple[list[CellRow], dict[str, ComparedCell]]:
    """Cells of 20 queries of which so many are fixed, and 20 others on which all cells break 10."""
    outcomes, frames = [], []
    for place, count in enumerate(fixed):
        flips = Flips(fixed=count, broken=0, still_right=0, still_wrong=20 - count)
        others = Flips(fixed=0, broken=10, still_right=10, still_wrong=0)
        outcomes.append(
            outcome(
                cutoff(10, subset=flips, others=others),
                cell_id=f"{place}" * 64,
                num_others=20,
                is_failure_mined=is_failure_mined,
                pooling=f"pooling_{place}",
            )
        )
        after = [1] * count + [20] * (20 - count) + [20] * 10 + [1] * 10
        frames.append(
            pd.DataFrame(
                {
                    "query_id": range(40),
                    "image_id": range(40),
                    "part": ["subset"] * 20 + ["complement"] * 20,
                    "baseline_rank": [20] * 20 + [1] * 20,
                    "ensembled_rank": after,
                }
            )
        )
    found = compare_cells(outcomes, frames, k=10, num_replicates=500, rng=np.random.default_rng(0))
    rows = [cell_row(one, REPLICATES, run_url=None) for one in outcomes]
    return rows, {one.cell_id: one for one in found}


def texts(table: Table, header: str, group: str) -> list[str]:
    place = next(i for i, column in enumerate(table.columns) if (column.header, column.group) == (header, group))
    return [row[place].text for row in table.rows]


def test_marks_and_words_follow_the_claims() -> None:
    rows, found = compared([20, 0], is_failure_mined=False)
    table = comparison_table(rows, found)
    assert texts(table, "Holds", "Gain (pp)") == [MARKS[Claim.GAIN], MARKS[Claim.NONE]]
    assert correction(list(found.values())) == "Corrected for having looked at 2 cells, 1 cell shows a gain."
    assert decisive_row(rows[::-1], found).cell_id == rows[0].cell_id


def test_a_gain_by_choice_of_queries_is_bracketed_and_no_gain() -> None:
    rows, found = compared([12], is_failure_mined=True)
    assert texts(comparison_table(rows, found), "Holds", "Gain (pp)") == ["(▲)"]
    said = "Corrected for having looked at the one cell and for how their queries were chosen, no gain can be claimed."
    assert correction(list(found.values())) == said


def test_score_interval_stands_beside_the_percentiles_and_raw_values_in_the_csv() -> None:
    rows, found = compared([5, 1])
    table = comparison_table(rows, found)
    assert texts(table, "Percentile", "Gain (pp)") == ["[5.00, 40.00]"] * 2
    one = found[rows[0].cell_id]
    assert texts(table, "Score interval", "Gain (pp)")[0] == f"[{100 * one.low:.2f}, {100 * one.high:.2f}]"
    assert texts(table, "Fixed : broken", "Effect")[0].startswith("∞ [")
    header, first, *_ = to_csv(table).splitlines()
    assert {"p_holm", "p_mid", "cohen_g", "least_gain", "p_everywhere"} <= set(header.split(","))
    assert str(one.test.p_exact) in first.split(",")
    assert r"$\infty$" in to_latex(table)
    assert "not asked" not in to_markdown(table)


def test_facts_are_those_of_the_decisive_cell() -> None:
    rows, found = compared([5, 1])
    facts = decisive_facts(rows, found, 10)
    assert (facts.fixed, facts.broken, facts.num_cells, facts.others_broken) == (5, 0, 2, 10)
    assert facts.net == pytest.approx(-5 / 40)
    assert facts.least_gain == 6 / 20


def test_a_cell_is_named_by_its_templates_where_they_differ() -> None:
    rows, found = compared([5, 1])
    assert decisive_facts(rows, found, 10).name == "pooling_0 (τ=1) on Object"
    several = [rows[0], replace(rows[1], templates="generic")]
    assert decisive_facts(several, found, 10).name == "pooling_0 (τ=1) over the matched templates on Object"
    several = [rows[0], replace(rows[1], backbone="other")]
    assert decisive_facts(several, found, 10).name.startswith(f"pooling_0 (τ=1) with {rows[0].backbone} on Object")


def test_evidence_shows_what_is_stored_and_dashes_where_it_is_not(make_row: MakeRow) -> None:
    band = PlaceboBand("noise", observed=0.2, mean=0.0, low=-0.05, high=0.1, p_at_least=0.01, how="so")
    rich = replace(cutoff(10), placebos=(band,), net=NetChange(0.01, -0.01, 0.03, "two strata"))

    def row(one: CellOutcome) -> CellRow:
        return cell_row(one, REPLICATES, run_url=None)

    table = evidence_table([row(outcome(rich)), row(outcome(cutoff(10), cell_id="b" * 64)), make_row()], 10)
    assert table is not None
    assert texts(table, "Band", "Placebo: noise") == ["[-5.00, 10.00]", UNDEFINED]
    assert texts(table, "Interval", "All queries (pp)") == ["[-1.00, 3.00]", UNDEFINED]
    assert not any("Unmined" in column.group for column in table.columns)
    assert evidence_table([row(outcome(cutoff(10))), make_row()], 10) is None


def test_ledger_takes_the_flips_apart() -> None:
    rich = replace(
        cutoff(10),
        by_category={"Object": Flips(2, 1, 0, 1), "Action": Flips(1, 0, 2, 3)},
        by_template=(TemplateFlips("a photo of {caption}", Flips(4, 1, 2, 3), Flips(0, 2, 10, 8)),),
    )
    table = ledger_table(cell_row(outcome(rich), REPLICATES, run_url=None), 10, name="max on Object")
    assert table is not None
    assert table.title == "Where max on Object fixes and breaks hits@10."
    assert texts(table, "Net", "subset") == ["+2", "+1", "+1", "+3"]
    assert texts(table, "Broken", "outside") == ["2", UNDEFINED, UNDEFINED, "2"]
    assert texts(table, "Part", "") == ["together", "category", "category", "template alone"]


def test_no_ledger_without_parts(make_row: MakeRow) -> None:
    assert ledger_table(make_row(), 10, name="") is None
    assert ledger_table(cell_row(outcome(cutoff(10)), REPLICATES, run_url=None), 10, name="") is None


def test_report_holds_what_was_found(tmp_path: Path) -> None:
    rows, found = compared([5, 1])
    story = {"title": "T", "question": "Q?", "decision_rule": "R.", "answer": "A."}
    write_report(rows, {}, tmp_path, **story, findings=Findings(10, found))
    text = (tmp_path / "report.md").read_text()
    assert "## In plain words\n\n**No gain can be claimed: luck can do as much.**\n\n20 queries can show" in text
    assert "20 queries can show a gain of 30 points or more, which is 6 of them" in text
    assert "**May not.** That the change helps, that it harms, or that it does nothing." in text
    assert (tmp_path / "tables" / "comparison.csv").is_file()
    assert "In plain words" in (tmp_path / "report.html").read_text()
