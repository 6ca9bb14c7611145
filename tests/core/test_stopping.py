import contextlib
import signal
import sys
import time
from collections.abc import Callable

import pytest

from misfire.core import stopping
from misfire.core.stopping import Stopped, stopped_by_signals


@pytest.fixture(autouse=True)
def _same_hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    monkeypatch.setattr(stopping, "_SECONDS_UNTIL_ASKED_AGAIN", 0.05)


class DropsIt:
    """Python drops whatever is raised in a destructor, as it does in the hooks of a fork."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_ends_the_work_and_handlers_are_put_back(name: str, code: int) -> None:
    signum = getattr(signal, name)
    before = signal.getsignal(signum)
    with pytest.raises(Stopped) as stopped, stopped_by_signals():
        signal.raise_signal(signum)
    assert stopped.value.exit_code == code
    assert signal.getsignal(signum) is before


def test_work_that_nobody_stops_ends_by_itself() -> None:
    hook = sys.unraisablehook
    with stopped_by_signals():
        pass
    assert sys.unraisablehook is hook
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def drop() -> None:
    DropsIt()
    time.sleep(20)


def catch() -> None:
    try:
        signal.raise_signal(signal.SIGINT)
    except BaseException:
        time.sleep(20)


def catch_at_the_end() -> None:
    with contextlib.suppress(BaseException):
        signal.raise_signal(signal.SIGINT)


def make_an_error_of_it() -> None:
    try:
        signal.raise_signal(signal.SIGTERM)
    except BaseException as error:
        raise RuntimeError("the import failed") from error


@pytest.mark.parametrize("swallow", [drop, catch, catch_at_the_end, make_an_error_of_it])
def test_one_that_is_swallowed_ends_the_work_all_the_same(swallow: Callable[[], None]) -> None:
    start = time.monotonic()
    with pytest.raises(Stopped), stopped_by_signals():
        swallow()
    assert time.monotonic() - start < 10


def test_what_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stopped_by_signals():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)
