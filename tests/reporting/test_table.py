import csv
import io
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.methods.retrieval.ensemble.tables import bootstrap_table, improvement_table
from misfire.reporting.table import Column, Entry, Source, Table, latex_escape, to_csv, to_latex, to_markdown, to_text

TABLE = Table(
    name="small",
    title="Gains & losses.",
    columns=(
        Column("Subset", ("subset",), is_number=False),
        Column("Δ", ("delta",), group="R@10"),
        Column("Interval", ("low", "high"), group="R@10"),
        Column("Entry", ("cell_id",), is_printed=False),
    ),
    rows=(
        (
            Entry("a|b_c", ("a|b_c",)),
            Entry("-4.17", (-1 / 24,)),
            Entry("[0.00, 12.50]", (0.0, 0.125)),
            Entry("f0", ("f0",)),
        ),
        (Entry("50 %", ("50 %",)), Entry("–", (None,)), Entry("–", (None, None)), Entry("f1", ("f1",))),  # noqa: RUF001
    ),
    note="τ=1 †",
    sources=(Source("f0", None), Source("f1", None)),
)


def test_markdown_by_hand() -> None:
    assert to_markdown(TABLE) == (
        "**Gains & losses.**\n\n"
        "| Subset | R@10: Δ | R@10: Interval |\n"
        "| :--- | ---: | ---: |\n"
        "| a\\|b_c | -4.17 | [0.00, 12.50] |\n"
        "| 50 % | – | – |\n\n"  # noqa: RUF001
        "τ=1 †\n\n"
        "Made from the records of 2 cells: f0, f1.\n"
    )


def test_latex_by_hand() -> None:
    lines = to_latex(TABLE).splitlines()
    assert lines[:2] == ["% cell f0", "% cell f1"]
    assert r"\caption{Gains \& losses. $\tau$=1 $\dagger$}" in lines
    assert r"\begin{tabular}{lrr}" in lines
    assert r" & \multicolumn{2}{c}{R@10} \\" in lines
    assert r"\cmidrule(lr){2-3}" in lines
    assert r"Subset & $\Delta$ & Interval \\" in lines
    assert r"a\textbar{}b\_c & $-$4.17 & {[0.00, 12.50]} \\" in lines
    assert r"50 \% & -- & -- \\" in lines


def test_every_latex_line_of_the_body_has_as_many_cells_as_columns(tau_rows: list[LoggedEnsemble]) -> None:
    for table in (improvement_table(tau_rows), bootstrap_table(tau_rows)):
        body = to_latex(table).split(r"\midrule")[1].split(r"\bottomrule")[0].splitlines()
        rows = [line for line in body if line.endswith(r"\\")]
        assert len(rows) == len(tau_rows)
        assert {line.count("&") for line in rows} == {len(table.printed_columns) - 1}
        head = to_latex(table).split(r"\toprule")[1].split(r"\cmidrule")[0]
        widths = [width for _, width in table.column_groups()]
        assert head.count("&") == len(widths) - 1 + sum(w - 1 for g, w in table.column_groups() if not g)


def test_csv_is_unrounded_and_empty_where_undefined() -> None:
    header, first, second = csv.reader(io.StringIO(to_csv(TABLE)))
    assert header == ["subset", "delta", "low", "high", "cell_id"]
    assert float(first[1]) == -1 / 24
    assert second == ["50 %", "", "", "", "f1"]


def test_csv_reads_back_as_the_cells_it_came_from(paper_rows: list[LoggedEnsemble]) -> None:
    frame = pd.read_csv(io.StringIO(to_csv(improvement_table(paper_rows))))
    by_cell = {row.cell_id: row for row in paper_rows}
    assert len(frame) == len(paper_rows)
    for record in frame.to_dict("records"):
        row = by_cell[str(record["cell_id"])]
        assert record["ensembled_hits_at_10"] == row.flips(10).right_after
        assert record["delta_hit_at_10"] == row.delta(10)
        assert record["complement_net_at_10"] == row.flips(10, "complement").net


@given(st.text(alphabet=st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=30))
def test_escaped_text_holds_no_bare_special_character(text: str) -> None:
    rest = latex_escape(text)
    for command in (r"\textbackslash{}", r"\textbar{}", r"\textasciitilde{}", r"\textasciicircum{}", "$>$", "$<$"):
        rest = rest.replace(command, "")
    for character in "&%$#_{}":
        rest = rest.replace(f"\\{character}", "")
    assert not set(rest) & set("\\&%$#_{}~^|")


def test_a_row_that_does_not_fit_is_refused() -> None:
    with pytest.raises(UsageError, match=r"each row of table small must fill its columns"):
        replace(TABLE, rows=((Entry("a", ("a",)),),))


def test_text_is_aligned_under_its_headers() -> None:
    first, second, *lines = to_text(TABLE).splitlines()
    assert first.startswith("Subset")
    assert "R@10" in first
    assert second.split() == ["Δ", "Interval"]
    ends = {line.rindex(" ") for line in (second, *lines) if "[" in line or "Interval" in line}
    assert len(lines) == len(TABLE.rows)
    assert ends
