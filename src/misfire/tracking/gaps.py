"""An oracle gap as a run: what is logged of it, and how it's read back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from misfire.evaluation import GapResult, OracleGap, gap_name, gap_sentence
from misfire.tracking.datasets import dataset_input
from misfire.tracking.store import CELL_ID, KIND, RunContent, TrackingStore

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
    (folder / "config.yaml").write_text(config_yaml, encoding="utf-8")
    (folder / GAP_FILE).write_text(json.dumps(gap.to_json(), indent=1), encoding="utf-8")
    result.records.to_parquet(folder / "records.parquet", index=False)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    params = {
        "pooling": gap.pooling,
        "backbone": gap.backbone,
        "dataset": gap.dataset,
        "num_failures_labelled": str(gap.num_labelled),
        "num_others": str(gap.num_others),
    }
    return store.log(
        RunContent(
            name=gap_name(gap),
            tags={
                **store.run_tags(kind="gap", verb="gap"),
                CELL_ID: gap.gap_id,
                "misfire.oracle": "true",
                "misfire.backbone_fingerprint": gap.backbone_fingerprint,
                "misfire.dataset_fingerprint": gap.dataset_fingerprint,
                "mlflow.note.content": gap_sentence(gap),
            },
            params={**params, **settings},
            metrics=_metrics(gap),
            artifacts=folder,
            datasets=(dataset_input(gap.dataset, gap.dataset_fingerprint, context="evaluation"),),
        )
    )


def read_gaps(store: TrackingStore) -> list[LoggedGap]:
    """All finished oracle gaps of the store's experiment, oldest first."""
    runs = store.runs(f"tags.`{KIND}` = 'gap' and attributes.status = 'FINISHED'")
    return [LoggedGap(str(run.info.run_id), store.experiment_id, read_gap(store, run)) for run in runs]


def read_gap(store: TrackingStore, run: "Run") -> OracleGap:
    """The oracle gap that a run holds."""
    with store.artifact(str(run.info.run_id), GAP_FILE) as path:
        return OracleGap.from_json(json.loads(path.read_text(encoding="utf-8")))


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
