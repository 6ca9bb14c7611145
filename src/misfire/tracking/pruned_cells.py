"""A cell that a search cut short, as a light run: why, and its subset's outcomes; never taken for a finished cell."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from misfire.core.hashing import sha256_json
from misfire.methods.retrieval.ensemble.outcome import label_of_cell
from misfire.methods.retrieval.search.objective import Objective
from misfire.methods.retrieval.search.pruning import PrunedCell, bound_sentence
from misfire.tracking.flat_run import FlatRun, log_flat_run, parquet_file
from misfire.tracking.store import TrackingStore

if TYPE_CHECKING:
    from pandas import DataFrame

RECORDS_FILE = "subset.parquet"
_CELL, _KIND = "pruned_cell", "pruned"


def pruned_id(cell_id: str) -> str:
    """What a cut-short cell's run is found by: not the cell's own id, by which a finished run is found."""
    return sha256_json({_CELL: cell_id})


def log_pruned_cell(
    store: TrackingStore,
    pruned: PrunedCell,
    objectives: Sequence[Objective],
    *,
    backbone: str,
    config_yaml: str,
    settings: Mapping[str, str],
    folder: Path,
) -> str:
    """Log a cell that was cut short as one flat run. Returns the run's identifier.

    Args:
        store: Where to.
        pruned: The cell, its bound, who beat it, and its subset's outcomes.
        objectives: What the bound is a bound on.
        backbone: The backbone's name.
        config_yaml: The composed configuration.
        settings: Params besides those that follow from the cell (seed, side, ...).
        folder: An empty folder to lay the artifacts out in.
    """
    cell, names = pruned.cell, [objective.name for objective in objectives]
    made = FlatRun(
        kind=_KIND,
        verb="search",
        id=pruned_id(cell.id),
        name=f"{label_of_cell(cell.subset.name, pruned.pooling_label, cell.template_set.name)} · pruned",
        dataset=cell.dataset.name,
        dataset_fingerprint=cell.dataset.fingerprint,
        note=f"Not run to its end: {bound_sentence(pruned, objectives)}.",
        marks={
            _CELL: cell.id,
            "oracle": cell.template_set.is_oracle,
            "failure_mined": cell.subset.is_failure_mined,
            "backbone_fingerprint": cell.backbone_fingerprint,
        },
        params={
            "subset": cell.subset.name,
            "num_queries": str(len(cell.subset)),
            "templates": cell.template_set.name,
            "num_templates": str(len(cell.template_set)),
            **{
                key: value if isinstance(value, str) else f"{value:g}" for key, value in cell.pooling.describe().items()
            },
            "backbone": backbone,
            "dataset": cell.dataset.name,
            "others_asked": str(pruned.num_asked),
            **settings,
        },
        metrics={
            **{f"bound/{name}": value for name, value in zip(names, pruned.bound, strict=True)},
            **{f"rival/{name}": value for name, value in zip(names, pruned.rival, strict=True)},
        },
        files={RECORDS_FILE: parquet_file(pruned.records)},
    )
    return log_flat_run(store, made, config_yaml=config_yaml, folder=folder)


def read_pruned_records(store: TrackingStore) -> "dict[str, DataFrame]":
    """The subset's outcomes of each cell that was cut short, by the cell's id."""
    import pandas as pd

    found = {}
    for run in store.finished(_KIND):
        with store.artifact(str(run.info.run_id), RECORDS_FILE) as path:
            found[str(run.data.tags[f"misfire.{_CELL}"])] = pd.read_parquet(path)
    return found
