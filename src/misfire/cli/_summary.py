"""Sums up an experiment: reads its cells back, answers its question, writes its report and notes it in the store."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from misfire.cli._application import compose
from misfire.core.errors import UsageError
from misfire.core.files import locked
from misfire.core.progress import say

if TYPE_CHECKING:
    from misfire.config import Settings, Sweep
    from misfire.tracking import LoggedCell

_AD_HOC_QUESTION = "What do these runs show, side by side?"
_NO_RULE = "None was set: what was measured here describes, it decides nothing."
_AD_HOC_RULE = (
    "A mend counts if the lower end of the 95 % bootstrap interval of its gain in hit@{k} is above 0 and, on the "
    "sampled other queries, it breaks no more hits than it fixes; and if its gain can still be claimed once the number "
    "of cells and the choice of their queries are counted."
)


def summarise(words: Sequence[str], *, sweep: "Sweep | None" = None) -> Path:
    """Write the report of the experiment that ``words`` name and refresh its note. Returns the report's folder.

    Raises:
        UsageError: If the experiment has no finished cell, nor anything else that a report can tell of.
    """
    from misfire.config import Settings

    settings = Settings(compose(words))
    # Two processes that end the same sweep must not log each other's half-written files.
    with locked(settings.root / "locks" / f"report-{settings.tracking.experiment_id}.lock"):
        return _summarise(settings, sweep)


def _summarise(settings: "Settings", sweep: "Sweep | None") -> Path:
    from misfire.cli._findings import find, find_further
    from misfire.methods.retrieval.ensemble.decision import DecisionRule, answer
    from misfire.methods.retrieval.ensemble.report.further_sections import answer_without_cells
    from misfire.methods.retrieval.ensemble.report.report import write_report
    from misfire.methods.retrieval.ensemble.report.rows import cell_row
    from misfire.tracking import SweepSummary, log_summary, read_cells, run_link

    store = settings.tracking
    cells, findings = _comparable(read_cells(store)), find_further(settings)
    if not cells and not findings.num_further:
        raise UsageError(
            f"a report needs a finished cell, profile, gap or attribution, experiment {store.experiment} has none; run "
            "`misfire demo`."
        )
    address = f"http://{settings.config.host}:{settings.config.port}"
    rows = [
        cell_row(cell.outcome, cell.replicates, run_url=f"{address}/{run_link(cell.experiment_id, cell.run_id)}")
        for cell in cells
    ]
    if cells:
        rule = DecisionRule(k=sweep.k if sweep else _cut_offs(cells[-1])[-1])
        findings = find(settings, cells, rows, k=rule.k, further=findings)
        answered = answer([cell.outcome for cell in cells], rule, list(findings.compared.values()))
    else:
        answered = answer_without_cells(findings)
    summary = SweepSummary(
        question=sweep.question if sweep else _AD_HOC_QUESTION,
        decision_rule=sweep.decision_rule if sweep else _AD_HOC_RULE.format(k=findings.k) if cells else _NO_RULE,
        answer=answered,
        k=findings.k,
    )
    folder = settings.report_folder / store.experiment
    write_report(
        rows,
        cells[-1].outcome.failure_counts if cells else {},
        folder,
        title=sweep.title if sweep else f"Cells of {store.experiment}" if cells else f"Findings of {store.experiment}",
        question=summary.question,
        decision_rule=summary.decision_rule,
        answer=answered,
        findings=findings,
    )
    log_summary(store, summary, cells, report=folder)
    print(f"\nAnswer: {answered}\nReport: {folder / 'report.html'}\n")
    return folder


def _comparable(cells: "Sequence[LoggedCell]") -> "list[LoggedCell]":
    """The cells that one table can hold: with the newest one's cut-offs, and a subset always the same queries.

    Where a subset was asked again after weights, data, sample or complement had changed, its newest cell decides.
    """
    queries_of = {_subset_of(cell): _queries_of(cell) for cell in cells}
    same = [
        cell
        for cell in cells
        if _cut_offs(cell) == _cut_offs(cells[-1]) and _queries_of(cell) == queries_of[_subset_of(cell)]
    ]
    if len(same) < len(cells):
        say(f"{len(cells) - len(same)} cells of other ks, weights, data or queries are left out of the report.")
    return same


def _subset_of(cell: "LoggedCell") -> tuple[str, str, str]:
    return cell.outcome.backbone, cell.outcome.dataset, cell.outcome.subset


def _queries_of(cell: "LoggedCell") -> tuple[str, str, str, int]:
    outcome = cell.outcome
    num_others = outcome.cutoffs[0].complement.num_queries
    return outcome.backbone_fingerprint, outcome.dataset_fingerprint, outcome.how_chosen, num_others


def _cut_offs(cell: "LoggedCell") -> list[int]:
    return [cutoff.k for cutoff in cell.outcome.cutoffs]
