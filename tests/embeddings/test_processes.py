"""What several processes do to one store; they are forked, so that nothing has to be imported again."""

import multiprocessing
import os
import signal
from contextlib import AbstractContextManager
from pathlib import Path

import lightning_fabric  # noqa: F401  (before the forks)
import numpy as np
import pytest
import torch

import misfire.embeddings.store as store_module
from misfire.core.errors import UsageError
from misfire.embeddings import EmbeddingStore, EmbeddingTable, TrainerSettings, embed_texts
from misfire.embeddings.loop import share_of
from misfire.embeddings.store import ShardWriter

from .conftest import FakeEncoder, expected_text_rows

FORK = multiprocessing.get_context("fork")
TEXTS = [f"text {index}" for index in range(22)]
TRAINER = TrainerSettings(accelerator="cpu", batch_size=4)


def files(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in root.glob("*/*") if path.name != "lock"}


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "ShardWriter", lambda folder: ShardWriter(folder, rows_per_shard=8))


def encode_and_die(root: Path, num_files: int) -> None:
    """Encode, and kill this process once so many files of shards and indexes are written."""
    torch.set_num_threads(1)
    write_bytes, written = store_module.write_bytes, []

    def write_then_die(path: Path, data: bytes) -> None:
        write_bytes(path, data)
        written.append(path)
        if len(written) == num_files:
            os.kill(os.getpid(), signal.SIGKILL)

    store_module.write_bytes = write_then_die
    embed_texts(TEXTS, FakeEncoder(), EmbeddingStore(root), TRAINER)


@pytest.mark.parametrize(("num_files", "num_kept"), [(1, 0), (2, 8), (3, 8), (4, 16)])
def test_after_kill_9_only_the_rest_is_encoded_and_the_bytes_are_equal(
    tmp_path: Path, small_shards: None, num_files: int, num_kept: int
) -> None:
    process = FORK.Process(target=encode_and_die, args=(tmp_path / "killed", num_files))
    process.start()
    process.join(timeout=60)
    assert process.exitcode == -signal.SIGKILL

    encoder = FakeEncoder()
    rows = embed_texts(TEXTS, encoder, EmbeddingStore(tmp_path / "killed"), TRAINER)
    assert sum(encoder.encoded) == len(TEXTS) - num_kept
    assert torch.equal(rows, embed_texts(TEXTS, FakeEncoder(), EmbeddingStore(tmp_path / "whole"), TRAINER))
    assert files(tmp_path / "killed") == files(tmp_path / "whole")


def test_of_two_processes_on_one_key_one_works_and_the_other_finds_it_done(tmp_path: Path) -> None:
    both_miss_something = FORK.Barrier(2)
    counts = FORK.Queue()

    def encode() -> None:
        torch.set_num_threads(1)
        filling = EmbeddingTable.filling

        def wait_then_fill(table: EmbeddingTable) -> AbstractContextManager[ShardWriter]:
            both_miss_something.wait(timeout=60)
            return filling(table)

        EmbeddingTable.filling = wait_then_fill  # type: ignore[method-assign, assignment]
        encoder = FakeEncoder()
        rows = embed_texts(TEXTS, encoder, EmbeddingStore(tmp_path), TRAINER)
        np.testing.assert_allclose(rows.numpy(), expected_text_rows(TEXTS), atol=1e-6)
        counts.put(sum(encoder.encoded))

    processes = [FORK.Process(target=encode) for _ in range(2)]
    for process in processes:
        process.start()
    assert sorted(counts.get(timeout=60) for _ in processes) == [0, len(TEXTS)]
    for process in processes:
        process.join(timeout=60)
        assert process.exitcode == 0


@pytest.mark.parametrize("num_inputs", [1, 2, 21, 22])
@pytest.mark.parametrize("num_processes", [1, 2, 3, 8])
def test_shares_are_a_partition(num_inputs: int, num_processes: int) -> None:
    shares = [share_of(num_inputs, rank=rank, num_processes=num_processes) for rank in range(num_processes)]
    assert sorted(position for share in shares for position in share) == list(range(num_inputs))


@pytest.mark.parametrize("num_texts", [1, 21])
def test_two_devices_encode_each_text_once(tmp_path: Path, num_texts: int) -> None:
    store = EmbeddingStore(tmp_path)
    on_two = TrainerSettings(accelerator="cpu", devices=2, strategy="ddp_fork", batch_size=4)
    rows = embed_texts(TEXTS[:num_texts], FakeEncoder(), store, on_two)
    np.testing.assert_allclose(rows.numpy(), expected_text_rows(TEXTS[:num_texts]), atol=1e-6)
    (folder,) = tmp_path.iterdir()
    assert EmbeddingTable(folder, next(iter(store._tables.values())).key).missing([]) == []
    assert next(iter(store._tables.values())).num_rows == num_texts
    assert len(list(folder.glob("*.parquet"))) == min(2, num_texts)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 0}, r"trainer.batch_size must be >= 1, got 0"),
        ({"num_workers": -1}, r"trainer.num_workers must be >= 0, got -1"),
        ({"strategy": "ddp", "devices": 2}, r"trainer.strategy must be one of .*, got ddp; use ddp_spawn"),
        ({"devices": "auto"}, r"trainer.devices must be 1 for strategy auto, got auto; use trainer=ddp"),
    ],
)
def test_settings_are_checked(settings: dict[str, int | str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        TrainerSettings(**settings)  # type: ignore[arg-type]
