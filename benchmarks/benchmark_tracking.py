"""What tracking costs a cell: claim it, log params, metrics, tags, dataset and artifacts, and close the run.

Usage, from the repository's root: python -m benchmarks.benchmark_tracking [--cells 60]
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from misfire.methods.retrieval.ensemble.report.figures.histogram import bootstrap_histogram
from misfire.methods.retrieval.ensemble.report.rows import bootstrap_row
from misfire.tracking import TrackingStore, log_cell
from tests.tracking.cell_results import cell_result


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cells", type=int, default=60)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = TrackingStore(
            f"sqlite:///{folder / 'mlflow.db'}", str(folder / "artifacts"), str(folder / "locks"), "benchmark"
        )
        _ = store.experiment_id
        tracking, figures = zip(*(timed_cell(store, folder, number) for number in range(asked.cells)), strict=True)
    print("| a cell | median ms | 90th percentile ms |")
    print("| :--- | ---: | ---: |")
    for what, seconds in (("claim, log and close the run", tracking), ("draw its histogram", figures)):
        print(f"| {what} | {1000 * np.median(seconds):.0f} | {1000 * np.percentile(seconds, 90):.0f} |")


def timed_cell(store: TrackingStore, folder: Path, number: int) -> tuple[float, float]:
    result = cell_result(f"{number:064x}")
    start = time.perf_counter()
    figure = bootstrap_histogram(
        result.replicates[10], bootstrap_row(result.outcome, 10), num_queries=10, title=result.outcome.label
    )
    drawn = time.perf_counter()
    artifacts = folder / f"cell_{number}"
    artifacts.mkdir()
    with store.claimed(result.outcome.cell_id):
        log_cell(store, result, config_yaml="seed: 42\n", figure=figure, settings={"seed": "42"}, folder=artifacts)
    return time.perf_counter() - drawn, drawn - start


if __name__ == "__main__":
    main()
