"""The summary of a sweep: one run with the report, and the experiment's note with question, answer and links."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from misfire.tracking.cell_metrics import metrics as cell_metrics
from misfire.tracking.cells import LoggedCell
from misfire.tracking.charts import saved_charts
from misfire.tracking.links import VIEW, compare_link, run_link, view_link
from misfire.tracking.store import RunContent, TrackingStore
from misfire.tracking.views import VIEW_TAG, saved_view


@dataclass(frozen=True)
class SweepSummary:
    """What a reader of the experiment should see first; ``k`` is the cut-off of the decision."""

    question: str
    decision_rule: str
    answer: str
    k: int


def log_summary(store: TrackingStore, summary: SweepSummary, cells: Sequence[LoggedCell], *, report: Path) -> str:
    """Put the report into the one ``summary`` run, the gist into the experiment's note. Returns the run's id.

    Args:
        store: The experiment's store.
        summary: What a reader should see first.
        cells: The cells that the report tells of; none where it tells of profiles, gaps or attributions alone.
        report: The report's folder.
    """
    run_id = store.supersede(
        "summary",
        RunContent(
            name=f"summary · {len(cells)} cells",
            tags={
                **store.run_tags(kind="summary", verb="sweep"),
                "mlflow.note.content": _gist(summary),
            },
            params={"num_cells": str(len(cells))},
            metrics={},
            artifacts=report,
        ),
    )
    store.tag({"mlflow.note.content": _note(store, summary, cells, run_id)})
    if not cells:
        return run_id
    metric = f"t2i/hit_at_{summary.k}/delta_pp"
    store.tag(
        {
            "mlflow.experiment.primaryMetric.name": metric,
            f"{VIEW_TAG}{VIEW}": saved_view(
                params=("subset", "pooling", "tau", "num_queries"),
                metrics=_columns(cells, summary.k),
                order_by=metric,
                charts=saved_charts(
                    k=summary.k,
                    params=("subset", "pooling"),
                    metrics={name for cell in cells for name in cell_metrics(cell.outcome)},
                ),
            ),
        }
    )
    return run_id


def _columns(cells: Sequence[LoggedCell], k: int) -> list[str]:
    others = [cutoff.k for cutoff in cells[0].outcome.cutoffs if cutoff.k not in (1, k)]
    decisive = [f"t2i/hit_at_{k}/{quantity}" for quantity in ("delta_pp", "delta_low_pp", "p_positive", "all_net_pp")]
    return [*decisive, *(f"t2i/hit_at_{other}/delta_pp" for other in others)]


def _gist(summary: SweepSummary) -> str:
    # The answer comes first and without markup: lists of experiments and the folded note show the first line only.
    return f"{summary.answer}\n\n**Question.** {summary.question}\n\n**Decision rule.** {summary.decision_rule}\n"


def _note(store: TrackingStore, summary: SweepSummary, cells: Sequence[LoggedCell], run_id: str) -> str:
    experiment = store.experiment_id
    report = f"[Summary: tables, figures, report]({run_link(experiment, run_id)})"
    if not cells:
        return f"{_gist(summary)}\n{report}\n"
    links = [
        f"[Cells with their outcomes, largest gain first]({view_link(experiment, VIEW)})",
        f"[Charts]({view_link(experiment, VIEW, mode='CHART')})",
        f"[All cells side by side]({compare_link(experiment, [cell.run_id for cell in cells])})",
        report,
    ]
    return f"{_gist(summary)}\n" + " · ".join(links) + f"\n\n{_small_table(cells, summary.k)}\n"


def _small_table(cells: Sequence[LoggedCell], k: int) -> str:
    """What decides, a row a cell; the whole tables are in the summary run."""
    lines = [
        f"| subset | n | pooling | gain at {k} (pp) | interval | fixed outside | broken outside | all queries (pp) |",
        "| :--- | ---: | :--- | ---: | :---: | ---: | ---: | ---: |",
    ]
    for outcome in (cell.outcome for cell in cells):
        cutoff = outcome.at(k)
        is_cost_known = cutoff.complement.num_queries > 0
        elsewhere = f"{cutoff.complement.fixed} | {cutoff.complement.broken}" if is_cost_known else "- | -"
        everywhere = f"{100 * cutoff.net_of_all(outcome.num_others):+.2f}" if is_cost_known else "-"
        lines.append(
            f"| {outcome.subset} | {outcome.num_queries} | {outcome.pooling_label} | {100 * cutoff.delta:+.2f} | "
            f"[{100 * cutoff.gain.low:.2f}, {100 * cutoff.gain.high:.2f}] | {elsewhere} | {everywhere} |"
        )
    return "\n".join(lines)
