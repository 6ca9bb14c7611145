"""Running cells: one, or many that several processes share."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, final

from misfire.cells.cell import Cell, Outcome
from misfire.cells.ledger import Ledger
from misfire.cells.logged import Logged
from misfire.core.errors import MisfireError
from misfire.core.progress import say
from misfire.core.pulse import doing, while_doing
from misfire.core.words import counted

if TYPE_CHECKING:
    from misfire.cells.lab import Lab

_MOST_COMPARED = 256  # cells among which the next one is chosen; in a larger grid, the rest comes later


@final
class Status(StrEnum):
    """How a cell that was asked for ended."""

    DONE = "done"
    FINISHED_BEFORE = "finished before"
    FAILED = "failed"


@final
@dataclass(frozen=True)
class Job:
    """A cell that is asked for, before it is built.

    Args:
        words: The words of the command line that ask for it alone, its verb first.
        build: Makes the cell; whatever it refuses fails this job and no other.
        config: The composed configuration as YAML, asked for when the cell is saved.
    """

    words: tuple[str, ...]
    build: Callable[[], Cell]
    config: Callable[[], str]


@final
@dataclass(frozen=True)
class Ended:
    """How a job ended: its run's name or its error, the words that repeat it, and the exit code that it would have."""

    status: Status
    text: str
    words: tuple[str, ...] = ()
    code: int = 0
    id: str = ""

    @property
    def line(self) -> str:
        """One line for the user."""
        return f"{self.status:>15}  {self.text}"


def run_cell(
    cell: Cell, lab: "Lab", ledger: Ledger, *, config: Callable[[], str], words: Sequence[str] = ()
) -> tuple[Logged, bool]:
    """The finished cell, run now unless the ledger holds it; and whether it was.

    Args:
        cell: What is asked for.
        lab: Where it runs.
        ledger: Where it is kept.
        config: The composed configuration as YAML, asked for when the cell is saved.
        words: The words of the command line that ask for it alone, its verb first.

    Raises:
        MisfireError: If its input or stored data is refused; nothing is logged then.
    """
    with ledger.claim(cell.id) as claim:
        if claim.finished is not None:
            return claim.finished, False
        with while_doing(f"Running {cell.name}"):
            return ledger.save(cell, _run(cell, lab, ledger), config=config(), words=words), True


def run_jobs(
    jobs: Sequence[Job], lab: "Lab", ledger: Ledger, *, when_ended: Callable[[Ended], None] | None = None
) -> list[Ended]:
    """Run what isn't finished, share it with whoever else works on it, and say how each job ended.

    What is finished is found in one read. Of the others, one that another process holds is passed over for the next
    free one, and looked at again when the rest is done: issued in N terminals, a grid is shared by N processes, each of
    which keeps to cells that are alike as long as there are any. A job that fails stops no other.

    Args:
        jobs: What is asked for, in order.
        lab: Where cells run.
        ledger: Where they are kept.
        when_ended: Told of each as it ends; by default its line is said.

    Returns:
        One ending a job, in the jobs' order.
    """
    tell = when_ended or (lambda ended: say(ended.line))
    ended: dict[int, Ended] = {}

    def end(place: int, one: Ended) -> None:
        ended[place] = one
        tell(one)

    built: dict[int, Cell] = {}
    doing(f"Preparing {counted(len(jobs), 'cell')}")
    for place, job in enumerate(jobs):
        try:
            built[place] = job.build()
            _ = built[place].id, built[place].label()  # what can't be told from its neighbours fails here, alone
        except Exception as error:
            built.pop(place, None)
            end(place, _failed(job, error))
    finished = ledger.finished({cell.id for cell in built.values()})
    waiting = []
    for place, cell in built.items():
        if cell.id in finished:
            end(place, _ended(Status.FINISHED_BEFORE, finished[cell.id], jobs[place]))
        else:
            waiting.append(place)
    for place, one in _work_off(waiting, jobs, built, lab, ledger):
        end(place, one)
    return [ended[place] for place in range(len(jobs))]


def _work_off(
    waiting: list[int], jobs: Sequence[Job], built: dict[int, Cell], lab: "Lab", ledger: Ledger
) -> Iterator[tuple[int, Ended]]:
    must_wait = False
    run_last: Cell | None = None
    seen_held: Cell | None = None
    while waiting:
        passed_over = []
        untried = list(waiting)
        while untried:
            place = _next(untried, built, run_last, seen_held)
            untried.remove(place)
            cell, job = built[place], jobs[place]
            try:
                with ledger.claim(cell.id, wait=must_wait) as claim:
                    if not claim.is_held:
                        passed_over.append(place)
                        seen_held = cell
                        continue
                    # Whoever was waited for may have left more than this one: the others are tried without waiting.
                    must_wait = False
                    if claim.finished is not None:
                        one = _ended(Status.FINISHED_BEFORE, claim.finished, job)
                    else:
                        with while_doing(f"Running {cell.name}"):
                            run_last = cell
                            outcome = _run(cell, lab, ledger)
                            saved = ledger.save(cell, outcome, config=job.config(), words=job.words)
                        one = _ended(Status.DONE, saved, job)
            except Exception as error:
                # A defect of ours or of a library in one cell must not take the others with it.
                one = _failed(job, error)
            yield place, one
        must_wait = len(passed_over) == len(waiting)
        waiting = sorted(passed_over)


def _next(untried: list[int], built: Mapping[int, Cell], run_last: Cell | None, seen_held: Cell | None) -> int:
    """The cell to try next: in order, until another process is met.

    From then on each process keeps to cells like its last one, since cells that are alike share what is computed once a
    process; one that has run none begins with a cell unlike the one that it met another process at.
    """
    near = untried[:_MOST_COMPARED]
    if seen_held is None:
        return near[0]
    if run_last is None:
        held = seen_held.label()
        return min(near, key=lambda place: _likeness(built[place], held))
    own = run_last.label()
    return max(near, key=lambda place: _likeness(built[place], own))


def _likeness(cell: Cell, label: Mapping[str, str]) -> tuple[bool, ...]:
    """Which parts of a label a cell shares, the first of them weighing most."""
    own = cell.label()
    return tuple(own.get(name) == value for name, value in label.items())


def _run(cell: Cell, lab: "Lab", ledger: Ledger) -> Outcome:
    return cell.run(lab.watched_by(partial(ledger.watch, cell)))


def _ended(status: Status, logged: Logged, job: Job) -> Ended:
    return Ended(status, logged.name, job.words, id=logged.id)


def _failed(job: Job, error: Exception) -> Ended:
    if isinstance(error, MisfireError):
        return Ended(Status.FAILED, str(error), job.words, error.exit_code)
    # Listed by its type: it isn't the user's to mend.
    return Ended(Status.FAILED, f"{type(error).__name__}: {' '.join(str(error).split())}", job.words, 1)
