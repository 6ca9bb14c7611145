import json
from pathlib import Path

from misfire.tracking import SweepSummary, TrackingStore, log_cell, log_summary, read_cells
from tests.tracking.cell_results import cell_result


def test_the_note_answers_first_then_links_and_tabulates(store: TrackingStore, tmp_path: Path) -> None:
    (tmp_path / "cell").mkdir()
    log_cell(store, cell_result(), config_yaml="", figure=b"png", settings={"seed": "1"}, folder=tmp_path / "cell")
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "report.md").write_text("report")
    cells = read_cells(store)
    summary = SweepSummary("Why?", "If so.", "It is so.", k=10)
    run_id = log_summary(store, summary, cells, report=tmp_path / "report")

    tags = store.client.get_experiment(store.experiment_id).tags
    lines = tags["mlflow.note.content"].splitlines()
    assert lines[0] == "It is so."
    assert "**Question.** Why?" in lines
    assert "| object | 10 | logmeanexp tau=1 | +50.00 | [0.00, 100.00] | 1 | 2 | -2.38 |" in lines
    assert all(run in tags["mlflow.note.content"] for run in (run_id, cells[0].run_id))
    assert "metrics.`t2i/hit_at_10/delta_pp`" in tags["mlflow.sharedViewState.cells"]
    view = json.loads(tags["mlflow.sharedViewState.cells"])
    assert view["compareRunSections"][0]["name"] == "What decides at 10"
    assert view["compareRunCharts"][-1]["metricKey"] in store.client.get_run(cells[0].run_id).data.metrics
    assert [artifact.path for artifact in store.client.list_artifacts(run_id)] == ["report.md"]
    assert len(read_cells(store)) == 1
