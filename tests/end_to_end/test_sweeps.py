"""Grids and sweeps: each cell once, one failing cell stops no other, a kill loses nothing."""

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands import Started, command
from tests.end_to_end.conftest import Place

pytestmark = [pytest.mark.end_to_end, pytest.mark.usefixtures("undrawn")]

WrittenSweep = Callable[..., Path]
GRID = {"subset": ["failures", "ambiguous"], "templates": ["generic"], "pooling": ["max", "mean", "embedding_mean"]}


def numbers(place: Place, experiment: str) -> dict[str, object]:
    """What came out, by cell; equal cells must have equal artifacts."""
    cells = place.cells(experiment)
    found = {cell.id: (cell.estimates, cell.records.to_csv(), cell.read("replicates.npz")) for cell in cells}
    assert len(found) == len(cells)
    return found


def run_ids(place: Place, experiment: str) -> list[str]:
    return [cell.key for cell in place.cells(experiment)]


def start(place: Place, sweep: Path) -> Started:
    return command(place.folder, ["sweep", str(sweep), *place.words_of("sweep")])


def test_a_grid_lists_its_cells_and_skips_them_again(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("ensemble", "-m", "subset=failures", "templates=generic,caption_only", "pooling=max,mean")
    assert place.misfire(*words) == 0
    assert "4 cells: 4 done\n" in capsys.readouterr().out
    before = run_ids(place, place.experiment)
    # With the caption alone every pooling is the same, and yet another question: four cells.
    assert len(before) == 4
    assert place.misfire(*words) == 0
    assert "4 cells: 4 finished before\n" in capsys.readouterr().out
    assert run_ids(place, place.experiment) == before


def test_a_larger_grid_runs_what_is_missing(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("ensemble", "-m", "subset=failures", "templates=generic")
    assert place.misfire(*words, "pooling=max,mean") == 0
    before = run_ids(place, place.experiment)
    capsys.readouterr()
    assert place.misfire(*words, "pooling=max,mean,embedding_mean") == 0
    assert "3 cells: 1 done, 2 finished before\n" in capsys.readouterr().out
    assert run_ids(place, place.experiment)[:2] == before


def test_a_sweep_answers_its_question(
    place: Place, written_sweep: WrittenSweep, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = written_sweep(
        {"subset": ["failures", "ambiguous"], "templates": ["generic"], "pooling": ["max"]},
        {"subset": ["failures"], "templates": ["generic"], "pooling": ["logmeanexp"], "pooling.tau": [0.01, 1]},
        name="answered",
        fixed={},
    )
    assert place.misfire("sweep", str(sweep)) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("A small sweep\nQuestion: Does it work?\nDecision rule: The interval")
    assert "4 cells: 4 done\n" in printed
    runs = place.store("answered").runs()
    (summary,) = [run for run in runs if run.data.tags["misfire.kind"] == "summary"]
    assert sorted(run.info.status for run in runs) == ["FINISHED"] * 5
    assert not any("mlflow.parentRunId" in run.data.tags for run in runs)
    experiment = place.store("answered").client.get_experiment(summary.info.experiment_id)
    assert "4 cells" in experiment.tags["mlflow.note.content"]
    assert (place.report / "answered" / "report.html").is_file()
    before = run_ids(place, "answered")
    assert place.misfire("sweep", str(sweep)) == 0
    assert "4 cells: 4 finished before\n" in capsys.readouterr().out
    assert run_ids(place, "answered") == before
    assert len(place.store("answered").runs()) == 5


def test_a_failing_cell_stops_no_other_and_is_named_with_its_command(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("ensemble", "-m", "subset=failures", "templates=generic", "pooling.tau=-1,1")
    assert place.misfire(*words) == 1
    shown = capsys.readouterr()
    assert "2 cells: 1 done, 1 failed\n" in shown.out
    assert "failed: tau must be a positive finite number, got -1.0;" in shown.err
    (again,) = [line.split() for line in shown.err.splitlines() if line.startswith("  again: ")]
    assert again[:3] == ["again:", "misfire", "ensemble"]
    assert {"pooling.tau=-1", "subset=failures", "templates=generic", f"paths.root={place.root}"} <= set(again)
    assert len(place.cells()) == 1


def test_the_printed_command_repeats_the_failure(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    import shlex

    from misfire.cli import main

    words = ("ensemble", "-m", "subset=failures", "templates=generic", "pooling.tau=-1,1", "ks=[1,5]")
    assert place.misfire(*words) == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("  again: misfire ")]
    assert main(shlex.split(line.removeprefix("  again: misfire "))) == 2
    assert "misfire: tau must be a positive finite number, got -1.0;" in capsys.readouterr().err


def test_a_grid_of_nothing_but_failures_lists_them_all(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.misfire("ensemble", "-m", "subset=failures", "templates=generic", "pooling.tau=-1,-2") == 1
    shown = capsys.readouterr()
    assert "2 cells: 2 failed\n" in shown.out
    assert shown.err.count("failed: tau must be a positive finite number") == 2
    assert shown.err.count("  again: misfire ensemble ") == 2


def test_a_killed_sweep_is_completed_to_the_same_numbers(
    place: Place, own_place: Place, written_sweep: WrittenSweep
) -> None:
    sweep = written_sweep(GRID, name=f"killed-{place.experiment}", fixed={})
    process = start(own_place, sweep)
    try:
        wait_for_finished_runs(own_place.root / "mlflow.db", process)
    finally:
        process.kill()
    finished = set(run_ids(own_place, sweep.stem))
    assert 1 <= len(finished) < 6
    assert own_place.misfire("sweep", str(sweep)) == 0
    assert finished <= set(run_ids(own_place, sweep.stem))
    assert place.misfire("sweep", str(sweep)) == 0
    assert numbers(own_place, sweep.stem) == numbers(place, sweep.stem)
    assert len(run_ids(own_place, sweep.stem)) == 6
    runs = own_place.store(sweep.stem).runs()
    assert sorted(run.info.status for run in runs) == ["FINISHED"] * 7


def wait_for_finished_runs(database: Path, process: Started) -> None:
    while process.code is None:
        with sqlite3.connect(database, timeout=10) as connection:
            (count,) = connection.execute("SELECT COUNT(*) FROM runs WHERE status = 'FINISHED'").fetchone()
        if count:
            return
        time.sleep(0.02)
    raise AssertionError(f"the sweep ended before it was killed: {process.err}")


def test_two_processes_share_a_sweep(own_place: Place, written_sweep: WrittenSweep) -> None:
    sweep = written_sweep(GRID, name="shared", fixed={})
    started = [start(own_place, sweep) for _ in range(2)]
    assert [process.end() for process in started] == [0, 0], [process.err for process in started]
    assert len(numbers(own_place, "shared")) == 6
    runs = own_place.store("shared").runs()
    assert sorted(run.data.tags["misfire.kind"] for run in runs) == ["ensemble"] * 6 + ["summary"]
    assert (own_place.report / "shared" / "report.html").is_file()
