"""Say what gold labels are worth: templates chosen by them, by predicted categories, by a gate, and not at all."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from misfire.cli._application import run_task
from misfire.cli._design import failure_set_of

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from misfire.config import Settings
    from misfire.methods.retrieval.gap.oracle_gap import GapPlan
    from misfire.methods.retrieval.gap.outcome import OracleGap


def run(words: Sequence[str]) -> int:
    """Compare, print the table and the words, write and log them; what the store holds finished is told again."""
    chosen = [] if any(word.startswith("templates=") for word in words) else ["templates=gap"]
    run_task("gap", _gap, [*words, *chosen])
    return 0


def _gap(config: "DictConfig") -> None:
    from misfire.config import Settings
    from misfire.methods.retrieval.gap.table import gap_table
    from misfire.methods.retrieval.gap.words import gap_sentence
    from misfire.reporting.table import to_markdown

    settings = Settings(config)
    gap = _found_or_run(settings, _plan(settings))
    # Another gap's may lie there by now: the files are always of what is printed.
    _write(settings.report_folder, gap)
    print(to_markdown(gap_table(gap)))
    print(gap_sentence(gap))


def _plan(settings: "Settings") -> "GapPlan":
    from misfire.core.errors import UsageError
    from misfire.methods.retrieval.ensemble.cell import check_cut_offs, parse_num_queries
    from misfire.methods.retrieval.gap.oracle_gap import GapPlan
    from misfire.methods.retrieval.gap.systems import GapSystems

    check_cut_offs(settings.ks)
    systems, pooling = settings.templates, settings.pooling
    if not isinstance(systems, GapSystems):
        raise UsageError(
            f"misfire gap must be given what it compares, got templates={getattr(systems, 'name', 'matched')}; leave "
            "templates out, or name a file like conf/templates/gap.yaml."
        )
    num_others = parse_num_queries(settings.config.complement.num_queries)
    return GapPlan(
        bench=settings.workbench,
        failure_set=failure_set_of(settings),
        systems=systems,
        pooling=pooling,
        ks=settings.ks,
        statistics=settings.statistics,
        num_others=num_others,
        seed=settings.seed,
    )


def _found_or_run(settings: "Settings", plan: "GapPlan") -> "OracleGap":
    from misfire.methods.retrieval.gap.oracle_gap import run_oracle_gap
    from misfire.tracking import log_gap, read_gap

    with settings.tracking.claimed(plan.id) as finished:
        if finished is not None:
            return read_gap(settings.tracking, finished)
        result = run_oracle_gap(plan)
        with TemporaryDirectory() as folder:
            log_gap(
                settings.tracking,
                result,
                config_yaml=settings.to_yaml(),
                files=gap_files(result.gap),
                settings={"seed": str(settings.seed), "failure_set": plan.failure_set.digest[:12]},
                folder=Path(folder),
            )
    return result.gap


def gap_files(gap: "OracleGap") -> dict[str, bytes]:
    """The table and the figure, by file name."""
    from misfire.methods.retrieval.gap.figure import oracle_gap_points
    from misfire.methods.retrieval.gap.table import gap_table
    from misfire.methods.retrieval.gap.words import gap_sentence
    from misfire.reporting.exhibit import exhibit_files

    return exhibit_files(gap_table(gap), oracle_gap_points(gap), sentence=gap_sentence(gap))


def _write(folder: Path, gap: "OracleGap") -> None:
    from misfire.core.files import write_files
    from misfire.core.progress import say

    write_files(folder, gap_files(gap))
    say(f"table and figure: {folder}/oracle_gap.*")
