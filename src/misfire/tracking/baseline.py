"""A baseline evaluation as a run."""

from pathlib import Path
from typing import TYPE_CHECKING

from misfire.cells.lab import Workbench
from misfire.methods.retrieval.baseline.baseline import Baseline
from misfire.tracking.flat_run import FlatRun, log_flat_run, parquet_file
from misfire.tracking.store import TrackingStore

if TYPE_CHECKING:
    from mlflow.entities import Run


def log_baseline(store: TrackingStore, baseline: Baseline, bench: Workbench, *, config_yaml: str, folder: Path) -> str:
    """Log intervals and per-query records of both directions as one run. Returns its identifier.

    Args:
        store: Where to.
        baseline: What was measured.
        bench: What it was measured on.
        config_yaml: The composed configuration.
        folder: An empty folder to lay the artifacts out in.
    """
    dataset, encoder = bench.dataset, bench.encoder
    metrics: dict[str, float] = {}
    for name, interval in baseline.intervals.items():
        metrics |= {name: interval.estimate, f"{name}/low": interval.low, f"{name}/high": interval.high}
    metrics |= baseline.bounds
    headline = baseline.intervals["t2i/reciprocal_rank"].estimate
    made = FlatRun(
        kind="baseline",
        verb="evaluate",
        id=baseline.id,
        name=f"{encoder.name} · {dataset.name} · t2i reciprocal rank {headline:.3f}",
        dataset=dataset.name,
        dataset_fingerprint=dataset.fingerprint,
        note=" ".join(dataset.notes),
        marks={"backbone_fingerprint": encoder.fingerprint},
        params={
            "backbone": encoder.name,
            "dataset": dataset.name,
            "num_images": str(len(dataset.images)),
            "num_captions": str(len(dataset.captions)),
        },
        metrics=metrics,
        files={"records.parquet": parquet_file(baseline.records)},
    )
    return log_flat_run(store, made, config_yaml=config_yaml, folder=folder)


def read_baseline(run: "Run") -> dict[str, tuple[float, float, float]]:
    """Estimate, low and high of each measure of a logged baseline, best cut-offs first."""
    metrics = run.data.metrics
    names = [name for name in metrics if f"{name}/low" in metrics]
    return {
        name: (metrics[name], metrics[f"{name}/low"], metrics[f"{name}/high"]) for name in sorted(names, key=_order)
    }


def read_bounds(run: "Run") -> dict[int, dict[str, float]]:
    """Bounds of each text-to-image hit rate of a logged baseline by cut-off; none of one logged by an early version."""
    bounds: dict[int, dict[str, float]] = {}
    for name, value in sorted(run.data.metrics.items()):
        direction, hit, kind = [*name.split("/"), "", ""][:3]
        if direction == "t2i" and hit.startswith("hit_at_") and kind not in ("", "low", "high"):
            bounds.setdefault(int(hit.removeprefix("hit_at_")), {})[kind] = value
    return dict(sorted(bounds.items()))


def _order(name: str) -> tuple[bool, bool, int]:
    direction, _, measure = name.partition("/")
    is_hit = measure.startswith("hit_at_")
    return direction != "t2i", not is_hit, int(measure.rpartition("_")[2]) if is_hit else -len(measure)
