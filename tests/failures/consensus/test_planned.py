"""Sheets that come back otherwise than they were dealt out."""

import json
from pathlib import Path
from types import ModuleType

import pytest

from misfire.core.errors import UsageError
from misfire.failures import FailureSet, Label, planned_against_returned, read_sheets, sheet_text
from misfire.failures.consensus import LinkedLabels, link


def linked(folder: Path, failures: FailureSet, dealt: dict[str, list[int]]) -> LinkedLabels:
    for name, ids in dealt.items():
        (folder / f"{name}.csv").write_text(sheet_text(failures, ids, lambda failure: Label("Object")))
    return link(read_sheets([folder / f"{name}.csv" for name in dealt]), failures)


def test_missing_extra_absent_and_strange_are_named(invented: ModuleType, tmp_path: Path) -> None:
    failures = invented.failure_set(num_failures=10)
    a, b, c, d, e, f, g, h, i, j = failures.query_ids
    manifest = tmp_path / "manifest.json"
    plan = {
        "failure_set": failures.digest,
        "shared_query_ids": [a, b],
        "query_ids": {"ann": [a, b, c], "bob": [a, b, d], "cem": [a, b, e]},
        "backup_query_ids": {"ann": [f], "bob": [g]},
    }
    manifest.write_text(json.dumps(plan))
    found = planned_against_returned(
        linked(tmp_path, failures, {"ann": [a, c, f, h, i], "bob": [a, b, d], "eve": [j]}), failures, manifest
    )
    assert found is not None
    assert found["annotators"]["ann"] == {
        "num_planned": 3,
        "num_returned": 5,
        "num_missing": 1,
        "missing": [f"query {b}"],
        "num_extra": 2,
        "extra": [f"query {h}", f"query {i}"],
        "num_backups_used": 1,
    }
    bob = found["annotators"]["bob"]
    assert (bob["num_missing"], bob["num_extra"], bob["num_backups_used"]) == (0, 0, 0)
    assert (found["absent"], found["not_planned"]) == (["cem"], ["eve"])
    assert (found["num_shared_planned"], found["num_shared_returned"]) == (2, 0)


def test_no_manifest_another_sets_or_a_damaged_one(invented: ModuleType, tmp_path: Path) -> None:
    failures = invented.failure_set(num_failures=4)
    back = linked(tmp_path, failures, {"ann": list(failures.query_ids)})
    manifest = tmp_path / "manifest.json"
    assert planned_against_returned(back, failures, manifest) is None
    manifest.write_text(json.dumps({"failure_set": "other", "query_ids": {}, "shared_query_ids": []}))
    assert planned_against_returned(back, failures, manifest) is None
    for damaged in ("{", "[]", "{}"):
        manifest.write_text(damaged)
        with pytest.raises(UsageError, match="a manifest must be what misfire mine wrote"):
            planned_against_returned(back, failures, manifest)
