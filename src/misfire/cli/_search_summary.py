"""Sums up a study: its winner, read once on test, the report, and the note in the store."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from misfire.cli._search import PreparedSearch, open_study, prepare, settings_of
from misfire.cli._trial import SIDE, cell_on
from misfire.core.errors import IntegrityError, UsageError
from misfire.core.files import locked
from misfire.core.seeding import generator

if TYPE_CHECKING:
    import pandas as pd

    from misfire.methods.retrieval.ensemble.comparison import ComparedCell
    from misfire.methods.retrieval.search.honesty import Verdict
    from misfire.methods.retrieval.search.trial_row import TrialRow
    from misfire.tracking import LoggedCell, Study, Trial

_MOST_IN_NOTE = 20


def summarise_search(prepared: PreparedSearch, study: "Study") -> Path:
    """Write the report of a study with a finished trial and refresh its note. Returns the report's folder."""
    settings = prepared.settings
    with locked(settings.root / "locks" / f"report-{settings.tracking.experiment_id}.lock"):
        return _summarise(prepared, study)


def _summarise(prepared: PreparedSearch, study: "Study") -> Path:
    from misfire.cells.pareto import pareto_front, winner
    from misfire.methods.retrieval.ensemble.report.rows import cell_row
    from misfire.methods.retrieval.search.study_report import write_study_report
    from misfire.tracking import SweepSummary, log_summary, run_link

    search, settings = prepared.search, prepared.settings
    settled = [trial for trial in study.trials() if trial.is_settled]
    finished = [trial for trial in settled if trial.is_finished]
    values = [trial.values or () for trial in finished]
    is_maximised = [objective.is_maximised for objective in search.objectives]
    best = finished[winner(values, is_maximised=is_maximised)]
    front = [finished[place] for place in pareto_front(values, is_maximised=is_maximised)]
    cells = _cells_of(prepared, finished)
    verdict = _verdict(prepared, best, settled, cells) if not _missing(study) else None
    answered = _answer(prepared, study, best, verdict)
    address = f"http://{settings.config.host}:{settings.config.port}"
    tested = _test_cells(prepared, verdict)
    shown = [*cells.values(), *tested]
    rows = [
        cell_row(cell.outcome, cell.replicates, run_url=f"{address}/{run_link(cell.experiment_id, cell.run_id)}")
        for cell in shown
    ]
    folder = settings.report_folder / settings.tracking.experiment
    write_study_report(
        rows,
        _trial_rows(settled, front, best),
        folder,
        title=search.title,
        question=search.question,
        decision_rule=search.decision_rule,
        answer=answered,
        objectives=search.objectives,
        verdict=verdict,
        compared=_compared(prepared, verdict, tested[0]) if verdict else None,
    )
    summary = SweepSummary(question=search.question, decision_rule=search.decision_rule, answer=answered, k=search.k)
    notable = {trial.cell_id for trial in (best, *front[:_MOST_IN_NOTE])}
    log_summary(
        settings.tracking,
        summary,
        [*tested, *(cell for cell_id, cell in cells.items() if cell_id in notable)],
        report=folder,
    )
    _print(prepared, best, front, answered)
    print(f"Report: {folder / 'report.html'}\n")
    return folder


def report_search(source: str, words: Sequence[str]) -> int:
    """Write the report of a search again, from what its study and the store hold. Returns the exit code.

    Raises:
        UsageError: If no trial is finished.
    """
    prepared = prepare(source, words)
    study = open_study(prepared)
    if not any(trial.is_finished for trial in study.trials()):
        raise UsageError(f"a report needs finished trials, study {study.name} has none; run `misfire search {source}`.")
    folder = summarise_search(prepared, study)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        print(f"  {path}")
    return 0


def tell(study: "Study") -> int:
    """Print how many trials ended how, and each failing one with its error. Returns the exit code."""
    trials = study.trials()[: study.plan.num_to_do]
    failed = [trial for trial in trials if trial.error]
    missing = [number for number in range(study.plan.num_to_do) if number not in {trial.number for trial in trials}]
    elsewhere = [trial for trial in trials if not trial.is_settled and not trial.error]
    counts = {
        "finished": sum(trial.is_finished for trial in trials),
        "pruned": sum(trial.is_pruned for trial in trials),
        "failed": len(failed),
        "at work elsewhere": len(elsewhere),
        "not begun": len(missing),
    }
    print(
        f"{study.plan.num_to_do} trials of {study.name}: "
        + ", ".join(f"{count} {how}" for how, count in counts.items() if count)
    )
    for trial in failed:
        print(f"\nfailed: trial {trial.number}: {trial.error}", file=sys.stderr)
    for trial in elsewhere:
        print(f"\nunfinished: trial {trial.number} on {trial.host}; if it is dead there, add take_over={trial.host}")
    if any(trial.error_code == IntegrityError.exit_code for trial in failed):
        return IntegrityError.exit_code
    return 1 if failed or elsewhere or missing else 0


def _missing(study: "Study") -> bool:
    settled = {trial.number for trial in study.trials() if trial.is_settled}
    return not set(range(study.plan.num_to_do)) <= settled


def _cells_of(prepared: PreparedSearch, trials: "Sequence[Trial]") -> "dict[str, LoggedCell]":
    """The trials' cells by their ids, each once, in the trials' order."""
    from misfire.tracking import read_cells

    stored = {cell.outcome.cell_id: cell for cell in read_cells(prepared.settings.tracking)}
    wanted = dict.fromkeys(trial.cell_id for trial in trials if trial.cell_id)
    lost = [cell_id for cell_id in wanted if cell_id not in stored]
    if lost:
        raise IntegrityError(
            f"a finished trial's cell must stand in the tracking store, {len(lost)} of study "
            f"{prepared.settings.tracking.experiment} don't (the first is {lost[0][:12]}); restore the store, or move "
            "the study's journal away to run them again."
        )
    return {cell_id: stored[cell_id] for cell_id in wanted}


def _subset_records(
    prepared: PreparedSearch, settled: "Sequence[Trial]", cells: "dict[str, LoggedCell]"
) -> "dict[str, pd.DataFrame]":
    """The records of every setting that was tried, by its cell's id, in the trials' order; at least of the subset."""
    from misfire.tracking import read_pruned_records, read_records

    store = prepared.settings.tracking
    tried = list(dict.fromkeys(str(trial.cell_id) for trial in settled))
    pruned = read_pruned_records(store) if set(tried) - set(cells) else {}
    lost = [cell_id for cell_id in tried if cell_id not in cells and cell_id not in pruned]
    if lost:
        raise IntegrityError(
            f"a pruned trial's outcomes must stand in the tracking store, {len(lost)} of study "
            f"{prepared.settings.tracking.experiment} don't (the first is of cell {lost[0][:12]}); restore the store, "
            "or move the study's journal away to try them again."
        )
    return {
        cell_id: read_records(store, cells[cell_id].run_id) if cell_id in cells else pruned[cell_id]
        for cell_id in tried
    }


def _verdict(
    prepared: PreparedSearch, best: "Trial", settled: "Sequence[Trial]", cells: "dict[str, LoggedCell]"
) -> "Verdict":
    from misfire.methods.retrieval.search.honesty import Verdict, selection_adjusted_p
    from misfire.methods.retrieval.search.split import test_queries

    search, store = prepared.search, prepared.settings.tracking
    settings = settings_of(prepared, best.setting)
    test = test_queries(settings.dataset, dev_share=search.dev_share, seed=search.seed)
    outcome = cell_on(test, settings, number=best.number)
    records = _subset_records(prepared, settled, cells)
    p_selected = selection_adjusted_p(
        list(records.values()),
        list(records).index(str(best.cell_id)),
        k=search.k,
        num_replicates=settings.statistics.num_replicates,
        rng=generator(search.seed, "selection"),
    )
    return Verdict(
        dev=cells[str(best.cell_id)].outcome,
        test=outcome,
        k=search.k,
        num_settings=len(records),
        p_selected=p_selected,
        num_looks=len(store.runs(f"params.{SIDE} = '{test.name}' and attributes.status = 'FINISHED'")),
    )


def _test_cells(prepared: PreparedSearch, verdict: "Verdict | None") -> "list[LoggedCell]":
    from misfire.tracking import read_cell

    if verdict is None:
        return []
    store = prepared.settings.tracking
    with store.claimed(verdict.test.cell_id) as run:
        return [read_cell(store, str(run.info.run_id))] if run else []


def _compared(prepared: PreparedSearch, verdict: "Verdict", tested: "LoggedCell") -> "ComparedCell":
    """The winner's cell on test by itself, at a level shared by all winners that were read there."""
    from misfire.methods.retrieval.ensemble.comparison import compare_cells
    from misfire.tracking import read_records

    search = prepared.search
    level = (1 - verdict.test.confidence) / verdict.num_looks
    [compared] = compare_cells(
        [replace(tested.outcome, confidence=1 - level)],
        [read_records(prepared.settings.tracking, tested.run_id)],
        k=search.k,
        rng=generator(search.seed, "winner on test"),
    )
    return compared


def _answer(prepared: PreparedSearch, study: "Study", best: "Trial", verdict: "Verdict | None") -> str:
    from misfire.cells.space import setting_label

    name = f"{setting_label(best.setting)} (trial {best.number})"
    settled = [trial for trial in study.trials() if trial.is_settled]
    finished = [trial for trial in settled if trial.is_finished]
    num_pruned = len(settled) - len(finished)
    cut = f" {num_pruned} of {len(settled)} trials were cut short by a bound that others beat." if num_pruned else ""
    if verdict is not None:
        equal = len({trial.cell_id for trial in finished if trial.values == best.values})
        ties = f" {equal} settings are equal on dev, of which it came first." if equal > 1 else ""
        return verdict.answer(name) + ties + cut
    return (
        f"No answer yet: {len(settled)} of {study.plan.num_to_do} trials are finished, and the winner is read on test "
        f"when all are. So far {name} leads on dev.{cut}"
    )


def _trial_rows(settled: "Sequence[Trial]", front: "Sequence[Trial]", best: "Trial") -> "list[TrialRow]":
    from misfire.cells.space import setting_label
    from misfire.methods.retrieval.search.trial_row import TrialRow

    on_front = {trial.number for trial in front}
    return [
        TrialRow(
            number=trial.number,
            label=setting_label(trial.setting),
            setting=trial.setting,
            values=trial.values or trial.bound or (),
            is_on_front=trial.number in on_front,
            is_winner=trial.number == best.number,
            cell_id=str(trial.cell_id),
            is_pruned=trial.is_pruned,
        )
        for trial in settled
    ]


def _print(prepared: PreparedSearch, best: "Trial", front: "Sequence[Trial]", answered: str) -> None:
    from misfire.cells.space import setting_label

    objectives = prepared.search.objectives
    if len(objectives) > 1:
        print("\nOn dev no other trial is better in both than:")
        print(f"  {'trial':>5}  " + "  ".join(f"{objective.name:>8}" for objective in objectives) + "  setting")
        shown = {trial.values: trial for trial in reversed(front)}
        for trial in sorted(shown.values(), key=lambda trial: trial.values or (), reverse=True):
            numbers = "  ".join(f"{value:8.2f}" for value in trial.values or ())
            print(f"  {trial.number:>5}  {numbers}  {setting_label(trial.setting)}")
    print(f"\nAnswer: {answered}")
