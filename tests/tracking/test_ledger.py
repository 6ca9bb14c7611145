"""The ledger in MLflow: what is kept, what counts as finished, and what is told of damage."""

import os
import threading
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from misfire.cells import Estimate, Estimates, Lab, Logged, run_cell
from misfire.core.errors import IntegrityError, UsageError
from misfire.core.hashing import sha256_bytes
from misfire.embeddings import EmbeddingStore, TrainerSettings
from misfire.tracking import MlflowLedger
from misfire.tracking.database import absolute_uri
from misfire.tracking.ledger import CELL_ID, KIND, note
from misfire.tracking.shelf import MANIFEST, MANIFEST_FILE, manifest
from misfire.tracking.unlogged import Unlogged
from tests.tracking.toy import ToyCell

WORDS = ("toy", "number=0", "paths.root=a folder")


@pytest.fixture
def ledger(shared_ledger: MlflowLedger) -> MlflowLedger:
    """An experiment of its own in a store that all tests share, since making one takes seconds."""
    return shared_ledger.for_experiment(uuid4().hex)


def saved(ledger: MlflowLedger, cell: ToyCell | None = None) -> Logged:
    cell = cell or ToyCell()
    with ledger.claim(cell.id) as claim:
        assert claim.is_held
        assert claim.finished is None
        return ledger.save(cell, cell.run(None), config="seed: 0\n", words=WORDS)


def folder_of(ledger: MlflowLedger, logged: Logged) -> Path:
    return Path(str(ledger.artifact_root)) / ledger.experiment / logged.key / "artifacts"


def test_a_cell_is_read_back_as_it_was_saved(ledger: MlflowLedger) -> None:
    first = saved(ledger)
    for logged in (first, ledger.load("toy")[0], ledger.finished({first.id})[first.id]):
        outcome = ToyCell().run(None)
        assert (logged.id, logged.kind, logged.name) == (ToyCell().id, "toy", "0 · few · +50.3 pp")
        assert logged.records.equals(outcome.records)
        assert logged.estimates.to_csv() == outcome.estimates.to_csv()
        assert logged.facts == outcome.facts
        assert logged.label == ToyCell().label()
        assert logged.identity == ToyCell().identity()
        assert logged.config == "seed: 0\n"
        assert logged.read("replicates.npz") == outcome.files["replicates.npz"]


def test_its_run_says_what_differs_and_what_came_out(ledger: MlflowLedger) -> None:
    run = ledger.client.get_run(saved(ledger).key)
    mean = float(np.random.default_rng(0).random(8).mean())
    assert run.data.params == {"number": "0", "units": "few", "seed": "0"}
    assert run.data.metrics == pytest.approx(
        {"toy/hit_at_10/delta_pp": 100 * mean, "toy/hit_at_10/delta_low_pp": 50 * mean, "toy/hit_at_10/baseline": 0.5},
        abs=1e-4,
    )
    assert run.data.tags["misfire.words"] == "misfire toy number=0 'paths.root=a folder'"
    assert (run.data.tags["misfire.oracle"], run.data.tags["misfire.dataset_fingerprint"]) == ("false", "f" * 64)
    assert run.inputs.dataset_inputs[0].dataset.name == "invented"
    assert "| toy/hit_at_10/delta | +50.33 pp | 8 |" in run.data.tags["mlflow.note.content"]
    assert {one.path for one in ledger.client.list_artifacts(run.info.run_id)} == {
        *("cell.json", "config.yaml", "estimates.csv", "records.parquet", "replicates.npz", MANIFEST_FILE)
    }


def test_curves_are_metrics_with_a_step_a_value(ledger: MlflowLedger, tmp_path: Path) -> None:
    cell = ToyCell(number=3)
    losses = [1 / step for step in range(1, 1200)]
    outcome = replace(cell.run(None), curves={"training/loss": losses, "training/ap/star": [np.nan, 0.5]})
    with ledger.claim(cell.id):
        logged = ledger.save(cell, outcome, config="seed: 0\n")
    history = ledger.client.get_metric_history(logged.key, "training/loss")
    assert [(one.step, one.value) for one in history] == list(enumerate(losses, start=1))
    (only,) = ledger.client.get_metric_history(logged.key, "training/ap/star")
    assert (only.step, only.value) == (2, 0.5)
    assert logged.estimates.to_csv() == outcome.estimates.to_csv()
    content = ledger._content(cell, replace(outcome, curves={"a": [1.0]}), checksum="", words=())
    content.tags[MANIFEST] = sha256_bytes(manifest({}))  # type: ignore[index]
    kept = Unlogged(tmp_path / "kept")
    kept.write(content, {})
    read = kept.read()
    assert read is not None
    assert read[0].curves == {"a": [1.0]}


def test_curves_of_a_running_cell_grow_in_the_run_that_it_is_kept_in(
    ledger: MlflowLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("misfire.tracking.live_run._SECONDS_BETWEEN_LOOKS", 0.0)
    cell = ToyCell(number=8)
    curves = {"training/loss": [3.0, 2.0, 1.0], "training/ap": [np.nan, 0.5, 0.6]}
    with ledger.claim(cell.id):
        for step in (1, 2, 2):
            ledger.watch(cell, {name: values[:step] for name, values in curves.items()})
            (running,) = ledger.runs()
            assert (running.info.status, running.info.run_name) == ("RUNNING", cell.name)
            assert ledger.load() == []
            history = ledger.client.get_metric_history(running.info.run_id, "training/loss")
            assert [(one.step, one.value) for one in history] == list(enumerate([3.0, 2.0][:step], start=1))
        logged = ledger.save(cell, replace(cell.run(None), curves=curves), config="seed: 0\n", words=WORDS)
    (run,) = ledger.runs()
    assert (run.info.run_id, run.info.status) == (running.info.run_id, "FINISHED")
    assert run.info.run_name == logged.name
    assert run.data.tags["misfire.words"] == "misfire toy number=0 'paths.root=a folder'"
    for name, values in curves.items():
        history = ledger.client.get_metric_history(run.info.run_id, name)
        assert [(one.step, one.value) for one in history] == [
            (step, value) for step, value in enumerate(values, start=1) if np.isfinite(value)
        ]
    assert [one.key for one in ledger.finished({cell.id}).values()] == [logged.key]


def stopped_while_watched(ledger: MlflowLedger, cell: ToyCell) -> None:
    with ledger.claim(cell.id):
        ledger.watch(cell, {"training/loss": [1.0]})
        assert any(run.data.metrics == {"training/loss": 1.0} for run in ledger.runs())
        raise KeyboardInterrupt


def test_a_watched_cell_that_fails_leaves_no_run(ledger: MlflowLedger) -> None:
    with pytest.raises(KeyboardInterrupt):
        stopped_while_watched(ledger, ToyCell(number=9))
    assert ledger.runs() == []


def test_a_run_that_a_kill_left_is_replaced(ledger: MlflowLedger) -> None:
    cell = ToyCell(number=10)
    killed = ledger.for_experiment(ledger.experiment)
    killed.watch(cell, {"training/loss": [1.0, 2.0]})  # and no more of it
    with ledger.claim(cell.id) as claim:
        assert claim.finished is None
        logged = ledger.save(cell, cell.run(None), config="")
    assert [run.info.run_id for run in ledger.runs()] == [logged.key]


def test_a_claim_on_a_server_shows_the_curves_in_its_own_run(
    ledger: MlflowLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("misfire.tracking.ledger.database_path", lambda uri: None)
    cell = ToyCell(number=11)
    with ledger.claim(cell.id):
        (claiming,) = ledger.runs()
        ledger.watch(cell, {"training/loss": [1.0]})
        assert ledger.client.get_run(claiming.info.run_id).data.metrics == {"training/loss": 1.0}
        logged = ledger.save(cell, replace(cell.run(None), curves={"training/loss": [1.0, 0.5]}), config="")
    assert [(run.info.run_id, run.info.run_name) for run in ledger.runs()] == [(claiming.info.run_id, logged.name)]
    assert len(ledger.client.get_metric_history(logged.key, "training/loss")) == 2
    with pytest.raises(KeyboardInterrupt):
        stopped_while_watched(ledger, ToyCell(number=12))
    assert [run.info.run_id for run in ledger.runs()] == [logged.key]


def test_a_finished_cell_is_not_run_again(ledger: MlflowLedger, tmp_path: Path) -> None:
    first = saved(ledger)
    lab = Lab(tmp_path, EmbeddingStore(tmp_path), TrainerSettings())
    again, was_run = run_cell(ToyCell(), lab, ledger, config=lambda: "")
    assert (again.key, was_run) == (first.key, False)
    assert len(ledger.runs()) == 1


def test_reading_makes_nothing(tmp_path: Path, ledger: MlflowLedger) -> None:
    nowhere = MlflowLedger(f"sqlite:///{tmp_path}/mlflow.db", str(tmp_path / "artifacts"), str(tmp_path / "locks"))
    assert (nowhere.finished({"a"}), nowhere.load(), nowhere.runs()) == ({}, [], [])
    assert not list(tmp_path.iterdir())
    assert ledger.load() == []
    assert ledger.client.get_experiment_by_name(ledger.experiment) is None


def test_cells_of_other_experiments_and_kinds_are_left_alone(ledger: MlflowLedger) -> None:
    first = saved(ledger)
    other = ledger.for_experiment(f"{ledger.experiment}-other")
    saved(other, ToyCell(1))
    assert [one.id for one in ledger.load()] == [first.id]
    assert ledger.load("another kind") == []
    assert list(ledger.finished({ToyCell(1).id, first.id})) == [first.id]


def test_what_a_killed_process_left_is_neither_finished_nor_in_the_way(ledger: MlflowLedger) -> None:
    half = ledger.client.create_run(ledger.experiment_id, tags={CELL_ID: ToyCell().id, KIND: "toy"})
    assert ledger.load() == []
    logged = saved(ledger)
    assert [run.info.run_id for run in ledger.runs()] == [logged.key]
    assert ledger.client.get_run(half.info.run_id).info.lifecycle_stage == "deleted"


@pytest.mark.parametrize("name", ["cell.json", "estimates.csv", "records.parquet", "replicates.npz", MANIFEST_FILE])
@pytest.mark.parametrize("harm", ["change", "remove"])
def test_damage_is_told_and_mended_by_issuing_the_cell_again(
    ledger: MlflowLedger, capsys: pytest.CaptureFixture[str], name: str, harm: str
) -> None:
    first = saved(ledger)
    path = folder_of(ledger, first) / name
    content = path.read_bytes()
    path.unlink()
    if harm == "change":
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    got = "other bytes" if harm == "change" else "none"
    (damaged,) = ledger.load()
    with pytest.raises(IntegrityError) as caught:
        damaged.read("config.yaml" if name == MANIFEST_FILE else name)
    assert str(caught.value) == (
        f"artifact {name} of run {first.name} must be as it was logged, got {got}; make the cell again with "
        "`misfire toy number=0 'paths.root=a folder'`."
    )
    assert ledger.finished({first.id}) == {}
    with ledger.claim(first.id) as claim:
        assert claim.finished is None
        assert "A damaged cell is made again" in capsys.readouterr().err
        assert ledger.runs(), "the damaged run must stay until another one stands"
        second = ledger.save(ToyCell(), ToyCell().run(None), config="seed: 0\n")
    assert [run.info.run_id for run in ledger.runs()] == [second.key]
    assert ledger.finished({first.id})[first.id].records.equals(ToyCell().run(None).records)
    assert not path.parent.exists()


def test_a_check_names_what_is_damaged_and_its_command(ledger: MlflowLedger) -> None:
    path = folder_of(ledger, saved(ledger)) / "records.parquet"
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    with pytest.raises(
        IntegrityError, match=r"^1 finished cell is damaged in sqlite:///.*make the cell again with `misfire toy"
    ):
        ledger.check()
    path.write_bytes(content)
    assert f"{ledger.experiment}: 1 finished cell\n" in f"{ledger.check()}\n"


def test_no_flipped_bit_of_a_finished_cell_is_read(ledger: MlflowLedger) -> None:
    logged = saved(ledger)
    (run,) = ledger.runs()
    paths = sorted(folder_of(ledger, logged).iterdir())
    rng = np.random.default_rng(0)
    for attempt in range(1500):
        path = paths[rng.integers(len(paths))]
        content = path.read_bytes()
        flipped = bytearray(content)
        flipped[rng.integers(len(content))] ^= 1 << int(rng.integers(8))
        path.write_bytes(flipped)
        shelf = ledger._shelf(run)
        assert attempt % 10 or not shelf.is_whole
        with pytest.raises(IntegrityError, match=path.name):
            shelf.read("cell.json" if path.name == MANIFEST_FILE else path.name)
        path.write_bytes(content)


def test_a_second_holder_is_told_whom_it_waits_for(ledger: MlflowLedger, capsys: pytest.CaptureFixture[str]) -> None:
    released = threading.Event()

    def hold() -> None:
        with ledger.claim(ToyCell().id):
            holding.set()
            released.wait(20)

    holding = threading.Event()
    other = threading.Thread(target=hold)
    other.start()
    assert holding.wait(20)
    with ledger.claim(ToyCell().id, wait=False) as claim:
        assert (claim.is_held, claim.finished) == (False, None)
    assert capsys.readouterr().err == ""
    threading.Timer(1.3, released.set).start()
    with ledger.claim(ToyCell().id) as claim:
        assert claim.is_held
    other.join()
    told = capsys.readouterr().err
    assert told.startswith(f"Waiting for process {os.getpid()} on ")
    assert f"at work on cell {ToyCell().id[:12]}." in told


def test_names_that_mlflow_does_not_take_lose_no_cell(ledger: MlflowLedger) -> None:
    logged = saved(ledger, ToyCell(group="größe (rot|blau) & 50 %"))
    metrics = ledger.client.get_run(logged.key).data.metrics
    assert "toy/hit_at_10/größe _rot_blau_ _ 50 __pp" in metrics


def test_a_long_note_is_cut_by_rows() -> None:
    table = Estimates.of([Estimate("accuracy", 0.5, group=str(number)) for number in range(900)])
    text = note("", table)
    assert len(text) < 8000
    assert "860 more in estimates.csv." in text


def test_an_experiment_needs_a_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="must be a name, got an empty one"):
        MlflowLedger(f"sqlite:///{tmp_path}/mlflow.db", None, str(tmp_path), " ")


@pytest.mark.parametrize("uri", ["mlruns", "file:///tmp/mlruns"])
def test_a_plain_file_store_is_refused(uri: str) -> None:
    with pytest.raises(UsageError, match=r"tracking.uri must be a database or a server, got .*write sqlite:///mlruns"):
        MlflowLedger(uri, None, "locks")


def test_a_deleted_experiment_is_not_written_to(ledger: MlflowLedger) -> None:
    saved(ledger)
    ledger.client.delete_experiment(ledger.experiment_id)
    with pytest.raises(UsageError, match=r"must not be a deleted one, got .*; restore it in the MLflow UI"):
        saved(ledger.for_experiment(ledger.experiment))


def test_an_experiment_is_of_the_model_development_kind(ledger: MlflowLedger) -> None:
    # MLflow's UI opens others on its side for traces of language models.
    saved(ledger)
    experiment = ledger.client.get_experiment(ledger.experiment_id)
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"
    assert all("mlflow.parentRunId" not in run.data.tags for run in ledger.runs())


def test_a_relative_store_is_that_of_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = "sqlite:///mlflow.db"
    monkeypatch.chdir(tmp_path)
    assert absolute_uri(stand_in) == f"sqlite:///{tmp_path}/mlflow.db"
    assert MlflowLedger(stand_in, "runs", "locks").load() == []
