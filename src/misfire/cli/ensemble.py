"""Ask failing captions again with many prompts and pool their scores: a cell, a tau profile, or with -m many."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from misfire.cli._application import is_multirun, run_task
from misfire.cli._cells import has_finished, run_grid, run_once, tell
from misfire.cli._summary import summarise

if TYPE_CHECKING:
    from omegaconf import DictConfig


def run(words: Sequence[str]) -> int:
    """Run the configured cell, or the grid, and refresh the experiment's summary."""
    if not is_multirun(words):
        run_task("ensemble", _one, words)
        return 0
    reports = run_grid(words)
    if has_finished(reports):
        summarise([word for word in words if word.startswith(("tracking", "paths"))])
    return tell(reports)


def _one(config: "DictConfig") -> None:
    from misfire.config import Settings

    print(run_once(Settings(config)).line().strip())
