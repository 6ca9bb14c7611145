"""Ctrl-C and its like end the work: every time, even where a library would swallow them."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, final

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_ALARM = (signal.SIGALRM,) if hasattr(signal, "SIGALRM") else ()
_SECONDS_UNTIL_ASKED_AGAIN, _SECONDS_AFTER_A_DROP = 3.0, 0.01


@final
class Stopped(KeyboardInterrupt):
    """Somebody wants the work to end.

    Args:
        signum: The signal that said so.
    """

    def __init__(self, signum: int) -> None:
        super().__init__(signal.Signals(signum).name)
        self.exit_code = 128 + signum


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Raise :class:`Stopped` in the work that is done here on SIGINT, SIGTERM or SIGHUP, until it ends.

    Python drops an exception that a signal raises inside a callback, as in a destructor or a fork's hooks, and some
    libraries catch it: so the signal is raised again at once where Python says that it dropped one, and every few
    seconds until the work has ended. An error that a library makes of the interruption ends the work as ``Stopped``
    too. Signals that are ignored already, as under ``nohup``, stay ignored, and a forked child dies without a word.

    Raises:
        Stopped: If a signal came while the work was done.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    own, hook, asked = os.getpid(), sys.unraisablehook, list[int]()

    def ask_again(seconds: float) -> None:
        if _ALARM:
            signal.setitimer(signal.ITIMER_REAL, seconds)

    def stop(signum: int, _: FrameType | None) -> None:
        if os.getpid() != own:
            os._exit(128 + signum)
        if signum in _SIGNALS:
            asked.append(signum)
        ask_again(_SECONDS_UNTIL_ASKED_AGAIN)
        if asked:
            raise Stopped(asked[0])

    def dropped(what: Any) -> None:
        if isinstance(what.exc_value, Stopped):
            ask_again(_SECONDS_AFTER_A_DROP)
        elif not asked:  # what falls down half built after that is nobody's concern
            hook(what)

    before = {
        signum: signal.signal(signum, stop)
        for signum in (*_SIGNALS, *_ALARM)
        if signal.getsignal(signum) is not signal.SIG_IGN
    }
    sys.unraisablehook = dropped
    try:
        yield
    except BaseException as error:
        if asked and not isinstance(error, Stopped):
            raise Stopped(asked[0]) from error
        raise
    finally:
        ask_again(0)
        if not asked:
            sys.unraisablehook = hook
        for signum, handler in before.items():
            signal.signal(signum, handler)
    if asked:
        raise Stopped(asked[0])
