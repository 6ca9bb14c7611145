import time

import pytest

from misfire.core import progress, pulse


def test_silence_is_broken_by_a_line_that_says_what_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pulse.alive("Loading", first=0.02, silence=0.1):
        time.sleep(0.25)
        with pulse.while_doing("Counting"):
            time.sleep(0.25)
        time.sleep(0.02)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Loading ..."
    assert any(line.startswith("Counting") for line in lines)
    assert 3 <= len(lines) <= 8


def test_what_is_quick_or_talks_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with pulse.alive("Loading", first=0.2, silence=0.2):
        for _ in range(8):
            progress.say("talking")
            time.sleep(0.03)
    assert set(capsys.readouterr().err.splitlines()) == {"talking"}


def test_a_server_is_waited_for_only_until_it_answers(capsys: pytest.CaptureFixture[str]) -> None:
    with pulse.alive("Starting", first=0.01, silence=0.4):
        time.sleep(0.2)
        pulse.at_rest()
        time.sleep(0.5)
    assert capsys.readouterr().err == "Starting ...\n"


def test_tracked_work_says_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pulse.alive("Loading", first=0.05, silence=0.05):
        for _ in progress.track(range(2), total=2, what="encoding images"):
            time.sleep(0.12)
    assert any(line.startswith("encoding images") for line in capsys.readouterr().err.splitlines())


def test_no_silence_is_longer_than_three_seconds() -> None:
    assert pulse.MOST_SILENCE <= 3.0
    assert progress._SECONDS_BETWEEN_LINES <= 3.0
