"""Claims of cells: among the processes of one machine, and among machines that share a store."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from misfire.core.errors import UsageError
from misfire.tracking import MlflowLedger
from misfire.tracking.claims import Leases, held, place_of

CELL = "c" * 64


@pytest.fixture
def machine(shared_ledger: MlflowLedger) -> Callable[..., Leases]:
    """Makes the claims of a machine of a name, all in one experiment."""
    experiment = shared_ledger.for_experiment(uuid4().hex)

    def make(name: str, *, seconds_to_live: float = 60.0) -> Leases:
        return Leases(
            experiment.client,
            experiment.experiment_id,
            place=name,
            seconds_to_live=seconds_to_live,
            seconds_between_looks=0.05,
        )

    return make


def test_one_machine_holds_a_cell_and_another_passes_it_over(machine: Callable[..., Leases]) -> None:
    with machine("a").held(CELL) as ours:
        assert ours is not None
        with machine("b").held(CELL, wait=False) as theirs:
            assert theirs is None
        with machine("b").held("d" * 64, wait=False) as other:
            assert other is not None
    with machine("b").held(CELL, wait=False) as theirs:
        assert theirs is not None


def test_whoever_waits_says_for_whom_and_comes_next(machine: Callable[..., Leases]) -> None:
    told: list[str] = []
    order: list[str] = []

    def wait() -> None:
        with machine("b").held(CELL, tell=told.append) as run:
            assert run is not None
            order.append("b")

    with machine("a").held(CELL):
        waiting = threading.Thread(target=wait)
        waiting.start()
        deadline = time.monotonic() + 30
        while not told and time.monotonic() < deadline:
            time.sleep(0.05)
        order.append("a")
    waiting.join(20)
    assert order == ["a", "b"]
    assert len(told) == 1
    assert "at work on cell cccccccccccc." in told[0]


def test_many_machines_at_once_never_share(machine: Callable[..., Leases]) -> None:
    inside, most, done = 0, 0, []
    guard = threading.Lock()

    def work(name: str) -> None:
        nonlocal inside, most
        with machine(name).held(CELL) as run:
            assert run is not None
            with guard:
                inside += 1
                most = max(most, inside)
            time.sleep(0.02)
            with guard:
                inside -= 1
            done.append(name)

    workers = [threading.Thread(target=work, args=(f"machine {number}",)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert (most, len(done)) == (1, 4)


def test_a_dead_machine_is_waited_for_by_the_looker_own_clock(machine: Callable[..., Leases]) -> None:
    dead = machine("a")
    run = dead._make(CELL)  # claims, and never changes its claim again
    looker = machine("b", seconds_to_live=0.5)
    with looker.held(CELL, wait=False) as ours:
        assert ours is None
    time.sleep(0.6)
    with looker.held(CELL, wait=False) as ours:
        assert ours is not None
    assert dead._client.get_run(run.info.run_id).info.lifecycle_stage == "deleted"


def test_a_living_machine_is_not_taken_for_dead(machine: Callable[..., Leases]) -> None:
    with machine("a", seconds_to_live=0.8).held(CELL):
        looker = machine("b", seconds_to_live=0.8)
        for _ in range(4):
            with looker.held(CELL, wait=False) as ours:
                assert ours is None
            time.sleep(0.4)


def test_a_claim_of_the_own_place_is_of_a_dead_process(machine: Callable[..., Leases]) -> None:
    machine("a")._make(CELL)
    with machine("a").held(CELL, wait=False) as ours:
        assert ours is not None


def test_places_differ_by_their_folder(tmp_path: Path) -> None:
    assert place_of(tmp_path / "a") == place_of(tmp_path / "a")
    assert place_of(tmp_path / "a") != place_of(tmp_path / "b")


def test_locks_that_can_not_be_written_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(UsageError, match=r"locks must be written .*choose another folder with paths.root"),
        held(tmp_path / "file" / "a.lock", what="nothing"),
    ):
        pass


def test_work_that_is_refused_leaves_no_folder_that_was_made_for_its_lock(tmp_path: Path) -> None:
    def refused(lock_file: Path) -> None:
        with pytest.raises(UsageError, match="no query"), held(lock_file, what="a cell"):
            raise UsageError("no query")

    refused(tmp_path / "root" / "locks" / "cell.lock")
    assert list(tmp_path.iterdir()) == []
    with held(tmp_path / "root" / "locks" / "cell.lock", what="a cell"):
        pass
    refused(tmp_path / "root" / "locks" / "cell.lock")
    assert [path.name for path in tmp_path.rglob("*.lock")] == ["cell.lock"]
