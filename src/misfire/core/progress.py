"""Progress of long work: a bar with the time left on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from misfire.core.pulse import MOST_SILENCE, heard, while_doing

Item = TypeVar("Item")

_SECONDS_BETWEEN_LINES = MOST_SILENCE


def track(items: Iterable[Item], *, total: int | Callable[[], int], what: str, unit: int = 1) -> Iterator[Item]:
    """Yield ``items`` and show how many of ``total`` are done on standard error.

    Args:
        items: The work.
        total: How many units of work there are; a function where that becomes known only on the way.
        what: What is being done, for the reader.
        unit: How many units one item stands for (a batch's size).
    """
    now = total if callable(total) else lambda: total
    is_bar = sys.stderr.isatty()
    with while_doing("" if is_bar else what):  # a bar moves by itself
        yield from (_with_bar if is_bar else _with_lines)(items, total=now, what=what, unit=unit)


def say(line: str) -> None:
    """Tell the user one line on standard error, so that standard output stays data."""
    print(line, file=sys.stderr, flush=True)
    heard()


def _with_bar(items: Iterable[Item], *, total: Callable[[], int], what: str, unit: int) -> Iterator[Item]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task, done = progress.add_task(what, total=total()), 0
        for item in items:
            yield item
            done = min(done + unit, total())
            progress.update(task, completed=done, total=total())


def _with_lines(items: Iterable[Item], *, total: Callable[[], int], what: str, unit: int) -> Iterator[Item]:
    start = last = time.monotonic()
    done = 0
    for item in items:
        yield item
        done = min(done + unit, total())
        now = time.monotonic()
        if now - last >= _SECONDS_BETWEEN_LINES and done < total():
            left = (now - start) / done * (total() - done)
            say(f"{what}: {done} of {total()}, about {left:.0f} s left")
            last = now
