import math
import os
import signal
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning_fabric  # noqa: F401  (before the forks)
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import misfire.embeddings.loop as loop_module
from misfire.core.errors import MisfireError, UsageError
from misfire.core.hashing import sha256_text
from misfire.embeddings import EmbeddingStore, TrainerSettings, embed_images, embed_texts, fill_images, fill_texts
from misfire.embeddings.batch_size import FittingBatch, fitting_batch
from misfire.embeddings.inputs import Chunk, TextInputs
from misfire.embeddings.loop import share_of
from misfire.embeddings.reading import Cuts

from .conftest import FakeEncoder, expected_text_rows, solid_images

TEXTS = [f"text {index}" for index in range(22)]
ALONE = TrainerSettings(accelerator="cpu", batch_size=2)
PAIR = TrainerSettings(accelerator="cpu", devices=2, strategy="ddp_fork", batch_size=2)
MANY_IMAGES = solid_images(*[(index % 256, index // 256, 7) for index in range(300)])


def files(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in root.glob("*/*") if path.name != "lock"}


@pytest.fixture
def shards_of_five(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TextInputs, "rows_per_shard", 5)


@pytest.fixture
def whole(tmp_path: Path, shards_of_five: None) -> dict[str, bytes]:
    """The files of an undisturbed fill by one process."""
    embed_texts(TEXTS, FakeEncoder(), EmbeddingStore(tmp_path / "whole"), ALONE)
    found = files(tmp_path / "whole")
    assert len(found) == 1 + 2 * math.ceil(len(TEXTS) / 5)
    return found


@given(num_inputs=st.integers(0, 60), rows_per_shard=st.integers(1, 9), num_processes=st.integers(1, 4))
def test_shares_are_a_partition_into_whole_shards(num_inputs: int, rows_per_shard: int, num_processes: int) -> None:
    shards = [
        list(range(start, min(start + rows_per_shard, num_inputs))) for start in range(0, num_inputs, rows_per_shard)
    ]
    for number in range(num_processes):
        share = share_of(range(num_inputs), rows_per_shard=rows_per_shard, rank=number, num_processes=num_processes)
        assert list(share) == [position for shard in shards[number::num_processes] for position in shard]


@given(num_inputs=st.integers(0, 50), shard=st.integers(1, 12), batch=st.integers(1, 12), chunk=st.integers(1, 12))
def test_batches_lie_within_shards_and_chunks_within_batches(
    num_inputs: int, shard: int, batch: int, chunk: int
) -> None:
    batch = min(batch, shard)
    cuts = Cuts(rows_per_shard=shard, rows_per_batch=batch, rows_per_chunk=chunk)
    read = [Chunk(part, torch.empty(0), np.zeros(0, dtype=bool), []) for part in cuts.chunks(range(num_inputs))]
    assert all(len(part.positions) <= chunk for part in read)
    shards, current = [], []
    for held, completes_shard in cuts.batches(read):
        current.append([position for part in held for position in part.positions])
        if completes_shard:
            shards.append(current)
            current = []
    shards += [current] if current else []
    expected = [list(range(start, min(start + shard, num_inputs))) for start in range(0, num_inputs, shard)]
    assert shards == [[part[start : start + batch] for start in range(0, len(part), batch)] for part in expected]


@pytest.mark.parametrize("settings", [PAIR, TrainerSettings(accelerator="cpu"), TrainerSettings("cpu", batch_size=3)])
def test_the_files_do_not_depend_on_processes_or_batch_size(
    tmp_path: Path, whole: dict[str, bytes], settings: TrainerSettings
) -> None:
    embed_texts(TEXTS[::-1], FakeEncoder(), EmbeddingStore(tmp_path / "other"), settings)
    assert files(tmp_path / "other") == whole


@pytest.mark.parametrize("settings", [ALONE, PAIR])
@pytest.mark.parametrize("lost", [(1, 3), (0, 2, 4), (4,), (0, 1, 2), (2,)])
def test_whichever_shards_are_lost_a_resumed_fill_writes_the_same_files(
    tmp_path: Path, whole: dict[str, bytes], lost: tuple[int, ...], settings: TrainerSettings
) -> None:
    # A kill in the middle of a fill by two processes leaves such gaps.
    folder = tmp_path / "whole"
    by_age = sorted(folder.glob("*/*.parquet"), key=lambda path: path.stat().st_mtime_ns)
    for number in lost:
        by_age[number].unlink()
    encoder = FakeEncoder()
    embed_texts(TEXTS, encoder, EmbeddingStore(folder), settings)
    assert files(folder) == whole
    if settings is ALONE:
        assert sum(encoder.encoded) == sum(2 if number == 4 else 5 for number in lost)


@dataclass
class SmallMemory(FakeEncoder):
    """Fits ``most`` texts at once; raises what CUDA raises beyond that."""

    most: int = 3

    def encode_texts(self, tokens: torch.Tensor) -> torch.Tensor:
        if len(tokens) > self.most:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.")
        return super().encode_texts(tokens)


def test_a_batch_that_does_not_fit_is_halved_and_remembered(
    tmp_path: Path, whole: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    fitting_batch.cache_clear()
    settings = TrainerSettings(accelerator="cpu", batch_size=5)
    encoder = SmallMemory(most=1)
    embed_texts(TEXTS, encoder, EmbeddingStore(tmp_path / "other"), settings)
    assert files(tmp_path / "other") == whole
    assert encoder.encoded == [1] * len(TEXTS)
    assert capsys.readouterr().err.splitlines()[-2:] == [
        "A batch of 5 doesn't fit the GPU's memory, going on with 2",
        "A batch of 2 doesn't fit the GPU's memory, going on with 1",
    ]
    embed_texts(["again", "and again"], encoder, EmbeddingStore(tmp_path / "third"), settings)
    assert "doesn't fit" not in capsys.readouterr().err


def test_an_input_that_does_not_fit_alone_is_one_sentence() -> None:
    with pytest.raises(UsageError, match=r"GPU's memory must hold the network and one input, got too little; free it"):
        FittingBatch(4).run(SmallMemory(most=0).encode_texts, torch.ones(4, 6))


@given(num_rows=st.integers(1, 40), rows=st.integers(1, 40), most=st.integers(1, 40))
def test_no_row_is_lost_or_encoded_twice_when_batches_are_halved(num_rows: int, rows: int, most: int) -> None:
    encoder, tokens = SmallMemory(most=most), torch.arange(num_rows * 6).reshape(num_rows, 6)
    assert torch.equal(FittingBatch(rows).run(encoder.encode_texts, tokens), FakeEncoder().encode_texts(tokens))
    assert sum(encoder.encoded) == num_rows


class PaddedEncoder(FakeEncoder):
    """One token a letter, padded with zeros to 12."""

    def tokenize(self, texts: Sequence[str]) -> torch.Tensor:
        rows = [[ord(letter) for letter in text] + [0] * (12 - len(text)) for text in texts]
        return torch.tensor(rows)

    def encode_texts(self, tokens: torch.Tensor) -> torch.Tensor:
        self.lengths = [*getattr(self, "lengths", []), (tokens > 0).sum(dim=1).tolist()]
        return super().encode_texts(tokens[:, :6])


def test_texts_are_encoded_from_the_shortest_to_the_longest(store: EmbeddingStore) -> None:
    encoder = PaddedEncoder()
    embed_texts(["abcde", "a", "abc", "xyz", "ab", "abcdefghijkl"], encoder, store, ALONE)
    assert encoder.lengths == [[1, 2], [3, 3], [5, 12]]


@dataclass(frozen=True)
class NamedLate:
    """An image whose name takes as long as it takes the encoder to start; ``error`` is raised in place of the name."""

    id: int
    has_started: threading.Event
    error: MisfireError | None = None

    @property
    def source(self) -> "NamedLate":
        return self

    @property
    def content_sha256(self) -> str:
        assert self.has_started.wait(timeout=30), "the first batch waited for the last name"
        if self.error is not None:
            raise self.error
        return sha256_text("late")

    def load(self) -> Image.Image:
        return Image.new("RGB", (40, 30))


@dataclass
class TellingEncoder(FakeEncoder):
    """Says when it starts."""

    has_started: Any = None

    def encode_images(self, images: torch.Tensor) -> torch.Tensor:
        self.has_started.set()
        return super().encode_images(images)


def test_the_first_batch_does_not_wait_for_the_last_name(
    store: EmbeddingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop_module, "_SECONDS_OF_LOOKING", 0.0)
    started = threading.Event()
    encoder = TellingEncoder(has_started=started)
    report = fill_images([*MANY_IMAGES, NamedLate(-1, started)], encoder, store, TrainerSettings("cpu"))
    assert (report.num_encoded, sum(encoder.encoded)) == (301, 301)


def test_a_name_that_cannot_be_read_stops_the_work_at_once(
    store: EmbeddingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop_module, "_SECONDS_OF_LOOKING", 0.0)
    monkeypatch.setattr(loop_module.ReadAhead, "check", raise_when_known(loop_module.ReadAhead.check))
    missing = NamedLate(-1, threading.Event(), UsageError("an image file must be readable, got none; mend its path."))
    missing.has_started.set()
    encoder = FakeEncoder()
    with pytest.raises(UsageError, match=r"got none; mend its path"):
        fill_images([*MANY_IMAGES, missing], encoder, store, TrainerSettings("cpu", num_workers=0))
    assert encoder.encoded == []


def raise_when_known(check: Any) -> Any:
    """The check, made only once the thread has come to its end."""

    def wait_and_check(scan: Any) -> None:
        while "looking" in {thread.name for thread in threading.enumerate()}:
            threading.Event().wait(0.01)
        check(scan)

    return wait_and_check


@dataclass(frozen=True)
class DeadlyImage:
    """Kills the process that reads it, unless that is the main one."""

    id: int
    main: int
    content_sha256: str = "d" * 64

    @property
    def source(self) -> "DeadlyImage":
        return self

    def load(self) -> Image.Image:
        if os.getpid() != self.main:
            os.kill(os.getpid(), signal.SIGKILL)
        return Image.new("RGB", (40, 30))


def test_a_worker_that_is_killed_is_one_sentence_and_earlier_shards_are_kept(
    encoder: FakeEncoder, store: EmbeddingStore
) -> None:
    images = [*MANY_IMAGES, DeadlyImage(1000, os.getpid())]
    with pytest.raises(MisfireError) as raised:  # whether the worker's last chunk is out or not
        fill_images(images, encoder, store, TrainerSettings("cpu", num_workers=1))
    assert "got one that died (DataLoader worker" in str(raised.value)
    assert "free some memory or set trainer.num_workers=0, and run the command again" in str(raised.value)
    again = FakeEncoder()
    embed_images(images, again, EmbeddingStore(store.root), TrainerSettings("cpu", num_workers=0))
    assert sum(again.encoded) in (301 - 256, 301)  # the worker may have died before the first shard was whole


def test_an_error_in_one_of_two_processes_is_its_own_sentence(store: EmbeddingStore, shards_of_five: None) -> None:
    with pytest.raises(UsageError) as raised:
        fill_texts(TEXTS, FakeEncoder(poisoned="text 6"), store, PAIR)
    assert str(raised.value) == (
        "embeddings must be finite and of length 1, got 1 ('text 6') that are not; "
        "check the weights, or use precision fp32."
    )


@pytest.mark.parametrize("num_texts", [1, 22])
def test_two_devices_encode_each_text_once(tmp_path: Path, num_texts: int, shards_of_five: None) -> None:
    store = EmbeddingStore(tmp_path)
    rows = embed_texts(TEXTS[:num_texts], FakeEncoder(), store, PAIR)
    np.testing.assert_allclose(rows.numpy(), expected_text_rows(TEXTS[:num_texts]), atol=1e-6)
    assert next(iter(store._tables.values())).num_rows == num_texts


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 0}, r"trainer.batch_size must be >= 1, got 0"),
        ({"batch_size": "all"}, r"trainer.batch_size must be >= 1, got all; use auto"),
        ({"num_workers": -1}, r"trainer.num_workers must be >= 0, got -1"),
        ({"strategy": "ddp", "devices": 2}, r"trainer.strategy must be one of .*, got ddp; use ddp_spawn"),
        ({"devices": "auto"}, r"trainer.devices must be 1 for strategy auto, got auto; use trainer=ddp"),
    ],
)
def test_settings_are_checked(settings: dict[str, int | str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        TrainerSettings(**settings)  # type: ignore[arg-type]


def test_batches_and_workers_are_chosen_by_device_and_amount() -> None:
    auto = TrainerSettings()
    assert auto.rows_per_batch(device="cpu", rows_per_shard=256) == 64
    assert auto.rows_per_batch(device="cuda", rows_per_shard=256) == 256
    assert TrainerSettings(batch_size=512).rows_per_batch(device="cpu", rows_per_shard=256) == 256
    ask = {"device": "cpu", "num_processes": 1, "is_small": False, "is_slow_to_read": True}
    assert auto.workers(**ask) >= 1  # type: ignore[arg-type]
    assert auto.workers(**{**ask, "is_small": True}) == 0  # type: ignore[arg-type]
    assert auto.workers(**{**ask, "is_slow_to_read": False}) == 0  # type: ignore[arg-type]
    assert TrainerSettings(num_workers=3).workers(**{**ask, "is_small": True}) == 3  # type: ignore[arg-type]
