"""The baseline of the configured backbone and dataset: measured once, read back afterwards."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from misfire.config import Settings


def measured_baseline(settings: "Settings") -> dict[str, tuple[float, float, float]]:
    """Estimate, low and high of each measure by tracked name (``t2i/hit_at_1``); logged if it wasn't before."""
    from misfire.methods.retrieval.baseline.baseline import baseline_id, evaluate_baseline
    from misfire.tracking import log_baseline, read_baseline

    bench, statistics, ks = settings.workbench, settings.statistics, settings.ks
    store = settings.tracking.for_experiment("baseline")
    with store.claimed(baseline_id(bench, ks=ks, statistics=statistics)) as finished:
        if finished is not None:
            return read_baseline(finished)
        baseline = evaluate_baseline(bench, ks=ks, statistics=statistics)
        with TemporaryDirectory() as folder:
            log_baseline(store, baseline, bench, config_yaml=settings.to_yaml(), folder=Path(folder))
    return {name: (found.estimate, found.low, found.high) for name, found in baseline.intervals.items()}


def measured_bounds(settings: "Settings") -> dict[int, dict[str, float]]:
    """What bounds each text-to-image hit rate of the measured baseline, by cut-off."""
    from misfire.methods.retrieval.baseline.baseline import baseline_id
    from misfire.tracking import read_bounds

    store = settings.tracking.for_experiment("baseline")
    with store.claimed(baseline_id(settings.workbench, ks=settings.ks, statistics=settings.statistics)) as finished:
        return {} if finished is None else read_bounds(finished)
