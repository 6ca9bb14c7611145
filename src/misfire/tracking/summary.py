"""The summary of a sweep: one run with the report, and the experiment's note with question, answer and links."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from misfire.tracking.cells import LoggedCell
from misfire.tracking.links import compare_link, run_link, sorted_link
from misfire.tracking.revision import source_revision
from misfire.tracking.store import KIND, SWEEP, RunContent, TrackingStore


@dataclass(frozen=True)
class SweepSummary:
    """What a reader of the experiment should see first; ``table`` is Markdown, ``k`` the cut-off of the decision."""

    title: str
    question: str
    decision_rule: str
    answer: str
    table: str
    k: int


def log_summary(store: TrackingStore, summary: SweepSummary, cells: Sequence[LoggedCell], *, report: Path) -> str:
    """Put the report into the one ``summary`` run, the gist into the experiment's note. Returns the run's identifier."""
    run_id = store.supersede(
        "summary",
        RunContent(
            name=f"summary · {len(cells)} cells",
            tags={
                KIND: "summary",
                SWEEP: store.experiment,
                "misfire.revision": source_revision(),
                "mlflow.note.content": _gist(summary),
                "mlflow.source.name": "misfire sweep",
                "mlflow.source.type": "LOCAL",
            },
            params={"num_cells": str(len(cells))},
            metrics={},
            artifacts=report,
        ),
    )
    store.note(_note(store, summary, cells, run_id), primary_metric=f"t2i/hit_at_{summary.k}/delta_pp")
    return run_id


def _gist(summary: SweepSummary) -> str:
    return (
        f"**Question.** {summary.question}\n\n**Decision rule.** {summary.decision_rule}\n\n"
        f"**Answer.** {summary.answer}\n"
    )


def _note(store: TrackingStore, summary: SweepSummary, cells: Sequence[LoggedCell], run_id: str) -> str:
    experiment = store.experiment_id
    metric = f"t2i/hit_at_{summary.k}/delta_pp"
    links = [
        f"[Cells, largest gain first]({sorted_link(experiment, metric)})",
        f"[All cells side by side]({compare_link(experiment, [cell.run_id for cell in cells])})",
        f"[Summary run: tables, figures, report]({run_link(experiment, run_id)})",
    ]
    return f"## {summary.title}\n\n{_gist(summary)}\n{summary.table}\n\n" + " · ".join(links) + "\n"
