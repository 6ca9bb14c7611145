import errno
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
import torch
from PIL import Image

import misfire.embeddings.shard as shard_module
import misfire.embeddings.store as store_module
from misfire.core.errors import IntegrityError, UsageError
from misfire.core.hashing import sha256_text
from misfire.embeddings import (
    EmbeddingStore,
    FillReport,
    TrainerSettings,
    embed_images,
    embed_texts,
    fill_images,
    fill_texts,
    num_truncated,
)
from misfire.embeddings.inputs import ImageInputs, TextInputs

from .conftest import FakeEncoder, expected_text_rows, solid_images

TEXTS = ["a cat", "two dogs", "a cat", "a bird over a lake", "", "größer"]


class BrokenImage:
    def __init__(self, number: int = 7) -> None:
        self.id = number
        self.content_sha256 = str(number) * 64

    @property
    def source(self) -> "BrokenImage":
        return self

    def load(self) -> Image.Image:
        raise UsageError(f"image {self.id} must be whole, got 10 bytes; fetch it again.")


def test_texts_come_in_the_order_given_and_equal_ones_are_encoded_once(
    encoder: FakeEncoder, store: EmbeddingStore, trainer: TrainerSettings
) -> None:
    rows = embed_texts(TEXTS, encoder, store, trainer)
    np.testing.assert_allclose(rows.numpy(), expected_text_rows(TEXTS), atol=1e-6)
    assert rows.dtype == torch.float32
    assert encoder.encoded == [4, 1]


def test_the_second_time_nothing_is_encoded_even_in_a_new_process(
    encoder: FakeEncoder, store: EmbeddingStore, trainer: TrainerSettings
) -> None:
    first = embed_texts(TEXTS, encoder, store, trainer)
    encoder.encoded.clear()
    assert torch.equal(embed_texts(TEXTS, encoder, store, trainer), first)
    assert torch.equal(embed_texts(TEXTS[::-1], encoder, EmbeddingStore(store.root), trainer), first.flip(0))
    assert encoder.encoded == []


def test_only_missing_texts_are_encoded_and_counted(
    encoder: FakeEncoder, store: EmbeddingStore, trainer: TrainerSettings
) -> None:
    assert fill_texts(TEXTS[:2], encoder, store, trainer) == FillReport(num_found=0, num_encoded=2, num_truncated=0)
    assert fill_texts(TEXTS, encoder, store, trainer) == FillReport(num_found=2, num_encoded=3, num_truncated=1)
    assert encoder.encoded == [2, 3]


def test_images_are_named_by_their_content(
    encoder: FakeEncoder, store: EmbeddingStore, trainer: TrainerSettings
) -> None:
    images = solid_images((255, 0, 0), (0, 0, 255), (255, 0, 0))
    rows = embed_images(images, encoder, store, trainer)
    red = np.array([256, 1, 1] * 2) / np.linalg.norm([256, 1, 1] * 2)
    np.testing.assert_allclose(rows[0].numpy(), red, atol=1e-6)
    assert torch.equal(rows[0], rows[2])
    assert encoder.encoded == [2]
    assert fill_images(images, encoder, store, trainer) == FillReport(num_found=2, num_encoded=0, num_truncated=0)


def test_images_and_texts_do_not_share_a_table(
    encoder: FakeEncoder, store: EmbeddingStore, trainer: TrainerSettings
) -> None:
    embed_images(solid_images((1, 2, 3)), encoder, store, trainer)
    embed_texts([repr((1, 2, 3))], encoder, store, trainer)  # the content's hash is equal
    assert len(list(store.root.iterdir())) == 2
    assert encoder.encoded == [1, 1]


def test_workers_decode_images_to_the_same_rows(
    encoder: FakeEncoder, store: EmbeddingStore, trainer: TrainerSettings, tmp_path
) -> None:
    images = solid_images(*[(index, 2 * index, 255 - index) for index in range(10)])
    with_workers = TrainerSettings(accelerator="cpu", batch_size=4, num_workers=2)
    alone = embed_images(images, encoder, store, trainer)
    assert torch.equal(embed_images(images, encoder, EmbeddingStore(tmp_path / "other"), with_workers), alone)


def test_truncated_texts_are_reported_and_recorded(
    encoder: FakeEncoder, store: EmbeddingStore, trainer: TrainerSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    embed_texts(["one two three four", "one two", "a b c d e"], encoder, store, trainer)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "Encoding 3 texts with fake (fp32, cpu)",
        "Warning: 2 of 3 texts are longer than 3 tokens and were cut",
    ]
    assert num_truncated(["a b c d e", "one two", "a b c d e"], encoder, EmbeddingStore(store.root)) == 2


def test_a_stored_text_says_nothing(
    encoder: FakeEncoder, store: EmbeddingStore, trainer: TrainerSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    embed_texts(["one two three four"], encoder, store, trainer)
    capsys.readouterr()
    embed_texts(["one two three four"], encoder, store, trainer)
    assert capsys.readouterr().err == ""


def test_no_input_is_refused(encoder: FakeEncoder, store: EmbeddingStore, trainer: TrainerSettings) -> None:
    with pytest.raises(UsageError, match=r"at least one text to encode, got none"):
        embed_texts([], encoder, store, trainer)
    with pytest.raises(UsageError, match=r"at least one image to encode, got none"):
        embed_images([], encoder, store, trainer)


@pytest.fixture
def shards_of_four(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TextInputs, "rows_per_shard", 4)
    monkeypatch.setattr(ImageInputs, "rows_per_shard", 4)


def test_a_nan_is_refused_and_earlier_shards_are_kept(
    store: EmbeddingStore, trainer: TrainerSettings, shards_of_four: None
) -> None:
    texts = sorted((f"text {index}" for index in range(10)), key=sha256_text)  # the order of texts of one length
    with pytest.raises(UsageError, match=rf"finite and of length 1, got 1 \('{texts[6]}'\)"):
        embed_texts(texts, FakeEncoder(poisoned=texts[6]), store, trainer)
    healthy = FakeEncoder()
    embed_texts(texts, healthy, EmbeddingStore(store.root), trainer)
    assert healthy.encoded == [4, 2]


def test_a_text_that_is_not_stored_has_no_truncation(encoder: FakeEncoder, store: EmbeddingStore) -> None:
    with pytest.raises(UsageError, match=r"got 1 of which 1 .* are not; encode them first"):
        num_truncated(["a cat"], encoder, store)


@pytest.mark.parametrize("num_workers", [0, 1])
def test_an_image_that_cannot_be_read_is_one_sentence_and_earlier_shards_are_kept(
    store: EmbeddingStore, num_workers: int, shards_of_four: None
) -> None:
    images = [*solid_images(*[(index, 0, 0) for index in range(6)]), BrokenImage()]
    trainer = TrainerSettings(accelerator="cpu", batch_size=4, num_workers=num_workers)
    with pytest.raises(UsageError) as raised:
        embed_images(images, FakeEncoder(), store, trainer)
    assert str(raised.value) == "image 7 must be whole, got 10 bytes; fetch it again."
    healthy = FakeEncoder()
    embed_images(images[:-1], healthy, EmbeddingStore(store.root), trainer)
    assert healthy.encoded == [2]


def test_several_images_that_cannot_be_read_are_counted_to_the_end_of_the_shard(
    encoder: FakeEncoder, store: EmbeddingStore, trainer: TrainerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageInputs, "rows_per_shard", 8)
    images = [*solid_images((1, 0, 0)), BrokenImage(1), *solid_images((2, 0, 0), (3, 0, 0)), BrokenImage(2)]
    later = [*solid_images((4, 0, 0), (5, 0, 0), (6, 0, 0)), BrokenImage(3)]
    with pytest.raises(UsageError) as raised:
        embed_images([*images, *later], encoder, store, trainer)
    assert str(raised.value) == (
        "each image must be readable, got 2 (image 1, image 2) that are not, and of the first: "
        "image 1 must be whole, got 10 bytes; fetch it again."
    )
    assert encoder.encoded == []


def test_filling_verifies_what_it_reports_as_found(
    encoder: FakeEncoder, store: EmbeddingStore, trainer: TrainerSettings
) -> None:
    fill_texts(TEXTS, encoder, store, trainer)
    (shard,) = store.root.glob("*/*.safetensors")
    shard.write_bytes(shard.read_bytes()[:-1] + b"x")
    with pytest.raises(IntegrityError, match=rf"must have the SHA-256 .*{shard.name}; delete this file"):
        fill_texts(TEXTS, encoder, EmbeddingStore(store.root), trainer)


def test_a_store_that_is_read_only_serves_what_it_holds_and_refuses_the_rest(
    encoder: FakeEncoder, store: EmbeddingStore, trainer: TrainerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = embed_texts(TEXTS, encoder, store, trainer)

    def refuse(path: Path, **_: object) -> NoReturn:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr(store_module, "locked", refuse)
    monkeypatch.setattr(shard_module, "write_bytes", refuse)
    read_only = EmbeddingStore(store.root)
    assert torch.equal(embed_texts(TEXTS, encoder, read_only, trainer), rows)
    assert fill_texts(TEXTS, encoder, read_only, trainer).num_found == 5
    with pytest.raises(UsageError, match=r"can be written to, got Read-only file system for .*; free some space"):
        embed_texts(["another text"], encoder, read_only, trainer)


def test_a_moved_store_is_not_encoded_again(
    encoder: FakeEncoder, store: EmbeddingStore, trainer: TrainerSettings, tmp_path: Path
) -> None:
    rows = embed_texts(TEXTS, encoder, store, trainer)
    moved = EmbeddingStore(store.root.rename(tmp_path / "elsewhere"))
    encoder.encoded.clear()
    assert torch.equal(embed_texts(TEXTS, encoder, moved, trainer), rows)
    assert encoder.encoded == []


def test_the_loop_leaves_no_litter(
    encoder: FakeEncoder, store: EmbeddingStore, trainer: TrainerSettings, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    embed_texts(["a cat"], encoder, store, trainer)
    assert [path.name for path in tmp_path.iterdir()] == ["store"]
