from collections.abc import Callable
from pathlib import Path

import pytest

from misfire.cells import Question
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.methods.retrieval.ensemble.report_part import ensemble_part
from tests.methods.retrieval.ensemble.written_report import NoData, write_report
from tests.methods.retrieval.finished import ensemble

MakeRow = Callable[..., LoggedEnsemble]
ABSTRACT = {
    "title": "Mended?",
    "question": "Does it help?",
    "decision_rule": "Above 0.",
    "answer": "On 24 queries, yes.",
}
TABLES = {
    f"tables/{name}.{suffix}"
    for name in ("improvement", "comparison", "bootstrap", "taxonomy")
    for suffix in ("md", "tex", "csv")
}
FIGURES = {
    f"figures/{name}.{suffix}"
    for name in ("categories", "pooling_ablation", "bootstrap_distribution", "best_pooling", "temperature_sweep")
    for suffix in ("png", "svg")
}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def rows(make_row: MakeRow) -> list[LoggedEnsemble]:
    return [make_row(), *(make_row(pooling="logmeanexp", tau=tau) for tau in (0.01, 1.0))]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, rows: list[LoggedEnsemble], taxonomy: dict[str, int]) -> Path:
    folder = tmp_path_factory.mktemp("reports") / "report"
    written = write_report(rows, taxonomy, folder, **ABSTRACT)
    assert {path.relative_to(folder).as_posix() for path in written} == contents(folder).keys()
    return folder


def test_report_holds_each_table_and_figure(report: Path) -> None:
    assert contents(report).keys() == {"report.md", "report.html"} | TABLES | FIGURES


def test_same_input_same_bytes_in_any_order(
    tmp_path: Path, report: Path, rows: list[LoggedEnsemble], taxonomy: dict[str, int]
) -> None:
    write_report(rows[::-1], dict(reversed(taxonomy.items())), tmp_path, **ABSTRACT)
    assert contents(tmp_path) == contents(report)


def test_text_tells_the_story_and_shows_the_figures(report: Path) -> None:
    text = (report / "report.md").read_text()
    for expected in ("# Mended?", "**Question.** Does it help?", "**Answer.** On 24 queries, yes.", "Above 0."):
        assert expected in text
    linked = [line.split("(")[-1].rstrip(")") for line in text.splitlines() if line.startswith("![")]
    assert set(linked) == {name for name in FIGURES if name.endswith(".png")}


@pytest.mark.usefixtures("undrawn")
def test_what_there_is_no_evidence_for_is_left_out(tmp_path: Path, make_row: MakeRow) -> None:
    write_report([make_row()], {}, tmp_path, **ABSTRACT)
    names = " ".join(contents(tmp_path))
    for missing in ("taxonomy", "categories", "temperature"):
        assert missing not in names


@pytest.mark.usefixtures("undrawn")
def test_a_crowd_of_series_becomes_a_matrix(tmp_path: Path, make_row: MakeRow) -> None:
    write_report([make_row(pooling=f"pooling_{index}") for index in range(13)], {}, tmp_path, **ABSTRACT)
    assert "Gain by subset, pooling and setting" in (tmp_path / "report.md").read_text()


def test_the_answer_is_held_to_a_rule_and_names_the_best(make_row: MakeRow) -> None:
    question = Question("x", "T", "Q?", "", 10, 42, NoData())
    part = ensemble_part([make_row().logged, make_row(pooling="mean").logged], question)
    assert part.decides
    assert part.answer.startswith(
        "None of the 2 cells passes. Corrected for having looked at 2 cells and for how their "
    )
    assert "gain in hit@10 is above 0" in part.decision_rule
    assert part.deciding is not None
    assert part.deciding.tracked_name == "t2i/hit_at_10/delta"


def test_cells_of_other_queries_are_left_out_with_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    cells = [ensemble(cell_id="b" * 64, how_chosen="otherwise"), ensemble()]
    part = ensemble_part([cell.logged for cell in cells], Question("x", "T", "Q?", "", 10, 42, NoData()))
    assert [source.cell_id for source in part.sources] == ["a" * 64]
    assert "1 cells of other ks, weights, data or queries are left out" in capsys.readouterr().err
