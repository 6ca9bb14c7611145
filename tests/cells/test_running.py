from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import pytest

from misfire.cells import Cell, Ended, Estimate, Estimates, Job, Lab, Outcome, Status, run_cell, run_jobs
from misfire.core.errors import IntegrityError, UsageError
from misfire.embeddings import EmbeddingStore, TrainerSettings
from tests.cells.memory_ledger import MemoryLedger

RUN: list[int] = []


@dataclass(frozen=True)
class Square(Cell):
    number: int
    error: Exception | None = field(default=None, compare=False)
    kind: ClassVar[str] = "square"

    @classmethod
    def configured(cls, settings: Any) -> "Square":
        return cls(settings["number"])

    def identity(self) -> Mapping[str, int]:
        return {"number": self.number}

    def label(self) -> Mapping[str, str]:
        return {"number": str(self.number)}

    def run(self, lab: Lab) -> Outcome:
        RUN.append(self.number)
        if self.error is not None:
            raise self.error
        records = pd.DataFrame({"unit": [0, 1], "value": [self.number**2] * 2})
        return Outcome(records, Estimates.of([Estimate("square", float(self.number**2), n=2, unit="count")]), {"a": 1})

    @classmethod
    def headline(cls, estimates: Estimates, facts: Mapping[str, Any]) -> str:
        return f"{estimates.at('square').value:g}"


@pytest.fixture(autouse=True)
def _forget() -> None:
    RUN.clear()


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path, EmbeddingStore(tmp_path / "embeddings"), TrainerSettings())


def job(cell: Cell) -> Job:
    return Job((f"number={cell.label()['number']}",), lambda: cell, lambda: "number: 1\n")


def test_a_finished_cell_is_told_and_not_run_again(lab: Lab) -> None:
    ledger = MemoryLedger()
    first, is_new = run_cell(Square(3), lab, ledger, config=lambda: "x: 1\n")
    again, is_new_again = run_cell(Square(3), lab, ledger, config=lambda: "x: 1\n")
    assert (is_new, is_new_again, RUN) == (True, False, [3])
    assert again.name == first.name == "3 · 9"
    assert (again.label, again.facts, again.config) == ({"number": "3"}, {"a": 1}, "x: 1\n")
    assert again.estimates.at("square").value == 9
    assert again.records["value"].tolist() == [9, 9]


def test_many_are_run_in_order_and_one_read_finds_the_finished(lab: Lab) -> None:
    ledger, told = MemoryLedger(), []
    run_cell(Square(2), lab, ledger, config=str)
    ended = run_jobs([job(Square(n)) for n in (1, 2, 3)], lab, ledger, when_ended=told.append)
    assert [one.status for one in ended] == [Status.DONE, Status.FINISHED_BEFORE, Status.DONE]
    assert [one.text for one in ended] == ["1 · 1", "2 · 4", "3 · 9"]
    assert RUN == [2, 1, 3]
    assert ledger.num_reads == 1
    assert sorted(map(repr, told)) == sorted(map(repr, ended))


def test_a_cell_that_is_asked_for_twice_is_run_once(lab: Lab) -> None:
    ended = run_jobs([job(Square(4)), job(Square(4))], lab, MemoryLedger(), when_ended=lambda one: None)
    assert [one.status for one in ended] == [Status.DONE, Status.FINISHED_BEFORE]
    assert RUN == [4]


def test_what_others_hold_is_passed_over_and_looked_at_again(lab: Lab) -> None:
    ledger = MemoryLedger(held={Square(1).id, Square(3).id})
    ended = run_jobs([job(Square(n)) for n in (1, 2, 3, 4)], lab, ledger, when_ended=lambda one: None)
    assert RUN == [2, 4, 1, 3]
    assert [one.status for one in ended] == [Status.DONE] * 4


@dataclass(frozen=True)
class Coloured(Square):
    colour: str = "red"

    def identity(self) -> Mapping[str, int]:
        return {**super().identity(), self.colour: 1}

    def label(self) -> Mapping[str, str]:
        return {"colour": self.colour, **super().label()}


def test_processes_that_meet_keep_to_cells_that_are_alike(lab: Lab) -> None:
    """What cells of a colour share is computed once a process, if each process has a colour of its own."""
    grid = [Coloured(2 * n + (colour == "blue"), colour=colour) for n in range(3) for colour in ("red", "blue")]

    def run_beside(*held: Cell, among: Sequence[Cell] = grid) -> list[int]:
        RUN.clear()
        run_jobs(
            [job(cell) for cell in among],
            lab,
            MemoryLedger(held={cell.id for cell in held}),
            when_ended=lambda one: None,
        )
        return list(RUN)

    assert run_beside() == [0, 1, 2, 3, 4, 5]
    assert run_beside(grid[0]) == [1, 3, 5, 2, 4, 0]
    assert run_beside(grid[1]) == [0, 2, 4, 3, 5, 1]
    assert run_beside(grid[0], grid[1]) == [2, 4, 3, 5, 1, 0]
    by_colour = [*grid[::2], *grid[1::2]]
    assert run_beside(grid[0], among=by_colour) == [1, 3, 5, 2, 4, 0]


def test_what_another_process_finished_meanwhile_is_not_run(lab: Lab) -> None:
    ledger = MemoryLedger()

    class Meanwhile(MemoryLedger):
        def finished(self, ids: Any) -> Mapping[str, Any]:
            return {}

    other = Meanwhile(files=ledger.files, logged=ledger.logged)
    run_cell(Square(5), lab, ledger, config=str)
    ended = run_jobs([job(Square(5))], lab, other, when_ended=lambda one: None)
    assert [one.status for one in ended] == [Status.FINISHED_BEFORE]
    assert RUN == [5]


def test_a_failing_job_stops_no_other_and_says_what_repeats_it(lab: Lab) -> None:
    def refuse() -> Cell:
        raise UsageError("number must be small, got 9; take 3.")

    jobs = [
        Job(("number=9",), refuse, str),
        job(replace(Square(1), error=IntegrityError("the store is damaged."))),
        job(replace(Square(2), error=ZeroDivisionError("division\nby zero"))),
        job(Square(3)),
    ]
    ledger = MemoryLedger()
    ended = run_jobs(jobs, lab, ledger, when_ended=lambda one: None)
    assert ended[:3] == [
        Ended(Status.FAILED, "number must be small, got 9; take 3.", ("number=9",), 2),
        Ended(Status.FAILED, "the store is damaged.", ("number=1",), 3),
        Ended(Status.FAILED, "ZeroDivisionError: division by zero", ("number=2",), 1),
    ]
    assert ended[3].status is Status.DONE
    assert [one.name for one in ledger.load("square")] == ["3 · 9"]


def test_a_stop_by_the_user_is_no_failure_of_a_cell(lab: Lab) -> None:
    stopped = Square(1, error=KeyboardInterrupt())  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        run_jobs([job(stopped)], lab, MemoryLedger(), when_ended=lambda one: None)


def test_the_id_follows_from_kind_and_identity_alone() -> None:
    class Cube(Square):
        kind = "cube"

    assert Square(2).id == replace(Square(2), error=ValueError()).id
    assert len({Square(2).id, Square(3).id, Cube(2).id}) == 3
