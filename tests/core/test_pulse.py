import time
from collections.abc import Callable

import pytest

from misfire.core import progress, pulse

Heard = Callable[[str], None]


@pytest.fixture
def until(capsys: pytest.CaptureFixture[str]) -> Heard:
    """Waits for a line with a beginning, however long a busy machine takes to say it."""

    def wait(beginning: str) -> None:
        end = time.monotonic() + 60
        while not any(line.startswith(beginning) for line in capsys.readouterr().err.splitlines()):
            assert time.monotonic() < end, f"nothing begins with {beginning}"
            time.sleep(0.005)

    return wait


def test_silence_is_broken_by_a_line_that_says_what_is_waited_for(until: Heard) -> None:
    with pulse.alive("Loading", first=0.0, silence=60.0):
        until("Loading ...")
    with pulse.alive("Loading", first=0.0, silence=0.01):
        until("Loading: ")
        with pulse.while_doing("Counting"):
            until("Counting")
        until("Loading")


def test_what_is_quick_or_talks_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with pulse.alive("Loading", first=60.0, silence=60.0):
        for _ in range(3):
            progress.say("talking")
    assert set(capsys.readouterr().err.splitlines()) == {"talking"}


def test_a_server_is_waited_for_only_until_it_answers(until: Heard, capsys: pytest.CaptureFixture[str]) -> None:
    with pulse.alive("Starting", first=0.0, silence=0.01):
        until("Starting")
        pulse.at_rest()
        time.sleep(0.05)  # a line that is being said
        capsys.readouterr()
        time.sleep(0.1)
    assert capsys.readouterr().err == ""


def test_tracked_work_says_its_name(until: Heard) -> None:
    with pulse.alive("Loading", first=0.0, silence=0.01):
        for _ in progress.track(range(1), total=1, what="encoding images"):
            until("encoding images")


def test_no_silence_is_longer_than_three_seconds() -> None:
    assert pulse.MOST_SILENCE <= 3.0
    assert progress._SECONDS_BETWEEN_LINES <= 3.0
