"""Run sweeps/NAME.yaml: a question, its decision rule and its grid; issued again, it completes what is missing."""

from collections.abc import Sequence

from misfire.cli._cells import run_grid, tell
from misfire.cli._summary import summarise
from misfire.core.errors import UsageError


def run(words: Sequence[str]) -> int:
    """Run a sweep's grids into an experiment of its name, then sum it up."""
    from misfire.config import load_sweep, sweep_names

    if not words or "=" in words[0] or words[0].startswith("-"):
        raise UsageError(f"sweep needs a name, got none; try `misfire sweep {sweep_names()[0]}`.")
    sweep = load_sweep(words[0])
    print(f"{sweep.title}\nQuestion: {sweep.question}\nDecision rule: {sweep.decision_rule}\n")
    own = [f"tracking.experiment={sweep.name}"]
    reports = [report for grid in sweep.grids for report in run_grid([*sweep.words(grid), *own, *words[1:]])]
    summarise([*own, *(word for word in words[1:] if word.startswith(("tracking", "paths")))], sweep=sweep)
    return tell(reports)
