"""An oracle gap as a run: what is logged of it, and how it's read back."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from misfire.methods.retrieval.gap.oracle_gap import GapResult
from misfire.methods.retrieval.gap.outcome import OracleGap, gap_name
from misfire.methods.retrieval.gap.words import gap_sentence
from misfire.tracking.flat_run import FlatRun, json_file, log_flat_run, parquet_file, read_json
from misfire.tracking.store import TrackingStore

if TYPE_CHECKING:
    from mlflow.entities import Run

GAP_FILE = "oracle_gap.json"


@dataclass(frozen=True)
class LoggedGap:
    """A finished oracle gap as the store holds it."""

    run_id: str
    experiment_id: str
    gap: OracleGap


def log_gap(
    store: TrackingStore,
    result: GapResult,
    *,
    config_yaml: str,
    files: Mapping[str, bytes],
    settings: Mapping[str, str],
    folder: Path,
) -> str:
    """Log an oracle gap and its evidence as one flat run. Returns the run's identifier.

    Args:
        store: Where to.
        result: The gap and its records.
        config_yaml: The composed configuration.
        files: Names and bytes of its tables and figures.
        settings: Params besides those that follow from the gap (seed, ...).
        folder: An empty folder to lay the artifacts out in.
    """
    gap = result.gap
    params = {
        "pooling": gap.pooling,
        "backbone": gap.backbone,
        "dataset": gap.dataset,
        "num_failures_labelled": str(gap.num_labelled),
        "num_others": str(gap.num_others),
    }
    made = FlatRun(
        kind="gap",
        verb="gap",
        id=gap.gap_id,
        name=gap_name(gap),
        dataset=gap.dataset,
        dataset_fingerprint=gap.dataset_fingerprint,
        note=gap_sentence(gap),
        marks={"oracle": True, "backbone_fingerprint": gap.backbone_fingerprint},
        params={**params, **settings},
        metrics=_metrics(gap),
        files={GAP_FILE: json_file(gap.to_json()), "records.parquet": parquet_file(result.records), **files},
    )
    return log_flat_run(store, made, config_yaml=config_yaml, folder=folder)


def read_gaps(store: TrackingStore) -> list[LoggedGap]:
    """All finished oracle gaps of the store's experiment, oldest first."""
    runs = store.finished("gap")
    return [LoggedGap(str(run.info.run_id), store.experiment_id, read_gap(store, run)) for run in runs]


def read_gap(store: TrackingStore, run: "Run") -> OracleGap:
    """The oracle gap that a run holds."""
    return OracleGap.from_json(read_json(store, str(run.info.run_id), GAP_FILE))


def _metrics(gap: OracleGap) -> dict[str, float]:
    values: dict[str, float] = {}
    for system in gap.systems:
        name = "_".join(system.label.replace("(", "").replace(")", "").replace("-", " ").split())
        for k in gap.ks:
            found = system.at(k)
            values |= {
                f"t2i/hit_at_{k}/{name}_net_pp": round(100 * found.net.estimate, 4),
                f"t2i/hit_at_{k}/{name}_fixed_elsewhere": float(found.others.fixed),
                f"t2i/hit_at_{k}/{name}_broken_elsewhere": float(found.others.broken),
            }
    return values
