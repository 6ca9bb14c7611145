import errno
import json
import multiprocessing
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misfire.annotation import Action, AnnotationEvent, LabelLog, log_path
from misfire.core.errors import UsageError

SET = "f" * 64


def event(name: str, query_id: int = 7, failure_set: str = SET) -> AnnotationEvent:
    return AnnotationEvent(
        Action.LABEL, name, query_id, "t", failure_set, "2026-01-01T00:00:00+00:00", 0, category="Object"
    )


def always(made: AnnotationEvent) -> Callable[[tuple[AnnotationEvent, ...]], AnnotationEvent]:
    return lambda _: made


def write(log: LabelLog, *names: str) -> None:
    for name in names:
        log.append(name, always(event(name)))


def ids(log: LabelLog) -> list[str]:
    return [one.id for one in log.read().events]


@pytest.fixture
def log(tmp_path: Path) -> LabelLog:
    return LabelLog(log_path(tmp_path, "ann"), SET)


def test_what_was_appended_is_there_for_whoever_reads(log: LabelLog) -> None:
    assert log.read().events == ()
    write(log, "a", "b", "c")
    again = LabelLog(log.path, SET)
    assert ids(again) == ids(log) == ["a", "b", "c"]
    assert [one.sequence for one in again.read().events] == [1, 2, 3]
    lines = log.path.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["label"] * 3


def test_an_event_is_on_disk_before_anybody_is_told(log: LabelLog, monkeypatch: pytest.MonkeyPatch) -> None:
    write(log, "a")
    flushed: list[bytes] = []
    real = os.fsync

    def watched(descriptor: int) -> None:
        real(descriptor)
        flushed.append(log.path.read_bytes())

    monkeypatch.setattr(os, "fsync", watched)
    write(log, "b")
    assert flushed == [log.path.read_bytes()]


def test_an_id_counts_once_and_is_answered_with_what_is_there(log: LabelLog) -> None:
    write(log, "a", "b")
    before = log.path.read_bytes()
    answer = log.append("a", always(event("a", query_id=99)))
    assert answer is not None
    assert (answer.query_id, answer.sequence) == (7, 1)
    assert LabelLog(log.path, SET).append("b", always(event("b", query_id=99))) == log.read().events[1]
    assert log.path.read_bytes() == before


def test_nothing_is_written_where_nothing_is_decided(log: LabelLog) -> None:
    assert log.append("a", lambda events: None) is None
    assert not log.path.exists()


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_a_torn_line_costs_itself_alone(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    log = LabelLog(log_path(tmp_path_factory.mktemp("torn"), "ann"), SET)
    write(log, "a", "b", "c")
    whole = log.path.read_bytes()
    kept = data.draw(st.integers(0, len(whole)))
    log.path.write_bytes(whole[:kept] + data.draw(st.sampled_from([b"", b"\0\0\0", b"\xff"])))
    # By hand: a line survives where all of its text does, with its end or without, and nothing hangs on it.
    torn = log.path.read_bytes()
    survivors = []
    for line in torn.split(b"\n"):
        try:
            survivors.append(json.loads(line)["id"])
        except ValueError:
            continue
    for reader in (log, LabelLog(log.path, SET)):
        assert ids(reader) == survivors
    num_damaged = sum(line != b"" for line in torn.split(b"\n")) - len(survivors)
    assert len(log.read().damaged_lines) == num_damaged
    write(log, "d")
    assert ids(LabelLog(log.path, SET)) == ids(log) == [*survivors, "d"]
    assert log.path.read_bytes().startswith(torn)
    assert len(log.read().damaged_lines) == num_damaged


def test_a_full_disk_loses_nothing_and_says_so(log: LabelLog, monkeypatch: pytest.MonkeyPatch) -> None:
    write(log, "a")
    real = os.write
    room = [10]

    def half_full(descriptor: int, data: bytes) -> int:
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data[: room.pop()])

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", half_full)
        with pytest.raises(OSError, match="No space left"):
            write(log, "b")
    assert ids(log) == ["a"]
    assert log.read().damaged_lines == (2,)
    write(log, "b", "c")
    assert ids(LabelLog(log.path, SET)) == ["a", "b", "c"]


def test_two_readers_of_one_file_see_each_other(log: LabelLog) -> None:
    other = LabelLog(log.path, SET)
    for number in range(4):
        write([log, other][number % 2], f"e{number}")
    assert ids(log) == ids(other) == ["e0", "e1", "e2", "e3"]


def append_many(path: Path, name: str) -> None:
    log = LabelLog(path, SET)
    for number in range(25):
        log.append(f"{name}{number}", always(event(f"{name}{number}")))


def test_processes_at_once_lose_and_double_nothing(log: LabelLog) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=append_many, args=(log.path, name)) for name in "abab"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert sorted(ids(log)) == sorted(f"{name}{number}" for name in "ab" for number in range(25))
    assert [one.sequence for one in log.read().events] == list(range(1, 51))
    assert log.read().damaged_lines == ()


def test_a_file_that_was_replaced_is_read_anew(log: LabelLog) -> None:
    write(log, "a", "b")
    first = log.path.read_bytes().splitlines(keepends=True)[0]
    log.path.write_bytes(first)
    assert ids(log) == ["a"]
    log.path.unlink()
    assert ids(log) == []


def test_a_log_of_another_failure_set_is_refused(log: LabelLog) -> None:
    write(log, "a")
    for refused in (lambda: LabelLog(log.path, "0" * 64).read(), lambda: write(LabelLog(log.path, "0" * 64), "b")):
        with pytest.raises(UsageError, match=r"must be of failure set 000000000000, got an event of ffffffffffff;"):
            refused()
    log.path.write_bytes(log.path.read_bytes() + replace(event("b"), failure_set="1").to_line().rstrip())
    with pytest.raises(UsageError, match="got an event of 1;"):
        log.read()


@pytest.mark.parametrize("name", ["", "../ann", "a/b", "ann.jsonl", ".ann"])
def test_a_name_that_is_no_file_is_refused(name: str, tmp_path: Path, invented: ModuleType) -> None:
    with pytest.raises(UsageError, match="an annotator's name must be letters"):
        log_path(tmp_path, name)
