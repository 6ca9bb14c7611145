from collections.abc import Callable
from pathlib import Path

import pytest

from misfire.core.errors import UsageError
from misfire.methods.retrieval.ensemble.report.report import write_report
from misfire.methods.retrieval.ensemble.report.rows import CellRow

MakeRow = Callable[..., CellRow]
STORY = {"title": "Mended?", "question": "Does it help?", "decision_rule": "Above 0.", "answer": "On 24 queries, yes."}
TABLES = {
    f"tables/{name}.{suffix}" for name in ("improvement", "bootstrap", "taxonomy") for suffix in ("md", "tex", "csv")
}
FIGURES = {
    f"figures/{name}.{suffix}"
    for name in ("categories", "pooling_ablation", "bootstrap_distribution", "best_pooling", "temperature_sweep")
    for suffix in ("png", "svg")
}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def rows(make_row: MakeRow) -> list[CellRow]:
    return [make_row(), *(make_row(pooling="logmeanexp", tau=tau) for tau in (0.01, 1.0))]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, rows: list[CellRow], taxonomy: dict[str, int]) -> Path:
    folder = tmp_path_factory.mktemp("reports") / "report"
    written = write_report(rows, taxonomy, folder, **STORY)
    assert {path.relative_to(folder).as_posix() for path in written} == contents(folder).keys()
    return folder


def test_report_holds_each_table_and_figure(report: Path) -> None:
    assert contents(report).keys() == {"report.md", "report.html"} | TABLES | FIGURES


def test_same_input_same_bytes_in_any_order(
    tmp_path: Path, report: Path, rows: list[CellRow], taxonomy: dict[str, int]
) -> None:
    write_report(rows[::-1], dict(reversed(taxonomy.items())), tmp_path, **STORY)
    assert contents(tmp_path) == contents(report)


def test_text_tells_the_story_and_shows_the_figures(report: Path) -> None:
    text = (report / "report.md").read_text()
    for expected in ("# Mended?", "**Question.** Does it help?", "**Answer.** On 24 queries, yes.", "Above 0."):
        assert expected in text
    linked = [line.split("(")[-1].rstrip(")") for line in text.splitlines() if line.startswith("![")]
    assert set(linked) == {name for name in FIGURES if name.endswith(".png")}


def test_what_there_is_no_evidence_for_is_left_out(tmp_path: Path, make_row: MakeRow) -> None:
    write_report([make_row()], {}, tmp_path, **STORY)
    names = " ".join(contents(tmp_path))
    for missing in ("taxonomy", "categories", "temperature"):
        assert missing not in names


def test_a_crowd_of_series_becomes_a_matrix(tmp_path: Path, make_row: MakeRow) -> None:
    write_report([make_row(pooling=f"pooling_{index}") for index in range(13)], {}, tmp_path, **STORY)
    assert "Gain by subset, pooling and setting" in (tmp_path / "report.md").read_text()


def test_no_rows_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"at least one finished cell, profile, gap or attribution, got none; run"):
        write_report([], {"object": 1}, tmp_path / "report", **STORY)
    assert not (tmp_path / "report").exists()
