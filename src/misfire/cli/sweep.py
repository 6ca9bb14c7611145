"""Run sweeps/NAME.yaml: a question, its decision rule and its grid; issued again, it completes what is missing."""

from collections.abc import Sequence

from misfire.cli._searching import run_search
from misfire.cli._sweeping import named, run_sweep


def run(words: Sequence[str]) -> int:
    """Run a sweep's grids into an experiment of its name, then sum it up; a file with objectives is a search."""
    sweep, rest = named("sweep", words)
    return run_sweep(sweep, rest) if sweep.walk is None else run_search(sweep, rest)
