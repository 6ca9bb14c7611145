import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pandas as pd

from misfire.tracking import TrackingStore
from misfire.tracking.flat_run import FlatRun, json_file, log_flat_run, parquet_file, read_json

MADE = FlatRun(
    kind="finding",
    verb="find",
    id="a" * 64,
    name="what came out",
    dataset="invented",
    dataset_fingerprint="d" * 64,
    note="Read me.",
    marks={"oracle": True, "failure_mined": False, "subset_chosen": "By Hand"},
    params={"k": "10"},
    metrics={"t2i/hit_at_10": 0.5},
    files={"facts.json": json_file({"missing": float("nan"), "cafe": "café"}), "picture.png": b"\x89PNG"},
)


def log(store: TrackingStore, folder: Path, made: FlatRun) -> str:
    folder.mkdir()
    return log_flat_run(store, made, config_yaml="seed: 42\n", folder=folder)


def test_a_run_carries_its_marks_numbers_and_dataset(store: TrackingStore, tmp_path: Path) -> None:
    run = store.client.get_run(log(store, tmp_path / "a", MADE))
    own = {key: value for key, value in run.data.tags.items() if key.startswith("misfire.")}
    del own["misfire.revision"]
    assert own == {
        "misfire.kind": "finding",
        "misfire.sweep": "sweep",
        "misfire.cell_id": "a" * 64,
        "misfire.dataset_fingerprint": "d" * 64,
        "misfire.oracle": "true",
        "misfire.failure_mined": "false",
        "misfire.subset_chosen": "By Hand",
    }
    assert run.data.tags["mlflow.source.name"] == "misfire find"
    assert run.data.tags["mlflow.note.content"] == "Read me."
    assert "mlflow.parentRunId" not in run.data.tags
    assert (run.info.run_name, run.info.status) == ("what came out", "FINISHED")
    assert (run.data.params, run.data.metrics) == ({"k": "10"}, {"t2i/hit_at_10": 0.5})
    (read,) = run.inputs.dataset_inputs
    assert (read.dataset.name, read.dataset.digest) == ("invented", "d" * 8)


def test_files_are_kept_to_the_byte_beside_the_configuration(store: TrackingStore, tmp_path: Path) -> None:
    run_id = log(store, tmp_path / "a", MADE)
    kept = {}
    for artifact in store.client.list_artifacts(run_id):
        with store.artifact(run_id, artifact.path) as path:
            kept[artifact.path] = path.read_bytes()
    assert kept == {"config.yaml": b"seed: 42\n", **MADE.files}


def test_facts_are_read_as_they_were_written(store: TrackingStore, tmp_path: Path) -> None:
    found = read_json(store, log(store, tmp_path / "a", MADE), "facts.json")
    assert (str(found["missing"]), found["cafe"]) == ("nan", "café")
    assert json.loads(json_file({"ks": [1, 5]})) == {"ks": [1, 5]}


def test_no_note_is_no_tag(store: TrackingStore, tmp_path: Path) -> None:
    run = store.client.get_run(log(store, tmp_path / "a", replace(MADE, note="")))
    assert "mlflow.note.content" not in run.data.tags


def test_it_is_found_by_its_id_and_kind(store: TrackingStore, tmp_path: Path) -> None:
    run_id = log(store, tmp_path / "a", MADE)
    log(store, tmp_path / "b", replace(MADE, kind="other", id="b" * 64))
    with store.claimed("a" * 64) as finished:
        assert finished is not None
        assert finished.info.run_id == run_id
    assert [run.info.run_id for run in store.finished("finding")] == [run_id]


def test_a_table_in_memory_is_the_table_in_a_file(tmp_path: Path) -> None:
    table = pd.DataFrame({"rank": [1, 2], "text": ["a", None]}, index=[7, 9])
    table.to_parquet(tmp_path / "table.parquet", index=False)
    digests = [
        hashlib.sha256(data).hexdigest() for data in (parquet_file(table), (tmp_path / "table.parquet").read_bytes())
    ]
    assert digests[0] == digests[1]
