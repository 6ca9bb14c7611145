"""A cell as a run: what is logged of it, and how it's read back."""

import csv
import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from misfire.methods.retrieval.ensemble.outcome import CellOutcome, CellResult, run_name
from misfire.methods.retrieval.flips import Flips
from misfire.tracking.cell_metrics import metrics
from misfire.tracking.cell_note import note
from misfire.tracking.flat_run import FlatRun, json_file, log_flat_run, parquet_file, read_json
from misfire.tracking.store import TrackingStore

OUTCOME_FILE = "cell.json"
REPLICATES_FILE = "replicates.npz"
RECORDS_FILE = "records.parquet"
LEDGER_FILE = "ledger.csv"


@dataclass(frozen=True)
class LoggedCell:
    """A finished cell as the store holds it."""

    run_id: str
    experiment_id: str
    outcome: CellOutcome
    replicates: Mapping[int, Float[np.ndarray, " replicate"]]


def log_cell(
    store: TrackingStore,
    result: CellResult,
    *,
    config_yaml: str,
    figure: bytes,
    settings: Mapping[str, str],
    folder: Path,
) -> str:
    """Log a cell and its evidence as one flat run. Returns the run's identifier.

    Args:
        store: Where to.
        result: Outcome, records and replicates.
        config_yaml: The composed configuration.
        figure: The bootstrap histogram, as PNG.
        settings: Params besides those that follow from the outcome (seed, device, ...).
        folder: An empty folder to lay the artifacts out in.
    """
    outcome = result.outcome
    made = FlatRun(
        kind="cell",
        verb="ensemble",
        id=outcome.cell_id,
        name=run_name(outcome),
        dataset=outcome.dataset,
        dataset_fingerprint=outcome.dataset_fingerprint,
        note=note(outcome),
        marks={
            "oracle": outcome.is_oracle,
            "failure_mined": outcome.is_failure_mined,
            "subset_chosen": outcome.how_chosen,
            "backbone_fingerprint": outcome.backbone_fingerprint,
        },
        params={**_params(outcome), **settings},
        metrics=metrics(outcome),
        files={
            OUTCOME_FILE: json_file(outcome.to_json()),
            "table.csv": _table(outcome).encode(),
            LEDGER_FILE: _ledger(outcome).encode(),
            "bootstrap.png": figure,
            RECORDS_FILE: parquet_file(result.records),
            REPLICATES_FILE: _replicates_file(result),
        },
    )
    return log_flat_run(store, made, config_yaml=config_yaml, folder=folder)


def read_cells(store: TrackingStore) -> list[LoggedCell]:
    """All finished cells of the store's experiment with their replicates, oldest first."""
    return [read_cell(store, str(run.info.run_id)) for run in store.finished("cell")]


def read_cell(store: TrackingStore, run_id: str) -> LoggedCell:
    """The finished cell of a run, with its replicates."""
    outcome = CellOutcome.from_json(read_json(store, run_id, OUTCOME_FILE))
    with store.artifact(run_id, REPLICATES_FILE) as path, np.load(path, allow_pickle=False) as archive:
        replicates = {cutoff.k: archive[f"hit_at_{cutoff.k}"] for cutoff in outcome.cutoffs}
    return LoggedCell(run_id=run_id, experiment_id=store.experiment_id, outcome=outcome, replicates=replicates)


def read_records(store: TrackingStore, run_id: str) -> pd.DataFrame:
    """A finished cell's records, one a query."""
    with store.artifact(run_id, RECORDS_FILE) as path:
        return pd.read_parquet(path)


def _params(outcome: CellOutcome) -> dict[str, str]:
    params: dict[str, object] = {
        "subset": outcome.subset,
        "num_queries": outcome.num_queries,
        "templates": outcome.templates,
        "num_templates": outcome.num_templates,
        "pooling": outcome.pooling,
        "backbone": outcome.backbone,
        "dataset": outcome.dataset,
        "complement_num_queries": outcome.cutoffs[0].complement.num_queries,
    }
    if outcome.tau is not None:
        params["tau"] = f"{outcome.tau:g}"
    return {key: str(value) for key, value in params.items()}


def _replicates_file(result: CellResult) -> bytes:
    content = io.BytesIO()
    arrays: dict[str, Any] = {f"hit_at_{k}": values for k, values in result.replicates.items()}
    np.savez_compressed(content, **arrays)
    return content.getvalue()


def _table(outcome: CellOutcome) -> str:
    header = (
        "k,queries,baseline_hits,ensembled_hits,delta_pp,low_pp,high_pp,p_positive,others,others_fixed,others_broken"
    )
    rows = [
        f"{cutoff.k},{cutoff.subset.num_queries},{cutoff.baseline_hits},{cutoff.ensembled_hits},"
        f"{100 * cutoff.delta:.2f},{100 * cutoff.gain.low:.2f},{100 * cutoff.gain.high:.2f},"
        f"{cutoff.gain.p_positive:.3f},{cutoff.complement.num_queries},{cutoff.complement.fixed},"
        f"{cutoff.complement.broken}"
        for cutoff in outcome.cutoffs
    ]
    return "\n".join([header, *rows, ""])


def _ledger(outcome: CellOutcome) -> str:
    """Flips of the whole, of each category and of each template alone, a line each; commas are quoted."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["k", "queries", "of", "name", "fixed", "broken", "still_right", "still_wrong"])

    def row(k: int, queries: str, of: str, name: str, flips: Flips) -> None:
        lines.writerow([k, queries, of, name, *asdict(flips).values()])

    for cutoff in outcome.cutoffs:
        row(cutoff.k, "subset", "all prompts", "", cutoff.subset)
        row(cutoff.k, "complement", "all prompts", "", cutoff.complement)
        for name, flips in cutoff.by_category.items():
            row(cutoff.k, "subset", "category", name, flips)
        for one in cutoff.by_template:
            row(cutoff.k, "subset", "template alone", one.template, one.subset)
            row(cutoff.k, "complement", "template alone", one.template, one.complement)
    return text.getvalue()
