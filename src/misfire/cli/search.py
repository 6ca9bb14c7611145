"""Run the study of sweeps/NAME.yaml: search on dev queries, read the winner once on test; issued again, it goes on."""

from collections.abc import Sequence

from misfire.cli._searching import run_search
from misfire.cli._sweeping import named, run_sweep


def run(words: Sequence[str]) -> int:
    """Work off the study, together with whoever else does, then sum it up; a file without objectives is a sweep."""
    sweep, rest = named("search", words)
    return run_sweep(sweep, rest) if sweep.walk is None else run_search(sweep, rest)
