"""One trial of a search: a cell of dev queries and nothing else."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from misfire.cli._cells import design_cell, run_and_log
from misfire.core.errors import MisfireError
from misfire.core.progress import say

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from misfire.config import Settings
    from misfire.config.search import Search
    from misfire.evaluation import Cell, CellOutcome, DevQueries, TestQueries
    from misfire.failures import FailureSet
    from misfire.tracking import TrialResult

SIDE, TRIALS = "side", "misfire.trials"


def trial_job(search: "Search") -> "Callable[[DictConfig], TrialResult]":
    """The job of a search's trials; it knows dev queries alone, and its trial by its number."""

    def job(config: "DictConfig") -> "TrialResult":
        from hydra.core.hydra_config import HydraConfig

        from misfire.config import Settings
        from misfire.tracking import TrialResult

        number = int(HydraConfig.get().job.num)
        try:
            result = _values(Settings(config), search, number)
        except MisfireError as error:
            result = TrialResult(None, None, str(error), error.exit_code)
        except Exception as error:
            # One setting must not take the search with it; it is listed by its type.
            result = TrialResult(None, None, f"{type(error).__name__}: {' '.join(str(error).split())}", 1)
        say(f"{number:>6}  {result.text if result.values else f'failed: {result.text}'}")
        return result

    return job


def _values(settings: "Settings", search: "Search", number: int) -> "TrialResult":
    from misfire.evaluation import dev_queries
    from misfire.tracking import TrialResult

    dev = dev_queries(settings.dataset, dev_share=search.dev_share, seed=search.seed)
    cell_id, outcome, is_new = cell_on(dev, settings, number=number)
    values = tuple(objective(outcome) for objective in search.objectives)
    told = ", ".join(
        f"{objective.name} {value:.2f}" for objective, value in zip(search.objectives, values, strict=True)
    )
    known = "" if is_new else "  (finished before)"
    return TrialResult(values, cell_id, f"{outcome.templates} · {outcome.pooling_label} · {told}{known}")


def cell_on(side: "DevQueries | TestQueries", settings: "Settings", *, number: int) -> "tuple[str, CellOutcome, bool]":
    """The configured cell on one side's queries: run and logged, or read where the store holds it finished.

    Args:
        side: The only queries that it asks.
        settings: The cell.
        number: The trial whose setting it has, noted with the run.

    Returns:
        The cell's id, its outcome, and whether it was run just now.
    """
    from misfire.tracking import read_cell

    failure_set, cell = design_on(side, settings)
    store = settings.tracking
    with store.claimed(cell.id) as finished:
        if finished is None:
            outcome, run_id = run_and_log(settings, cell, failure_set, params={SIDE: side.name})
        else:
            run_id = str(finished.info.run_id)
            outcome = read_cell(store, run_id).outcome
        trials = {int(one) for one in store.client.get_run(run_id).data.tags.get(TRIALS, "").split()} | {number}
        store.client.set_tag(run_id, TRIALS, " ".join(map(str, sorted(trials))))
    return cell.id, outcome, finished is None


def design_on(side: "DevQueries | TestQueries", settings: "Settings") -> "tuple[FailureSet | None, Cell]":
    """The configured cell, which asks one side's queries and has mined no other's failures.

    Raises:
        UsageError: If the subset has no query there.
    """
    return design_cell(settings, side=side)
