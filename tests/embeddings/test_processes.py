"""What several processes do to one store; most are forked, so that nothing has to be imported again."""

import contextlib
import errno
import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
import time
from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import lightning_fabric  # noqa: F401  (before the forks)
import numpy as np
import pytest
import torch
from PIL import Image

import misfire.core.files as files_module
import misfire.embeddings.shard as shard_module
from misfire.cli import main
from misfire.core.errors import UsageError
from misfire.core.hashing import sha256_text
from misfire.embeddings import EmbeddingStore, EmbeddingTable, TrainerSettings, embed_texts, fill_images
from misfire.embeddings.inputs import ImageInputs, TextInputs
from misfire.embeddings.shard import ShardWriter

from .conftest import FakeEncoder, expected_text_rows

FORK = multiprocessing.get_context("fork")
TEXTS = [f"text {index}" for index in range(22)]
TRAINER = TrainerSettings(accelerator="cpu", batch_size=4)


def files(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in root.glob("*/*") if path.name != "lock"}


@pytest.fixture
def shards_of_eight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TextInputs, "rows_per_shard", 8)
    monkeypatch.setattr(ImageInputs, "rows_per_shard", 8)


def encode_and_die(root: Path, num_files: int) -> None:
    """Encode, and kill this process once so many files of shards and indexes are written."""
    torch.set_num_threads(1)
    write_bytes, written = shard_module.write_bytes, []

    def write_then_die(path: Path, data: bytes) -> None:
        write_bytes(path, data)
        written.append(path)
        if len(written) == num_files:
            os.kill(os.getpid(), signal.SIGKILL)

    shard_module.write_bytes = write_then_die
    embed_texts(TEXTS, FakeEncoder(), EmbeddingStore(root), TRAINER)


@pytest.mark.parametrize(("num_files", "num_kept"), [(1, 0), (2, 8), (3, 8), (4, 16)])
def test_after_kill_9_only_the_rest_is_encoded_and_the_bytes_are_equal(
    tmp_path: Path, shards_of_eight: None, num_files: int, num_kept: int
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


@dataclass(frozen=True)
class NumberedImage:
    """An image whose number is its colour; notes which process reads it."""

    id: int
    notes: Path

    @property
    def source(self) -> "NumberedImage":
        return self

    @property
    def content_sha256(self) -> str:
        return sha256_text(f"image {self.id}")

    def load(self) -> Image.Image:
        with (self.notes / "readers").open("a") as file:
            file.write(f"{os.getpid()}\n")
        return Image.new("RGB", (4, 4), (self.id % 256, self.id // 256, 0))


@dataclass
class SlowEncoder(FakeEncoder):
    """Takes 8 ms a batch and notes which images it has encoded."""

    notes: Path = Path()

    def encode_images(self, images: torch.Tensor) -> torch.Tensor:
        time.sleep(0.008)
        numbers = (images[:, 0, 0, 0] + 256 * images[:, 1, 0, 0]).int().tolist()
        with (self.notes / "encoded").open("a") as file:
            file.write("".join(f"{number}\n" for number in numbers))
        return super().encode_images(images)


def encode_images(root: Path, notes: Path, num_images: int, trainer: TrainerSettings) -> None:
    torch.set_num_threads(1)
    # Whoever has asked how many GPUs there are may not fork and use one; these processes use none.
    torch.cuda._is_in_bad_fork = lambda: False
    notes.mkdir(exist_ok=True)
    with Path(os.devnull).open("w") as silence, contextlib.redirect_stderr(silence):
        images = [NumberedImage(number, notes) for number in range(num_images)]
        fill_images(images, SlowEncoder(notes=notes), EmbeddingStore(root), trainer)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until_gone(pids: set[int]) -> None:
    end = time.monotonic() + 10
    while any(is_running(pid) for pid in pids):
        assert time.monotonic() < end, "a child outlived its parent"
        time.sleep(0.01)


NUM_KILLED = 600
"""Images that are encoded by processes that are killed: more than ten of them get to before."""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What a process that nobody kills writes, whatever its settings."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ImageInputs, "rows_per_shard", 8)
        encode_images(folder / "store", folder / "notes", NUM_KILLED, TRAINER)
    return files(folder / "store")


@pytest.mark.parametrize(
    ("trainer", "num_in_flight"),
    [
        (TrainerSettings("cpu", batch_size=4, num_workers=0), 1),
        (TrainerSettings("cpu", batch_size=4, num_workers=1), 1),
        (TrainerSettings("cpu", 2, "ddp_fork", batch_size=4, num_workers=0), 2),
    ],
)
def test_ten_kills_at_random_moments_change_no_byte_and_cost_at_most_the_shard_in_flight(
    tmp_path: Path, shards_of_eight: None, undisturbed: dict[str, bytes], trainer: TrainerSettings, num_in_flight: int
) -> None:
    draw, num_kills, notes = random.Random(0), 0, tmp_path / "notes"
    notes.mkdir()
    (notes / "encoded").touch()
    arguments = (tmp_path / "killed", notes, NUM_KILLED, trainer)
    while num_kills < 10:
        before = (notes / "encoded").stat().st_size
        process = FORK.Process(target=encode_images, args=arguments)
        process.start()
        while (notes / "encoded").stat().st_size == before:
            assert process.is_alive(), "the work was over before the tenth kill"
            time.sleep(0.002)
        time.sleep(draw.uniform(0, 0.06))
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        num_kills += 1
    assert 10 < len(files(tmp_path / "killed")) < len(undisturbed)
    encode_images(*arguments)
    assert files(tmp_path / "killed") == undisturbed

    counts = Counter((notes / "encoded").read_text().split())
    assert set(counts) == {str(number) for number in range(NUM_KILLED)}
    assert counts.total() - NUM_KILLED <= num_kills * num_in_flight * 8


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel kills children of a dead parent on Linux alone")
@pytest.mark.parametrize(
    "trainer",
    [
        TrainerSettings("cpu", batch_size=4, num_workers=2),
        TrainerSettings("cpu", 2, "ddp_fork", batch_size=4, num_workers=1),
    ],
)
def test_no_child_outlives_a_killed_parent(tmp_path: Path, shards_of_eight: None, trainer: TrainerSettings) -> None:
    notes = tmp_path / "notes"
    process = FORK.Process(target=encode_images, args=(tmp_path / "store", notes, 5000, trainer))
    process.start()
    end = time.monotonic() + 60
    while not (notes / "encoded").exists():
        assert time.monotonic() < end
        time.sleep(0.01)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    readers = {int(pid) for pid in (notes / "readers").read_text().split()}
    assert readers
    assert process.pid not in readers
    wait_until_gone(readers)
    before = files(tmp_path / "store"), (notes / "encoded").stat().st_size
    time.sleep(0.2)
    assert (files(tmp_path / "store"), (notes / "encoded").stat().st_size) == before


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


def test_who_waits_for_another_process_says_so(
    store: EmbeddingStore,
    encoder: FakeEncoder,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(files_module, "_SECONDS_BEFORE_SAYING_SO", 0.05)
    holds, may_go = FORK.Event(), FORK.Event()
    filling = EmbeddingTable.filling

    @contextlib.contextmanager
    def fill_slowly(table: EmbeddingTable):  # type: ignore[no-untyped-def]
        with filling(table) as writer:
            holds.set()
            may_go.wait(timeout=60)
            yield writer

    def encode() -> None:
        torch.set_num_threads(1)
        EmbeddingTable.filling = fill_slowly  # type: ignore[method-assign]
        embed_texts(TEXTS, FakeEncoder(), EmbeddingStore(store.root), TRAINER)

    process = FORK.Process(target=encode)
    process.start()
    assert holds.wait(timeout=60)
    said: list[str] = []

    def say_and_let_go(line: str) -> None:
        said.append(line)
        may_go.set()

    monkeypatch.setattr("misfire.embeddings.store.say", say_and_let_go)
    embed_texts(TEXTS, encoder, store, TRAINER)
    process.join(timeout=60)
    assert said == ["Waiting for another process that is encoding into the same store"]
    assert encoder.encoded == []


def test_a_disk_that_fills_up_is_one_sentence_and_the_work_goes_on_afterwards(
    tmp_path: Path, shards_of_eight: None
) -> None:
    told = FORK.Queue()

    def encode_on_a_full_disk() -> None:
        torch.set_num_threads(1)
        # The kernel refuses every byte after the first 600 of a file: indexes and shards here are larger or near.
        resource.setrlimit(resource.RLIMIT_FSIZE, (600, resource.RLIM_INFINITY))
        try:
            embed_texts(TEXTS, FakeEncoder(), EmbeddingStore(tmp_path / "full"), TRAINER)
        except UsageError as error:
            told.put(str(error))

    process = FORK.Process(target=encode_on_a_full_disk)
    process.start()
    sentence = told.get(timeout=60)
    process.join(timeout=60)
    assert f"with free space that can be written to, got {os.strerror(errno.EFBIG)} for" in sentence
    assert not list((tmp_path / "full").glob("*/.*.tmp"))
    assert not list((tmp_path / "full").glob("*/*.parquet"))
    embed_texts(TEXTS, FakeEncoder(), EmbeddingStore(tmp_path / "full"), TRAINER)
    embed_texts(TEXTS, FakeEncoder(), EmbeddingStore(tmp_path / "whole"), TRAINER)
    assert files(tmp_path / "full") == files(tmp_path / "whole")


def test_two_cpu_processes_give_the_bundled_backbone_the_same_store_bit_for_bit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # 300 images are two shards, so that either process has one.
    def command(root: Path) -> list[str]:
        return ["embed", "dataset=world", "dataset.num_images=300", "backbone=world_clip", f"paths.root={root}"]

    assert main([*command(tmp_path / "alone"), "trainer=cpu"]) == 0
    alone = capsys.readouterr().out
    assert "300 encoded         0 found" in alone
    expected = files(tmp_path / "alone" / "embeddings")
    # Each kind of input starts two processes, which take long to import what they need: captions are there already.
    keys = (tmp_path / "alone" / "embeddings").glob("*/key.json")
    (texts,) = [path.parent for path in keys if json.loads(path.read_text())["modality"] == "text"]
    shutil.copytree(texts, tmp_path / "pair" / "embeddings" / texts.name)
    two = ("trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2", "trainer.num_workers=0")
    assert main([*command(tmp_path / "pair"), *two]) == 0
    assert capsys.readouterr().out.splitlines()[1] == alone.splitlines()[1]
    assert len([name for name in expected if name.endswith(".parquet")]) == 4
    assert files(tmp_path / "pair" / "embeddings") == expected
