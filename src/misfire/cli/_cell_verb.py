"""Verbs that make cells: one that is run and told, or with ``-m`` a grid whose endings are listed."""

import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from misfire.core.errors import IntegrityError

if TYPE_CHECKING:
    from misfire.cells import Ended


def run_cell_verb(verb: str, words: Sequence[str]) -> int:
    """Run the cell that the words ask for, or all that they list; returns the exit code."""
    from misfire.config.words import is_multirun

    return _run_grid(verb, words) if is_multirun(words) else _run_one(verb, words)


def _run_one(verb: str, words: Sequence[str]) -> int:
    from misfire.cells import run_cell
    from misfire.config.launching import check_unlaunched
    from misfire.config.settings import Settings

    check_unlaunched(words)

    settings = Settings.of_words(verb, words)
    lab, ledger, cell = settings.lab, settings["tracking"], settings.cell()
    logged, _ = run_cell(cell, lab, ledger, config=settings.to_yaml, words=(verb, *words))
    print(cell.tell(logged))
    for line in where_to_look(settings["tracking.experiment"]):
        print(f"  {line}")
    return 0


def _run_grid(verb: str, words: Sequence[str]) -> int:
    from misfire.cli._experiment import report_on
    from misfire.cli._running import run_work
    from misfire.config.jobs import grid_work

    work = grid_work(verb, words)
    ended = run_work(verb, work, words)
    ids = {one.id for one in ended if one.id}
    if ids:
        report_on(work.settings, work.ledger, ids=ids, is_made_anew=False)
    return tell_endings(ended)


def tell_endings(ended: "Sequence[Ended]") -> int:
    """Print how many cells ended how, and each failing one with its error and its command. Returns the exit code."""
    from misfire.cells import Status

    counts = {status: sum(one.status == status for one in ended) for status in Status}
    print(f"{len(ended)} cells: " + ", ".join(f"{count} {status}" for status, count in counts.items() if count))
    failed = [one for one in ended if one.status == Status.FAILED]
    for one in failed:
        print(f"\nfailed: {one.text}", file=sys.stderr)
        if one.words:
            print(f"  again: misfire {shlex.join(one.words)}", file=sys.stderr)
    if any(one.code == IntegrityError.exit_code for one in failed):
        return IntegrityError.exit_code
    return 1 if failed else 0


def where_to_look(experiment: str) -> list[str]:
    """What a reader of one cell may want to see next."""
    return [
        f"all cells side by side   misfire report {shlex.quote(experiment)}",
        "records, charts          misfire ui",
    ]
