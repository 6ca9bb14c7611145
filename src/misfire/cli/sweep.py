"""Run sweeps/NAME.yaml: a question, its decision rule and its grid; issued again, it completes what is missing."""

from collections.abc import Sequence

from misfire.cli._application import compose
from misfire.cli._cells import has_finished, run_grid, tell
from misfire.cli._summary import summarise
from misfire.cli._sweeping import named, run_sweep
from misfire.core.errors import UsageError


def run(words: Sequence[str]) -> int:
    """Run a sweep's grids into an experiment of its name, then sum it up."""
    from misfire.config.jobs import is_ready

    sweep, rest = named("sweep", words)
    if sweep.walk is not None:
        from misfire.cli import search

        return search.run(words)
    return run_sweep(sweep, rest) if is_ready(sweep.verb) else _run_old(words)


def _run_old(words: Sequence[str]) -> int:
    from misfire.config import load_sweep

    sweep = load_sweep(words[0])
    ks = compose([word for word in words if word.startswith("ks=")]).ks
    if sweep.k not in ks:
        raise UsageError(f"ks must hold {sweep.k}, by which sweep {sweep.name} decides, got {list(ks)}; add it.")
    print(f"{sweep.title}\nQuestion: {sweep.question}\nDecision rule: {sweep.decision_rule}\n")
    own = [f"tracking.experiment={sweep.name}"]
    reports = [report for grid in sweep.grids for report in run_grid([*sweep.words(grid), *own, *words[1:]])]
    if has_finished(reports):
        summarise([*own, *(word for word in words[1:] if word.startswith(("tracking", "paths")))], sweep=sweep)
    return tell(reports)
