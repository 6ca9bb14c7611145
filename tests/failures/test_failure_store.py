import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misfire.core.errors import IntegrityError, UsageError
from misfire.core.hashing import sha256_text
from misfire.failures import load_taxonomy, read_failure_set, write_failure_set


@pytest.mark.parametrize("is_labelled", [True, False])
def test_round_trip(invented: ModuleType, tmp_path: Path, is_labelled: bool) -> None:
    failures = invented.failure_set(is_labelled=is_labelled)
    folder = write_failure_set(failures, tmp_path)
    assert folder == tmp_path / failures.digest[:12]
    assert sorted(path.name for path in folder.iterdir()) == ["failure_set.json", "failure_set.parquet"]
    assert read_failure_set(folder) == failures


def test_a_teams_taxonomy_comes_back_with_the_set(invented: ModuleType, tmp_path: Path) -> None:
    failures = invented.failure_set()
    team = replace(load_taxonomy(), rule="Whatever comes to mind.")
    labels = {failures.query_ids[0]: team.label("object")}
    labelled = failures.relabelled(labels, label_source="a team", taxonomy=team)
    read = read_failure_set(write_failure_set(labelled, tmp_path))
    assert read == labelled
    assert read.taxonomy == team


def test_a_set_of_a_part_comes_back_as_one(invented: ModuleType, tmp_path: Path) -> None:
    failures = replace(invented.failure_set(), part="the captions of 4 of 8 images")
    assert read_failure_set(write_failure_set(failures, tmp_path)) == failures


def test_moving_the_folder_changes_nothing(invented: ModuleType, tmp_path: Path) -> None:
    failures = invented.failure_set()
    moved = tmp_path / "elsewhere" / "renamed"
    shutil.move(write_failure_set(failures, tmp_path / "here"), moved)
    assert read_failure_set(moved).digest == failures.digest


def test_others_can_read_the_files(invented: ModuleType, tmp_path: Path) -> None:
    failures = invented.failure_set()
    folder = write_failure_set(failures, tmp_path)
    table = pd.read_parquet(folder / "failure_set.parquet")
    assert tuple(table["query_id"]) == failures.query_ids
    assert list(table["text_sha256"]) == [sha256_text(caption) for caption in table["caption"]]
    header = json.loads((folder / "failure_set.json").read_text())
    assert header["how_chosen"] == failures.how_chosen
    assert header["digest"] == failures.digest


def test_writing_again_keeps_the_files(invented: ModuleType, tmp_path: Path) -> None:
    folder = write_failure_set(invented.failure_set(), tmp_path)
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    write_failure_set(invented.failure_set(), tmp_path)
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_what_a_kill_left_without_a_header_is_written_again(invented: ModuleType, tmp_path: Path) -> None:
    failures = invented.failure_set()
    folder = write_failure_set(failures, tmp_path)
    (folder / "failure_set.json").unlink()
    (folder / "failure_set.parquet").write_bytes(b"half")
    assert read_failure_set(write_failure_set(failures, tmp_path)) == failures


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_flipped_bit_is_found(
    invented: ModuleType, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = write_failure_set(invented.failure_set(num_failures=3), tmp_path_factory.mktemp("flip"))
    path = folder / data.draw(st.sampled_from(["failure_set.parquet", "failure_set.json"]))
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    with pytest.raises(IntegrityError, match="must be what was written, but"):
        read_failure_set(folder)


def test_a_damaged_folder_is_neither_read_nor_overwritten(invented: ModuleType, tmp_path: Path) -> None:
    failures = invented.failure_set()
    folder = write_failure_set(failures, tmp_path)
    (folder / "failure_set.parquet").write_bytes(b"damaged")
    with pytest.raises(IntegrityError, match=r"failure_set\.parquet doesn't have the SHA-256") as error:
        write_failure_set(failures, tmp_path)
    assert error.value.exit_code == 3
    assert (folder / "failure_set.parquet").read_bytes() == b"damaged"
    (folder / "failure_set.parquet").unlink()
    with pytest.raises(IntegrityError, match=r"failure_set\.parquet is missing"):
        read_failure_set(folder)


def test_rows_of_another_set_are_found(invented: ModuleType, tmp_path: Path) -> None:
    ours = invented.failure_set()
    theirs = replace(ours, seed=1)
    folder, other = write_failure_set(ours, tmp_path), write_failure_set(theirs, tmp_path)
    shutil.copy(write_failure_set(invented.failure_set(num_failures=3), tmp_path) / "failure_set.parquet", folder)
    with pytest.raises(IntegrityError, match="SHA-256"):
        read_failure_set(folder)
    assert read_failure_set(other) == theirs


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"must hold a failure set, got no failure_set.json there; run misfire mine"):
        read_failure_set(tmp_path)
