import errno
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

import misfire.embeddings.shard as shard_module
from misfire.core.errors import IntegrityError, UsageError
from misfire.core.hashing import sha256_file, sha256_text
from misfire.embeddings import EmbeddingKey, EmbeddingStore, EmbeddingTable

KEY = EmbeddingKey("text", {"encoder": "drawn", "weights_sha256": "0" * 64})


def contents_and_rows(start: int, stop: int, dim: int = 8) -> tuple[list[str], torch.Tensor]:
    rows = torch.stack([torch.randn(dim, generator=torch.Generator().manual_seed(i)) for i in range(start, stop)])
    return [sha256_text(str(i)) for i in range(start, stop)], torch.nn.functional.normalize(rows, dim=1)


def write(table: EmbeddingTable, start: int, stop: int) -> None:
    contents, rows = contents_and_rows(start, stop)
    with table.filling() as writer:
        writer.append(contents, rows, np.zeros(len(contents), dtype=bool), contents)
        writer.commit()


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "lock"}


def fresh(table: EmbeddingTable) -> EmbeddingTable:
    """The table as another process sees it."""
    return EmbeddingTable(table.folder, table.key)


@pytest.fixture
def table(store: EmbeddingStore) -> EmbeddingTable:
    return store.table(KEY)


def test_the_key_is_stable_and_told_in_clear(table: EmbeddingTable) -> None:
    write(table, 0, 2)
    # What sha256sum says of {"encoder":"drawn","modality":"text","weights_sha256":"000...0"}.
    assert table.folder.name == "018b8ae17f96d285ef373ab841d4fbc2ff59b8c7b5c2b581badb1495882852fd"
    assert json.loads((table.folder / "key.json").read_text()) == {
        "modality": "text",
        "encoder": "drawn",
        "weights_sha256": "0" * 64,
    }


def test_every_shard_and_index_is_named_by_its_bytes_and_readable_by_others(table: EmbeddingTable) -> None:
    write(table, 0, 3)
    (shard,) = table.folder.glob("*.safetensors")
    (index,) = table.folder.glob("*.parquet")
    assert (shard.stem, index.stem) == (sha256_file(shard), sha256_file(index))
    contents, rows = contents_and_rows(0, 3)
    assert torch.equal(load_file(shard)["rows"], rows)
    assert pq.read_table(index).to_pydict() == {"content_sha256": contents, "truncated": [False] * 3}
    assert pq.read_schema(index).metadata[b"shard_sha256"].decode() == shard.stem


@given(order=st.lists(st.integers(0, 11), min_size=1, max_size=40))
def test_rows_come_in_any_order_out_of_several_shards(
    tmp_path_factory: pytest.TempPathFactory, order: list[int]
) -> None:
    folder = tmp_path_factory.getbasetemp() / "gather"
    table = EmbeddingTable(folder, KEY)
    for start, stop in ((0, 5), (5, 6), (6, 12)):
        if table.missing(contents_and_rows(start, stop)[0]):
            write(table, start, stop)
    contents, rows = contents_and_rows(0, 12)
    assert torch.equal(table.gather([contents[position] for position in order]), rows[order])


def test_missing_names_each_absent_content_once_in_order(table: EmbeddingTable) -> None:
    write(table, 0, 2)
    contents, _ = contents_and_rows(0, 4)
    assert table.missing([contents[3], contents[0], contents[2], contents[3]]) == [contents[3], contents[2]]
    with pytest.raises(UsageError, match=r"got 3 of which 2 \(.*\) are not; encode them first"):
        table.gather(contents[1:])


def test_a_table_sees_what_another_process_has_added(table: EmbeddingTable) -> None:
    write(table, 0, 2)
    other = fresh(table)
    write(other, 2, 4)
    contents, rows = contents_and_rows(0, 4)
    assert torch.equal(table.gather(contents), rows)


def test_a_moved_store_is_still_filled(store: EmbeddingStore, table: EmbeddingTable, tmp_path: Path) -> None:
    write(table, 0, 3)
    shutil.move(store.root, tmp_path / "elsewhere")
    contents, rows = contents_and_rows(0, 3)
    assert torch.equal(EmbeddingStore(tmp_path / "elsewhere").table(KEY).gather(contents), rows)


@pytest.mark.parametrize("kind", ["safetensors", "parquet"])
def test_a_flipped_byte_anywhere_is_found_and_mended_by_deleting_the_file(table: EmbeddingTable, kind: str) -> None:
    write(table, 0, 3)
    contents, rows = contents_and_rows(0, 3)
    (path,) = table.folder.glob(f"*.{kind}")
    whole = path.read_bytes()
    for position in (0, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        before = files(table.folder)
        with pytest.raises(IntegrityError, match=rf"must have the SHA-256 .*{path.name}; delete this file"):
            fresh(table).gather(contents)
        assert files(table.folder) == before
    path.unlink()
    again = fresh(table)
    assert again.missing(contents) == contents
    write(again, 0, 3)
    assert torch.equal(fresh(table).gather(contents), rows)
    assert len(files(table.folder)) == 3


def test_what_a_killed_process_left_is_swept_up(table: EmbeddingTable) -> None:
    write(table, 0, 3)
    whole = files(table.folder)
    (table.folder / f"{'a' * 64}.safetensors").write_bytes(b"a shard whose index was never written")
    (table.folder / ".b.safetensors.123.tmp").write_bytes(b"half a sh")
    contents, rows = contents_and_rows(0, 3)
    assert torch.equal(fresh(table).gather(contents), rows)
    with fresh(table).filling():
        pass
    assert files(table.folder) == whole


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 0.0, 1.1])
def test_a_row_that_is_not_a_unit_vector_is_refused_before_writing(table: EmbeddingTable, value: float) -> None:
    contents, rows = contents_and_rows(0, 4)
    rows[2] = value * rows[2]
    with (
        pytest.raises(UsageError, match=r"finite and of length 1, got 1 \(third\) that are not; check the weights"),
        table.filling() as writer,
    ):
        writer.append(contents, rows, np.zeros(4, dtype=bool), ["first", "second", "third", "fourth"])
    assert set(files(table.folder)) == {"key.json"}


def test_what_is_not_committed_is_not_written(table: EmbeddingTable) -> None:
    contents, rows = contents_and_rows(0, 4)
    with table.filling() as writer:
        writer.append(contents[:3], rows[:3], np.zeros(3, dtype=bool), contents[:3])
        writer.commit()
        writer.append(contents[3:], rows[3:], np.zeros(1, dtype=bool), contents[3:])
    assert fresh(table).missing(contents) == contents[3:]
    assert len(list(table.folder.glob("*.safetensors"))) == 1


def test_verifying_finds_damage_in_the_shards_asked_for_alone(table: EmbeddingTable) -> None:
    write(table, 0, 2)
    (whole,) = table.folder.glob("*.safetensors")
    write(table, 2, 4)
    (damaged,) = set(table.folder.glob("*.safetensors")) - {whole}
    damaged.write_bytes(damaged.read_bytes()[:-1])
    contents, _ = contents_and_rows(0, 5)
    fresh(table).verify(contents[:2])
    with pytest.raises(IntegrityError, match=damaged.name):
        fresh(table).verify(contents[1:3])
    with pytest.raises(UsageError, match=r"got 5 of which 1 \(.*\) are not; encode them first"):
        fresh(table).verify(contents)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_is_full_or_read_only_is_one_sentence(
    table: EmbeddingTable, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(path: Path, _: object) -> None:
        raise OSError(code, os.strerror(code), str(path))

    write(table, 0, 1)
    monkeypatch.setattr(shard_module, "write_bytes", refuse)
    with pytest.raises(UsageError, match=rf"can be written to, got {os.strerror(code)} for .*; free some space"):
        write(table, 1, 2)
    assert fresh(table).missing(contents_and_rows(0, 2)[0]) == contents_and_rows(1, 2)[0]


def test_a_root_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UsageError, match=r"must be a folder with free space .* got Not a directory"):
        write(EmbeddingStore(tmp_path / "file" / "store").table(KEY), 0, 1)


def test_an_error_of_the_body_is_not_taken_for_the_disk(table: EmbeddingTable) -> None:
    with pytest.raises(FileNotFoundError, match=r"image\.png"), table.filling():
        raise FileNotFoundError("image.png")
