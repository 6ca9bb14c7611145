"""Measure plain retrieval on all queries, both directions."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from misfire.cli._application import run_task

if TYPE_CHECKING:
    from omegaconf import DictConfig


def run(words: Sequence[str]) -> int:
    """Evaluate, log and print."""
    run_task("evaluate", _evaluate, words)
    return 0


def _evaluate(config: "DictConfig") -> None:
    from misfire.config import Settings
    from misfire.evaluation import baseline_id, evaluate_baseline
    from misfire.tracking import log_baseline, read_baseline

    settings = Settings(config)
    bench = settings.workbench
    store = settings.tracking.for_experiment("baseline")
    with store.claimed(baseline_id(bench, ks=settings.ks, statistics=settings.statistics)) as finished:
        if finished is None:
            baseline = evaluate_baseline(bench, ks=settings.ks, statistics=settings.statistics)
            with TemporaryDirectory() as folder:
                log_baseline(store, baseline, bench, config_yaml=settings.to_yaml(), folder=Path(folder))
            table = {name: (found.estimate, found.low, found.high) for name, found in baseline.intervals.items()}
        else:
            table = read_baseline(finished)
    print(f"{bench.encoder.name} on {bench.dataset.name}: {len(bench.dataset.images):,} images, ", end="")
    print(f"{len(bench.dataset.captions):,} captions; {settings.statistics.confidence:.0%} intervals by image")
    for name, (estimate, low, high) in table.items():
        print(f"  {name:<22} {estimate:8.4f}  [{low:.4f}, {high:.4f}]")
