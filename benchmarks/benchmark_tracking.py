"""What tracking costs a cell beside MLflow's own calls, and what finding a thousand finished cells costs.

Usage, from the repository's root: python -m benchmarks.benchmark_tracking [--cells 60] [--finished 1000]
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from mlflow.entities import Metric, Param

from misfire.cells import artifacts
from misfire.tracking import MlflowLedger
from tests.tracking.toy import ToyCell

Result = TypeVar("Result")
_NUM_UNITS = 5_000  # records of about 130 kB, as a cell of a few thousand queries has


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cells", type=int, default=60)
    parser.add_argument("--finished", type=int, default=1000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ledger = MlflowLedger(
            f"sqlite:///{folder / 'mlflow.db'}", str(folder / "artifacts"), str(folder / "locks"), "benchmark"
        )
        _ = ledger.experiment_id
        pairs = [timed_pair(ledger, number) for number in range(asked.cells)]
        own, plain = (np.array(column) for column in zip(*pairs, strict=True))
        print("| a cell | median ms | 90th percentile ms |")
        print("| :--- | ---: | ---: |")
        for what, seconds in (
            ("claim, write, log and close the run", own),
            ("MLflow's own calls for the same run", plain),
            ("difference within a pair", own - plain),
        ):
            print(f"| {what} | {1000 * np.median(seconds):.1f} | {1000 * np.percentile(seconds, 90):.1f} |")
        sweep = ledger.for_experiment("finished")
        cells = [ToyCell(number, _NUM_UNITS) for number in range(asked.finished)]
        for cell in cells:
            sweep.save(cell, cell.run(None), config="seed: 42\n")
        ids = {cell.id for cell in cells}
        found, seconds = timed(lambda: sweep.finished(ids))
        size = sum(path.stat().st_size for path in (folder / "artifacts" / "finished").rglob("*") if path.is_file())
        print(f"\n{len(found)} finished cells ({size / 1e6:.0f} MB) found and verified in {seconds:.2f} s")
        runs, seconds = timed(lambda: sweep.runs("attributes.status = 'FINISHED'"))
        print(f"MLflow's own search for these {len(runs)} runs: {seconds:.2f} s")


def timed_pair(ledger: MlflowLedger, number: int) -> tuple[float, float]:
    """Seconds that a cell takes with the ledger and with MLflow's calls alone, which copy its files and hash none."""
    cell = ToyCell(number, _NUM_UNITS)
    outcome = cell.run(None)
    files = artifacts(cell, outcome, config="seed: 42\n")

    def plain() -> None:
        client, now = ledger.client, int(1000 * time.time())
        with tempfile.TemporaryDirectory() as name:
            for file, content in files.items():
                (Path(name) / file).write_bytes(content)
            run = client.create_run(ledger.experiment_id, tags={f"tag_{tag}": "x" for tag in range(12)})
            metrics = [Metric(key, value, now, 0) for key, value in outcome.estimates.metrics().items()]
            params = [Param(key, value) for key, value in cell.label().items()]
            client.log_batch(run.info.run_id, metrics=metrics, params=params)
            client.log_artifacts(run.info.run_id, name)
            client.set_terminated(run.info.run_id)

    def own() -> None:
        with ledger.claim(cell.id):
            ledger.save(cell, outcome, config="seed: 42\n")

    if number % 2:
        return timed(own)[1], timed(plain)[1]
    seconds = timed(plain)[1]
    return timed(own)[1], seconds


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


if __name__ == "__main__":
    main()
