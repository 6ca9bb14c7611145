"""Cells of the command line: one, or a grid whose jobs each leave a word on how they ended."""

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from misfire.cli._application import compose, run_jobs
from misfire.cli._design import design_cell
from misfire.cli._lint import warn_of_prompts
from misfire.core.errors import IntegrityError
from misfire.core.files import write_text
from misfire.core.progress import say

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from misfire.config import Settings
    from misfire.failures import FailureSet
    from misfire.methods.retrieval.ensemble.cell import Cell
    from misfire.methods.retrieval.ensemble.outcome import CellOutcome, CellResult

DONE, SKIPPED, FAILED = "done", "finished before", "failed"
_REPORT_FILE = "job.json"


@dataclass(frozen=True)
class JobReport:
    """How one cell ended: its name or its error, the words that repeat it, and the exit code that it would end with.

    A job may be a whole profile instead, which isn't a cell that a summary can hold.
    """

    status: str
    text: str
    words: tuple[str, ...] = ()
    code: int = 0
    is_cell: bool = True

    def line(self) -> str:
        """One line for the user."""
        return f"{self.status:>15}  {self.text}"


def run_once(settings: "Settings") -> JobReport:
    """Run what the configured pooling makes, a cell or the profile of a whole grid, unless the store holds it finished.

    Raises:
        MisfireError: If its configuration, input or stored data is refused.
    """
    from misfire.cli._profile import run_profile_once
    from misfire.methods.retrieval.profile.tau_grid import TauGrid

    chosen = settings.pooling_choice
    return run_profile_once(settings, chosen) if isinstance(chosen, TauGrid) else run_cell_once(settings)


def run_cell_once(settings: "Settings") -> JobReport:
    """Run the configured cell unless the store holds it finished.

    Raises:
        MisfireError: If its configuration, input or stored data is refused.
    """
    from misfire.methods.retrieval.ensemble.outcome import run_name

    failure_set, cell = design_cell(settings)
    with settings.tracking.claimed(cell.id) as finished:
        if finished is not None:
            return JobReport(SKIPPED, str(finished.info.run_name))
        outcome, _ = run_and_log(settings, cell, failure_set)
    return JobReport(DONE, run_name(outcome))


def run_and_log(
    settings: "Settings",
    cell: "Cell",
    failure_set: "FailureSet | None",
    *,
    params: Mapping[str, str] | None = None,
) -> "tuple[CellOutcome, str]":
    """Run a cell whose claim is held, and log it. Returns its outcome and the run's identifier.

    Args:
        settings: Where it runs and goes.
        cell: What to run.
        failure_set: Names the queries' categories.
        params: Further params of the run.
    """
    from misfire.methods.retrieval.ensemble.ensembling import run_cell
    from misfire.tracking import log_cell

    warn_of_prompts(cell, settings.backbone)
    result = run_cell(cell, settings.workbench, failure_set=failure_set)
    own = {"seed": str(settings.seed), "failure_set": failure_set.digest[:12] if failure_set else ""}
    with TemporaryDirectory() as folder:
        run_id = log_cell(
            settings.tracking,
            result,
            config_yaml=settings.to_yaml(),
            figure=_histogram(result),
            settings={**own, **(params or {})},
            folder=Path(folder),
        )
    return result.outcome, run_id


def _histogram(result: "CellResult") -> bytes:
    from misfire.methods.retrieval.ensemble.report.figures.histogram import bootstrap_histogram
    from misfire.methods.retrieval.ensemble.report.rows import bootstrap_row

    outcome = result.outcome
    k = outcome.cutoffs[-1].k
    return bootstrap_histogram(
        result.replicates[k],
        bootstrap_row(outcome, k),
        num_queries=outcome.num_queries,
        title=f"hit@{k}: {outcome.label}",
    )


def cell_job(config: "DictConfig") -> None:
    """One job of a grid: runs the cell, and leaves its report in the job's folder; a failing cell stops no other."""
    from hydra.core.hydra_config import HydraConfig

    from misfire.config import Settings
    from misfire.core.errors import MisfireError

    hydra = HydraConfig.get()
    words = tuple(hydra.overrides.task)
    try:
        report = run_once(Settings(config))
    except MisfireError as error:
        report = JobReport(FAILED, str(error), words, error.exit_code)
    except Exception as error:
        # A defect of ours or of a library in one cell must not take the others with it; it is listed by its type.
        report = JobReport(FAILED, f"{type(error).__name__}: {' '.join(str(error).split())}", words, 1)
    say(report.line())
    write_text(Path(hydra.runtime.output_dir) / _REPORT_FILE, json.dumps(asdict(report)))


def run_grid(words: Sequence[str]) -> list[JobReport]:
    """Run a multirun of cells; one report a job, in order.

    Raises:
        UsageError: If the words don't compose; no cell has run then.
    """
    root = compose([word for word in words if word.startswith("paths.root=")]).paths.root
    folder = run_jobs("ensemble", cell_job, words, root=Path(root))
    jobs = sorted(
        (path for path in folder.iterdir() if path.is_dir() and path.name.isdigit()), key=lambda p: int(p.name)
    )
    return [_read_report(path) for path in jobs]


def _read_report(folder: Path) -> JobReport:
    path = folder / _REPORT_FILE
    if not path.is_file():
        return JobReport(FAILED, f"job {folder.name} ended without a word: its process died", code=1)
    content = json.loads(path.read_text(encoding="utf-8"))
    return JobReport(**{**content, "words": tuple(content["words"])})


def has_finished(reports: Sequence[JobReport]) -> bool:
    """Whether any cell is there to be summed up."""
    return any(report.status != FAILED and report.is_cell for report in reports)


def tell(reports: Sequence[JobReport]) -> int:
    """Print how many cells ended how, and each failing one with its error and its command. Returns the exit code."""
    counts = {status: sum(report.status == status for report in reports) for status in (DONE, SKIPPED, FAILED)}
    print(f"{len(reports)} cells: " + ", ".join(f"{count} {status}" for status, count in counts.items() if count))
    failed = [report for report in reports if report.status == FAILED]
    for report in failed:
        print(f"\nfailed: {report.text}", file=sys.stderr)
        if report.words:
            print(f"  again: misfire ensemble {shlex.join(report.words)}", file=sys.stderr)
    if any(report.code == IntegrityError.exit_code for report in failed):
        return IntegrityError.exit_code
    return 1 if failed else 0
