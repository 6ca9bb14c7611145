"""Measure plain retrieval on all queries, both directions."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from misfire.cli._application import run_task

if TYPE_CHECKING:
    from omegaconf import DictConfig


def run(words: Sequence[str]) -> int:
    """Evaluate, log and print."""
    run_task("evaluate", _evaluate, words)
    return 0


def _evaluate(config: "DictConfig") -> None:
    from misfire.cli._baseline import measured_baseline
    from misfire.config import Settings

    settings = Settings(config)
    table = measured_baseline(settings)
    bench = settings.workbench
    print(f"{bench.encoder.name} on {bench.dataset.name}: {len(bench.dataset.images):,} images, ", end="")
    print(f"{len(bench.dataset.captions):,} captions; {settings.statistics.confidence:.0%} intervals by image")
    for note in bench.dataset.notes:
        print(f"  {note}")
    for name, (estimate, low, high) in table.items():
        print(f"  {name:<22} {estimate:8.4f}  [{low:.4f}, {high:.4f}]")
