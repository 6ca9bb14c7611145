"""What an experiment shows first: its note, its columns and charts, and one summary however often it is made."""

import json
from pathlib import Path
from uuid import uuid4

import pytest

from misfire.cells import Estimate, Logged, Question, ReportPart
from misfire.tracking import MlflowLedger, experiment_links
from misfire.tracking.overview import Overview, metric_names
from tests.tracking.toy import ToyCell

QUESTION = Question("sweep", "A sweep", "Which number?", "The largest.", 10, 0, None)  # type: ignore[arg-type]  # unread
PART = ReportPart(
    sections=(),
    deciding=Estimate("toy/hit", 0.0, k=10, group="delta", unit="difference"),
    columns=(Estimate("toy/hit", 0.0, k=10, group="baseline"),),
)


@pytest.fixture(scope="module")
def ledger(shared_ledger: MlflowLedger) -> MlflowLedger:
    """An experiment with three finished cells."""
    ledger = shared_ledger.for_experiment(uuid4().hex)
    for number in range(3):
        cell = ToyCell(number)
        ledger.save(cell, cell.run(None), config="")
    return ledger


@pytest.fixture(scope="module")
def cells(ledger: MlflowLedger) -> list[Logged]:
    return list(ledger.load())


def test_the_answer_comes_first_and_the_largest_cell_next(cells: list[Logged]) -> None:
    note = Overview(QUESTION, "It is 2.", {"toy": PART}, cells).tags("7", "abc")["mlflow.note.content"]
    assert note.startswith("It is 2.\n\n**Question.** Which number?\n\n**Decision rule.** The largest.\n\n")
    assert "#/experiments/7/runs/abc" in note
    table = note[note.index("| number |") :].splitlines()
    assert table[0] == "| number | toy/hit_at_10/delta | toy/hit_at_10/baseline |"
    means = {str(number): ToyCell(number).run(None).estimates.rows[0].value for number in range(3)}
    assert [line.split(" | ")[0].strip("| ") for line in table[2:]] == sorted(
        means, key=means.__getitem__, reverse=True
    )


def test_columns_that_differ_come_first_then_what_decides_with_its_interval(cells: list[Logged]) -> None:
    tags = Overview(QUESTION, "It is 2.", {"toy": PART}, cells).tags("7", "abc")
    view = json.loads(tags["mlflow.sharedViewState.cells"])
    decides = "metrics.`toy/hit_at_10/delta_pp`"
    assert view["selectedColumns"] == [
        "params.`number`",
        decides,
        "metrics.`toy/hit_at_10/delta_low_pp`",
        "metrics.`toy/hit_at_10/delta_high_pp`",
        "metrics.`toy/hit_at_10/baseline`",
    ]
    assert (view["orderByKey"], view["orderByAsc"]) == (decides, False)
    assert tags["mlflow.experiment.primaryMetric.name"] == "toy/hit_at_10/delta_pp"
    kinds = [chart["type"] for chart in view["compareRunCharts"]]
    assert kinds == ["BAR", "SCATTER", "SCATTER", "PARALLEL", "BAR"]
    assert view["compareRunCharts"][1]["xaxis"] == {"key": "number", "type": "PARAM"}
    assert [section["display"] for section in view["compareRunSections"]] == [True, False]


def test_where_nothing_decides_runs_are_shown_with_what_they_track(cells: list[Logged]) -> None:
    tags = Overview(QUESTION, "Three cells.", {"toy": ReportPart(sections=())}, cells).tags("7", "abc")
    assert "mlflow.experiment.primaryMetric.name" not in tags
    assert "toy/hit_at_10/delta" in tags["mlflow.note.content"]


def test_metric_names_are_those_that_runs_have() -> None:
    row = Estimate("t2i/hit", 0.5, k=5, group="delta", unit="difference", low=0.25, high=0.75)
    assert metric_names(row, with_ends=True) == [
        "t2i/hit_at_5/delta_pp",
        "t2i/hit_at_5/delta_low_pp",
        "t2i/hit_at_5/delta_high_pp",
    ]


def test_a_summary_is_replaced_in_place(ledger: MlflowLedger, tmp_path: Path) -> None:
    def summarise(*names: str) -> set[str]:
        report = tmp_path / "-".join(names)
        for name in names:
            (report / name).parent.mkdir(parents=True, exist_ok=True)
            (report / name).write_text(name)
        ledger.summarise(QUESTION, f"It is {len(names)}.", {"toy": PART}, report=report, made_of=f"{len(names)} cells")
        (run,) = ledger.runs("tags.`misfire.kind` = 'summary'")
        root = Path(str(ledger.artifact_root)) / ledger.experiment
        keys.add(run.info.run_id)
        assert len(list(root.iterdir())) == 4
        assert run.data.tags["mlflow.note.content"].startswith(f"It is {len(names)}.")
        here = root / run.info.run_id / "artifacts"
        return {path.relative_to(here).as_posix() for path in here.rglob("*") if path.is_file()}

    keys: set[str] = set()
    assert summarise("report.html", "tables/a.csv", "tables/b.csv") == {"report.html", "tables/a.csv", "tables/b.csv"}
    for _ in range(3):
        assert summarise("report.html", "figures/c.svg") == {"report.html", "figures/c.svg"}
    assert len(keys) == 1
    everything = ledger.client.search_runs([ledger.experiment_id], run_view_type=3)
    assert len(everything) == 4
    assert [one.kind for one in ledger.load()] == ["toy"] * 3
    assert ledger.experiment in ledger.experiments()
    assert ledger.has_cells
    assert not ledger.for_experiment("of which nobody has heard").has_cells
    links = dict(experiment_links(ledger.client))
    assert next(iter(links)) == "all experiments"
    assert links[f"{ledger.experiment}: charts"].endswith("compareRunsMode=CHART&viewStateShareKey=cells")
