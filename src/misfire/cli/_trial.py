"""One trial of a search: a cell of dev queries and nothing else."""

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from misfire.cli._cells import run_and_log
from misfire.cli._design import design_cell
from misfire.core.errors import MisfireError
from misfire.core.progress import say

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from misfire.config import Settings
    from misfire.config.search import Search
    from misfire.failures import FailureSet
    from misfire.methods.retrieval.ensemble.cell import Cell
    from misfire.methods.retrieval.ensemble.outcome import CellOutcome
    from misfire.methods.retrieval.search.pruning import PrunedCell, Values
    from misfire.methods.retrieval.search.split import DevQueries, TestQueries
    from misfire.tracking import TrackingStore, TrialResult

SIDE, TRIALS = "side", "misfire.trials"


def trial_job(search: "Search") -> "Callable[[DictConfig], TrialResult]":
    """The job of a search's trials; it knows dev queries alone, and its trial by its number."""

    def job(config: "DictConfig") -> "TrialResult":
        from hydra.core.hydra_config import HydraConfig

        from misfire.config import Settings
        from misfire.tracking import TrialResult

        hydra = HydraConfig.get()
        number = int(hydra.job.num)
        rivals = [tuple(map(float, values)) for values in hydra.sweeper.rivals]
        try:
            result = _result(Settings(config), search, number, rivals)
        except MisfireError as error:
            result = TrialResult(None, None, str(error), error.exit_code)
        except Exception as error:
            # One setting must not take the search with it; it is listed by its type.
            result = TrialResult(None, None, f"{type(error).__name__}: {' '.join(str(error).split())}", 1)
        say(f"{number:>6}  {f'failed: {result.text}' if result.has_failed else result.text}")
        return result

    return job


def _result(settings: "Settings", search: "Search", number: int, rivals: "Sequence[Values]") -> "TrialResult":
    from misfire.methods.retrieval.search.pruning import bound_sentence, prune
    from misfire.methods.retrieval.search.split import dev_queries
    from misfire.tracking import TrialResult

    dev = dev_queries(settings.dataset, dev_share=search.dev_share, seed=search.seed)
    failure_set, cell = design_on(dev, settings)
    # Asked for also where it cuts nothing short: proposals learn of a beaten trial the same bound either way.
    beaten = prune(cell, settings.workbench, search.objectives, rivals)
    bound, rival = (beaten.bound, beaten.rival) if beaten else (None, None)
    if beaten and search.prune and not _is_finished(settings, cell):
        _keep(dev, settings, beaten, search, number)
        told = f"{cell.template_set.name} · {beaten.pooling_label} · {bound_sentence(beaten, search.objectives)}"
        return TrialResult(None, cell.id, f"pruned: {told}", bound=bound, rival=rival)
    outcome, is_new = _run_once(dev, settings, failure_set, cell, number)
    values = tuple(objective(outcome) for objective in search.objectives)
    told = ", ".join(
        f"{objective.name} {value:.2f}" for objective, value in zip(search.objectives, values, strict=True)
    )
    known = "" if is_new else "  (finished before)"
    text = f"{outcome.templates} · {outcome.pooling_label} · {told}{known}"
    return TrialResult(values, cell.id, text, bound=bound, rival=rival)


def _is_finished(settings: "Settings", cell: "Cell") -> bool:
    with settings.tracking.claimed(cell.id) as finished:
        return finished is not None


def _keep(side: "DevQueries", settings: "Settings", beaten: "PrunedCell", search: "Search", number: int) -> None:
    """Log a cell that was cut short, unless that was done before, and note the trial with it."""
    from misfire.tracking import log_pruned_cell, pruned_id

    store = settings.tracking
    with store.claimed(pruned_id(beaten.cell.id)) as logged, TemporaryDirectory() as folder:
        run_id = (
            str(logged.info.run_id)
            if logged
            else log_pruned_cell(
                store,
                beaten,
                search.objectives,
                backbone=settings.backbone.name,
                config_yaml=settings.to_yaml(),
                settings={"seed": str(settings.seed), SIDE: side.name},
                folder=Path(folder),
            )
        )
        _note_trial(store, run_id, number)


def _note_trial(store: "TrackingStore", run_id: str, number: int) -> None:
    trials = {int(one) for one in store.client.get_run(run_id).data.tags.get(TRIALS, "").split()} | {number}
    store.client.set_tag(run_id, TRIALS, " ".join(map(str, sorted(trials))))


def cell_on(side: "DevQueries | TestQueries", settings: "Settings", *, number: int) -> "CellOutcome":
    """The configured cell on one side's queries: run and logged, or read where the store holds it finished.

    Args:
        side: The only queries that it asks.
        settings: The cell.
        number: The trial whose setting it has, noted with the run.
    """
    outcome, _ = _run_once(side, settings, *design_on(side, settings), number)
    return outcome


def _run_once(
    side: "DevQueries | TestQueries",
    settings: "Settings",
    failure_set: "FailureSet | None",
    cell: "Cell",
    number: int,
) -> "tuple[CellOutcome, bool]":
    """The cell's outcome, and whether it was run just now."""
    from misfire.tracking import read_cell

    store = settings.tracking
    with store.claimed(cell.id) as finished:
        if finished is None:
            outcome, run_id = run_and_log(settings, cell, failure_set, params={SIDE: side.name})
        else:
            run_id = str(finished.info.run_id)
            outcome = read_cell(store, run_id).outcome
        _note_trial(store, run_id, number)
    return outcome, finished is None


def design_on(side: "DevQueries | TestQueries", settings: "Settings") -> "tuple[FailureSet | None, Cell]":
    """The configured cell, which asks one side's queries and has mined no other's failures.

    Raises:
        UsageError: If the subset has no query there.
    """
    return design_cell(settings, side=side)
