"""Studies: killed and begun again, shared by processes, read once on test, and never on it before."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from misfire.cells import Lab, Outcome
from misfire.cli import main
from tests.commands import Started, command
from tests.end_to_end.conftest import Place
from tests.end_to_end.studies import Settled, WrittenSearch, finished, journal, pruned_runs, settled, sides, world

pytestmark = [pytest.mark.end_to_end, pytest.mark.usefixtures("undrawn")]


def start(place: Place, search: Path) -> Started:
    return command(place.folder, ["search", str(search), *place.words_of("search")])


def test_a_killed_and_resumed_study_is_an_uninterrupted_one(
    own_place: Place, written_search: WrittenSearch, tmp_path: Path
) -> None:
    killed = written_search("killed")
    process = start(own_place, killed)
    wait_for_trials(journal(own_place, "killed"), 3, process)
    process.kill()
    assert 3 <= len(settled(own_place, "killed")) < 8
    assert own_place.misfire("search", str(killed)) == 0
    whole = written_search("whole")
    assert own_place.misfire("search", str(whole)) == 0
    assert settled(own_place, "killed") == settled(own_place, "whole")
    assert sorted(settled(own_place, "killed")) == list(range(8))
    for name in ("killed", "whole"):
        found = sides(own_place, name)
        assert set(found["dev"]) == {cell_id for _, _, cell_id in finished(own_place, name).values()}
        assert set(found["dev"]) | set(pruned_runs(own_place, name)) == {
            told["cell"] for told in settled(own_place, name).values()
        }
        assert len(found["test"]) == 1


def wait_for_trials(path: Path, wanted: int, process: Started) -> None:
    """Until so many values were told: in Optuna's journal, operation 6 with the state of a settled trial."""
    deadline = time.monotonic() + 120
    while process.code is None and time.monotonic() < deadline:
        lines = path.read_text().split("\n")[:-1] if path.is_file() else []
        entries = [json.loads(line) for line in lines]
        if sum(entry["op_code"] == 6 and entry.get("state") in (1, 2) for entry in entries) >= wanted:
            return
        time.sleep(0.01)
    raise AssertionError(f"the search ended before it was killed: {process.err}")


def test_four_processes_lose_and_double_no_trial(own_place: Place, written_search: WrittenSearch) -> None:
    tau = {"low": 0.001, "high": 1, "log": True, "when": {"pooling": "logmeanexp"}}
    search = written_search("shared", space={"pooling": ["max", "mean", "logmeanexp"], "pooling.tau": tau})
    for path in own_place.root.glob("mlflow.db*"):
        path.unlink()  # the first touch of a new database is shared too
    started = [start(own_place, search) for _ in range(4)]
    assert [process.end() for process in started] == [0] * 4, "\n".join(process.err for process in started)
    trials = settled(own_place, "shared")
    assert sorted(trials) == list(range(8))
    found = sides(own_place, "shared")
    assert set(found["dev"]) | set(pruned_runs(own_place, "shared")) == {told["cell"] for told in trials.values()}
    assert len(found["test"]) == 1
    runs = own_place.store("shared").runs()
    assert sorted({run.info.status for run in runs}) == ["FINISHED"]
    assert [run.data.tags["misfire.kind"] for run in runs].count("summary") == 1
    assert all(f"8 trials of shared: {counts(trials)}\n" in process.out for process in started)


def counts(trials: Settled) -> str:
    num_finished = sum(told["values"] is not None for told in trials.values())
    num_pruned = len(trials) - num_finished
    return f"{num_finished} finished" + (f", {num_pruned} pruned" if num_pruned else "")


def test_nothing_but_dev_images_is_asked_about_until_the_winner_is_known(
    place: Place, written_search: WrittenSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every ranking is overheard: whose queries it asks, and how many trials were finished by then."""
    from misfire.methods.retrieval.baseline import baseline
    from misfire.methods.retrieval.ensemble import ensembling, label_noise
    from misfire.methods.retrieval.search import bounding
    from misfire.methods.retrieval.split import dev_queries
    from misfire.methods.retrieval.split import test_queries as held_back

    asked: list[tuple[set[int], int]] = []
    name = f"overheard-{place.experiment}"

    def overhear(original: Callable[..., object]) -> Callable[..., object]:
        def ranked(queries: object, gallery: object, targets: np.ndarray, *rest: object, **named: object) -> object:
            told = len(settled(place, name)) if journal(place, name).is_file() else 0
            asked.append((set(np.asarray(targets).tolist()), told))
            assert len(gallery) == 200  # type: ignore[arg-type]  # all images, on either side
            return original(queries, gallery, targets, *rest, **named)

        return ranked

    for module in (baseline, ensembling, label_noise, bounding):
        for function in (
            "target_ranks",
            "target_outcomes",
            "ensemble_outcomes",
            "ensemble_outcomes_beside_prompts",
        ):
            if hasattr(module, function):
                monkeypatch.setattr(module, function, overhear(getattr(module, function)))
    search = written_search(name, objectives=["gain"], walk="grid", num_trials=6, seed=5, dev_share=0.25)
    assert place.misfire("search", str(search)) == 0

    dataset = world(place)
    sides = [make(dataset, dev_share=0.25, seed=5) for make in (dev_queries, held_back)]
    dev, test = (set(dataset.targets[side.positions].tolist()) for side in sides)
    assert (len(dev), len(test)) == (50, 150)
    before, after = ([targets for targets, told in asked if (told < 6) == is_early] for is_early in (True, False))
    assert len(before) >= 6
    assert all(targets <= dev for targets in before)
    assert after  # the winner
    assert all(targets <= test for targets in after)
    asked.clear()
    assert place.misfire("search", str(search)) == 0
    assert asked == []


def test_a_search_of_test_queries_is_refused(
    place: Place, written_search: WrittenSearch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from misfire.methods.retrieval.split import test_queries as held_back

    dataset = world(place)
    ids = [dataset.captions[position].id for position in held_back(dataset, dev_share=0.5, seed=42).positions]
    (tmp_path / "held.txt").write_text("\n".join(map(str, ids)))
    name = f"stolen-{place.experiment}"
    search = written_search(name)
    words = ("subset=file", f"subset.path={tmp_path / 'held.txt'}")
    assert place.misfire("search", str(search), *words) == 2
    assert "subset held must have dev queries, got 0 of its 500 among the captions of 100 of 200 images" in (
        capsys.readouterr().err
    )
    for word in ("split=test", "side=test", "hydra.sweeper.side=test", "search.side=test", "test=true"):
        assert place.misfire("search", str(search), word) == 2
        assert capsys.readouterr().err.startswith("misfire: ")
    assert not journal(place, name).exists()


def test_what_is_searched_cannot_be_fixed(
    place: Place, written_search: WrittenSearch, capsys: pytest.CaptureFixture[str]
) -> None:
    search = written_search("fixed")
    for word in ("pooling=max", "pooling.tau=1", "templates=caption_only"):
        assert place.misfire("search", str(search), word) == 2
        assert f"what a sweep varies can't be fixed beside it, got {word};" in capsys.readouterr().err
    for word, said in (
        ("num_trials=0", "num_trials must be a whole number from 1, got 0;"),
        ("ks=[5]", "ks must hold 1"),
    ):
        assert place.misfire("search", str(search), word) == 2
        assert said in capsys.readouterr().err


def test_a_search_tells_what_it_found_and_goes_on_where_it_ended(
    place: Place, written_search: WrittenSearch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"told-{place.experiment}"
    search = written_search(name, walk="random", num_trials=4)
    assert place.misfire("search", str(search)) == 0
    first = capsys.readouterr()
    assert first.out.startswith("A small search\nQuestion: Does it work?\nDecision rule: ")
    assert "On dev no other trial is better in both than:" in first.out
    assert f"4 trials of {name}: 4 finished\n" in first.out
    assert place.misfire("search", str(search), "num_trials=6") == 0
    again = capsys.readouterr()
    told = settled(place, name)
    assert f"6 trials of {name}: {counts(told)}\n" in again.out
    assert [line.split()[0] for line in again.err.splitlines() if " · gain " in line] == ["4", "5"]
    folder = place.report / name
    report = (folder / "report.md").read_text()
    assert "## In plain words" in report
    assert "pictures that had no part in choosing it" in report
    (answer,) = [line.removeprefix("Answer: ") for line in again.out.splitlines() if line.startswith("Answer: ")]
    assert f"**Answer.** {answer}" in report
    table = pd.read_csv(folder / "tables" / "trials.csv")
    assert table.trial.tolist() == list(range(6))
    assert [tuple(row) for row in table[["gain", "broken"]].to_numpy()] == [
        told[number]["values"] or told[number]["bound"] for number in range(6)
    ]
    assert {path.name for path in (folder / "figures").glob("*.png")} >= {"search_history.png", "pareto_front.png"}
    store = place.store(name)
    note = store.client.get_experiment(store.experiment_id).tags["mlflow.note.content"]
    assert note.startswith(answer)
    written = (folder / "report.html").stat().st_mtime_ns
    assert place.misfire("search", str(search), "num_trials=6") == 0
    assert capsys.readouterr().out == again.out
    assert (folder / "report.html").stat().st_mtime_ns == written, "what nothing was added to isn't written again"
    assert main(["report", str(search), *place.words_of("search")]) == 0
    assert str(folder / "report.html") in capsys.readouterr().out
    assert (folder / "report.html").stat().st_mtime_ns > written


def test_a_trial_that_fails_stops_no_other_and_is_named(
    place: Place, written_search: WrittenSearch, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from misfire.methods.retrieval import EnsembleCell

    original = EnsembleCell.run

    def unlucky(cell: EnsembleCell, lab: Lab) -> Outcome:
        if cell.pooling.describe()["pooling"] == "mean":
            raise MemoryError("no room")
        return original(cell, lab)

    name = f"failing-{place.experiment}"
    search = written_search(name, walk="grid", space={"pooling": ["max", "mean"]}, objectives=["net"])
    with monkeypatch.context() as broken:
        broken.setattr(EnsembleCell, "run", unlucky)
        assert place.misfire("search", str(search)) == 1
    shown = capsys.readouterr()
    assert f"2 trials of {name}: 1 finished, 1 failed\n" in shown.out
    assert "MemoryError: no room" in shown.err
    assert (
        "Answer: No answer yet: 1 of 2 trials are finished, and the winner is read on test when all are." in shown.out
    )
    assert sides(place, name)["test"] == []
    assert place.misfire("search", str(search)) == 0
    assert f"2 trials of {name}: 2 finished\n" in capsys.readouterr().out
    assert len(sides(place, name)["test"]) == 1


@pytest.mark.parametrize(("sampler", "objectives"), [("tpe", ["gain", "broken"]), ("grid", ["net"])])
def test_pruning_changes_nothing_but_the_cost(
    place: Place, written_search: WrittenSearch, sampler: str, objectives: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The same settings, bounds, front, winner and p-values as of a study whose every trial is run to its end."""
    names = {prune: f"prune-{prune}-{place.experiment}" for prune in (True, False)}
    for prune, name in names.items():
        search = written_search(name, walk=sampler, objectives=objectives, num_trials=10, prune=prune)
        assert place.misfire("search", str(search)) == 0
    shown = capsys.readouterr().out
    cut, whole = (settled(place, names[prune]) for prune in (True, False))
    assert f"10 trials of {names[True]}: {counts(cut)}\n" in shown
    assert f"10 trials of {names[False]}: 10 finished\n" in shown
    assert all(told["values"] is not None for told in whole.values())
    num_pruned = sum(told["values"] is None for told in cut.values())
    assert num_pruned >= 2
    for number, told in cut.items():
        assert told == {**whole[number], "values": told["values"]}
        assert told["values"] in (None, whole[number]["values"])
        assert (told["values"] is None) == (told["bound"] is not None)
    signs = np.where([name != "broken" for name in objectives], 1, -1)
    for told in whole.values():
        if told["bound"] is not None:
            assert (signs * np.subtract(told["bound"], told["values"]) >= 0).all()  # type: ignore[call-overload]

    verdicts, fronts = (
        [(place.report / names[prune] / "tables" / f"{table}.csv") for prune in (True, False)]
        for table in ("verdict", "front")
    )
    assert verdicts[0].read_bytes() == verdicts[1].read_bytes()
    if len(objectives) > 1:
        assert fronts[0].read_bytes() == fronts[1].read_bytes()
    answers = [line for line in shown.splitlines() if line.startswith("Answer: ")]
    assert answers[0] == f"{answers[1]} {num_pruned} of 10 trials were cut short by a bound that others beat."
    table = pd.read_csv(place.report / names[True] / "tables" / "trials.csv")
    assert table["is_pruned"].tolist() == [cut[number]["values"] is None for number in range(10)]
    assert set(pruned_runs(place, names[True])) == {told["cell"] for told in cut.values() if told["values"] is None}


def test_a_cell_that_was_cut_short_is_run_whole_where_it_is_asked_for(
    place: Place, written_search: WrittenSearch
) -> None:
    """A pruned cell isn't a finished one: nothing reads it as such, and whoever wants its values runs it."""
    name = f"cut-{place.experiment}"
    search = written_search(name, num_trials=8)
    assert place.misfire("search", str(search)) == 0
    cut = pruned_runs(place, name)
    assert cut
    store = place.store(name)
    assert not store.finished(cut)
    assert not {cell.id for cell in place.cells(name)} & set(cut)
    assert place.misfire("report", f"tracking.experiment={name}") == 0
    before = settled(place, name)
    bounds = {told["cell"]: told["bound"] for told in before.values()}
    for cell in (cell for cell in place.cells(name) if cell.kind == "beaten"):
        records = cell.records
        assert set(records["part"]) == {"subset"}
        gain = 100 * ((records["ensembled_rank"] <= 1).mean() - (records["baseline_rank"] <= 1).mean())
        best_gain, least_broken = bounds[cell.identity["cell"]]  # type: ignore[misc]
        assert best_gain == pytest.approx(gain)
        rivals = [told["values"] for told in before.values() if told["values"] is not None]
        assert any(rival[0] >= best_gain and rival[1] <= least_broken for rival in rivals)  # type: ignore[index]

    journal(place, name).rename(journal(place, name).with_suffix(".moved"))
    search = written_search(name, num_trials=8, prune=False)
    assert place.misfire("search", str(search)) == 0
    after = settled(place, name)
    assert {number: told["setting"] for number, told in after.items()} == {
        number: told["setting"] for number, told in before.items()
    }
    whole = store.finished(cut)
    assert set(whole) == set(cut)
    assert all(len(cell.records) > len(records) for cell in whole.values())
