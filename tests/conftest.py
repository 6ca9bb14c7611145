"""What holds for every test: none is timed, since a machine may be busy with other work."""

import os
import signal

# Each of several workers has one thread, as has what it starts: two that share two cores with two threads each wait for
# one another. Before anything imports a library that asks.
if "PYTEST_XDIST_WORKER" in os.environ:
    for library in ("OMP", "MKL", "OPENBLAS"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")

import pytest
from hypothesis import settings

# Signals mean what they do on a terminal, also where the tests are a background job, for which they are ignored.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports whose figures are blank, for tests of something else: drawing takes a quarter of the time."""
    blank = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"></svg>'
    monkeypatch.setattr("misfire.reporting.document.to_svg", lambda figure: blank)
    monkeypatch.setattr("misfire.reporting.document.to_png", lambda figure: b"blank")
