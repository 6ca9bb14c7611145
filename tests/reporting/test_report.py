from collections.abc import Callable
from pathlib import Path

import pytest

from misfire.core.errors import UsageError
from misfire.reporting import CellRow, write_report

MakeRow = Callable[..., CellRow]
STORY = {"title": "Mended?", "question": "Does it help?", "decision_rule": "Above 0.", "answer": "On 24 queries, yes."}
TABLES = {
    f"tables/{name}.{suffix}" for name in ("improvement", "bootstrap", "taxonomy") for suffix in ("md", "tex", "csv")
}
FIGURES = {
    f"figures/{name}.{suffix}"
    for name in ("categories", "pooling_ablation", "bootstrap_distribution", "best_pooling")
    for suffix in ("png", "svg")
}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_report_holds_what_it_says_and_nothing_else(
    tmp_path: Path, paper_rows: list[CellRow], taxonomy: dict[str, int]
) -> None:
    written = write_report(paper_rows, taxonomy, tmp_path / "report", **STORY)
    names = {path.relative_to(tmp_path / "report").as_posix() for path in written}
    assert names == contents(tmp_path / "report").keys() == {"report.md", "report.html"} | TABLES | FIGURES


def test_same_input_same_bytes_in_any_order(
    tmp_path: Path, paper_rows: list[CellRow], taxonomy: dict[str, int]
) -> None:
    few = paper_rows[-4:]
    write_report(few, taxonomy, tmp_path / "first", **STORY)
    write_report(few[::-1], dict(reversed(taxonomy.items())), tmp_path / "second", **STORY)
    assert contents(tmp_path / "first") == contents(tmp_path / "second")


def test_text_tells_the_story_and_shows_the_figures(tmp_path: Path, paper_rows: list[CellRow]) -> None:
    write_report(paper_rows[-1:], {}, tmp_path, **STORY)
    text = (tmp_path / "report.md").read_text()
    for expected in ("# Mended?", "**Question.** Does it help?", "**Answer.** On 24 queries, yes.", "Above 0."):
        assert expected in text
    linked = [line.split("(")[-1].rstrip(")") for line in text.splitlines() if line.startswith("![")]
    assert len(linked) == 3
    assert all((tmp_path / name).exists() for name in linked)
    assert "taxonomy" not in " ".join(contents(tmp_path))


def test_a_sweep_over_tau_gets_its_figure(tmp_path: Path, make_row: MakeRow) -> None:
    rows = [make_row(pooling="logmeanexp", tau=tau) for tau in (0.01, 1.0)]
    names = {path.name for path in write_report(rows, {}, tmp_path, **STORY)}
    assert {"temperature_sweep.png", "temperature_sweep.svg"} <= names


def test_no_rows_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a report needs at least one finished cell, got none; run the sweep first"):
        write_report([], {"object": 1}, tmp_path / "report", **STORY)
    assert not (tmp_path / "report").exists()
