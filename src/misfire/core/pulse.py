"""A sign of life: whoever waits is told after a moment what a command is at, and again when it has been silent."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

MOST_SILENCE = 3.0
"""Seconds after which a silent command says that it is still at it."""

_FIRST = 0.5  # seconds; a wrong word is refused sooner
_doing, _since, _heard = "", 0.0, 0.0


def doing(what: str) -> None:
    """Note what is begun now, for the lines that break a silence."""
    global _doing, _since
    _doing, _since = what, time.monotonic()


def heard() -> None:
    """Note that something was said just now."""
    global _heard
    _heard = time.monotonic()


@contextmanager
def while_doing(what: str) -> Iterator[None]:
    """Note what is done within, and go back to what was done before."""
    before = _doing
    doing(what)
    try:
        yield
    finally:
        doing(before)


def at_rest() -> None:
    """Note that nothing is waited for any more: what runs now is a server, or a bar that moves by itself."""
    doing("")


@contextmanager
def alive(what: str, *, first: float = _FIRST, silence: float = MOST_SILENCE) -> Iterator[None]:
    """Say on standard error what is being done: once at the beginning, then whenever nothing was said for a while.

    Args:
        what: What is begun, as ``Loading what misfire sweep needs``.
        first: Seconds until the first line; none is said if the work is done sooner.
        silence: Seconds of silence after which another line is said.
    """
    doing(what)
    heard()
    start, stopped = _heard, threading.Event()

    def seconds_left() -> float:
        due = start + first if _heard == start else _heard + silence
        return due - time.monotonic()

    def beat() -> None:
        while not stopped.wait(max(seconds_left(), 0.01) if _doing else silence):
            if _doing and seconds_left() <= 0:
                seconds = time.monotonic() - _since
                done = f"{_doing}: {seconds:.0f} s" if seconds >= silence else f"{_doing} ..."
                print(done, file=sys.stderr, flush=True)
                heard()

    thread = threading.Thread(target=beat, name="misfire-pulse", daemon=True)
    thread.start()
    try:
        yield
    finally:
        at_rest()
        stopped.set()
        thread.join()
