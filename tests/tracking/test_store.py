import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from misfire.core.errors import UsageError
from misfire.tracking import LoggedCell, TrackingStore, log_cell, read_cells
from misfire.tracking.store import CELL_ID, KIND
from tests.tracking.cell_results import cell_result


def log(store: TrackingStore, folder: Path, **changed: object) -> str:
    folder.mkdir(parents=True)
    return log_cell(
        store, cell_result(**changed), config_yaml="seed: 42\n", figure=b"png", settings={"seed": "42"}, folder=folder
    )


def test_a_cell_is_read_back_as_it_was_logged(store: TrackingStore, tmp_path: Path) -> None:
    run_id = log(store, tmp_path / "a")
    (cell,) = read_cells(store)
    wanted = cell_result()
    assert isinstance(cell, LoggedCell)
    assert (cell.run_id, cell.outcome) == (run_id, wanted.outcome)
    assert all((cell.replicates[k] == wanted.replicates[k]).all() for k in (1, 5, 10))


def test_an_artifact_is_read_where_it_lies_and_a_missing_one_is_an_error(store: TrackingStore, tmp_path: Path) -> None:
    run_id = log(store, tmp_path / "a")
    for fresh in (store, replace(store)):  # the second has seen no run yet
        with fresh.artifact(run_id, "config.yaml") as path:
            assert path.read_text() == "seed: 42\n"
        assert path.is_file()
        assert str(path).startswith(str(store.artifact_root))
    with pytest.raises(Exception, match=r"nothing\.txt"), store.artifact(run_id, "nothing.txt"):
        pass


def test_a_run_says_what_differs_and_what_came_out(store: TrackingStore, tmp_path: Path) -> None:
    run = store.client.get_run(log(store, tmp_path / "a"))
    assert run.info.run_name == "object · logmeanexp tau=1 · +20.0 pp @5"
    assert run.data.params["tau"] == "1"
    assert run.data.metrics["t2i/hit_at_10/delta_pp"] == pytest.approx(50.0)
    assert run.data.metrics["t2i/hit_at_10/complement_net_pp"] == pytest.approx(-5.0)
    assert run.data.metrics["t2i/hit_at_10/all_net_pp"] == pytest.approx(100 * (5 - 0.05 * 200) / 210, abs=5e-5)
    assert run.inputs.dataset_inputs[0].dataset.name == "invented"
    assert {artifact.path for artifact in store.client.list_artifacts(run.info.run_id)} == {
        "bootstrap.png",
        "cell.json",
        "config.yaml",
        "ledger.csv",
        "records.parquet",
        "replicates.npz",
        "table.csv",
    }


def test_a_finished_cell_is_found_and_a_half_logged_one_removed(store: TrackingStore, tmp_path: Path) -> None:
    half = store.client.create_run(store.experiment_id, tags={CELL_ID: "a" * 64, KIND: "cell"})
    with store.claimed("a" * 64) as finished:
        assert finished is None
        run_id = log(store, tmp_path / "a")
    assert store.client.get_run(half.info.run_id).info.lifecycle_stage == "deleted"
    with store.claimed("a" * 64) as finished:
        assert finished is not None
        assert finished.info.run_id == run_id
    assert len(store.runs()) == 1


def test_cells_are_flat_and_of_their_own_experiment(store: TrackingStore, tmp_path: Path) -> None:
    log(store, tmp_path / "a")
    log(store.for_experiment("other"), tmp_path / "b", cell_id="c" * 64)
    assert [cell.outcome.cell_id for cell in read_cells(store)] == ["a" * 64]
    assert all("mlflow.parentRunId" not in run.data.tags for run in store.runs())


def test_the_experiment_is_of_the_model_development_kind(store: TrackingStore) -> None:
    experiment = store.client.get_experiment(store.experiment_id)
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"


def test_the_database_queues_writers(store: TrackingStore, tmp_path: Path) -> None:
    assert store.client is not None
    with sqlite3.connect(tmp_path / "mlflow.db") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_several_processes_may_be_first(tmp_path: Path) -> None:
    script = (
        "from pathlib import Path\nfrom misfire.tracking import TrackingStore\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "store = TrackingStore(f'sqlite:///{folder}/mlflow.db', f'{folder}/artifacts', f'{folder}/locks', 'sweep')\n"
        "print(store.experiment_id)\n"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    outputs = [process.communicate() for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], outputs
    assert len({output for output, _ in outputs}) == 1


@pytest.mark.parametrize("uri", ["mlruns", "file:///tmp/mlruns"])
def test_a_plain_file_store_is_refused(uri: str) -> None:
    with pytest.raises(UsageError, match=r"tracking.uri must be a database or a server, got .*write sqlite:///mlruns"):
        TrackingStore(uri, None, "locks")


def test_a_relative_store_is_that_of_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        store = TrackingStore("sqlite:///mlflow.db", artifact_root="runs", lock_folder="locks", experiment=name)
        assert store.client.get_experiment(store.experiment_id).name == name
        assert [one.name for one in store.client.search_experiments()] == [name, "Default"]
        assert (tmp_path / name / "mlflow.db").is_file()


def test_an_unwritable_store_is_one_sentence(store: TrackingStore, tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"this is not a database, and long enough to be read as one" * 40)
    with pytest.raises(UsageError, match="the tracking store must be reachable and writable, got sqlite:///"):
        _ = store.client


def test_a_deleted_experiment_is_not_written_to(store: TrackingStore) -> None:
    store.client.delete_experiment(store.experiment_id)
    with pytest.raises(UsageError, match="must not be a deleted one, got sweep; restore it in the MLflow UI"):
        _ = replace(store).experiment_id


def test_a_summary_stands_once(store: TrackingStore, tmp_path: Path) -> None:
    from misfire.tracking import RunContent

    (tmp_path / "report").mkdir()
    content = RunContent("summary", {KIND: "summary"}, {}, {}, tmp_path / "report")
    store.supersede("summary", content)
    second = store.supersede("summary", content)
    assert [run.info.run_id for run in store.runs()] == [second]
