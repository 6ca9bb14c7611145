"""Embeddings of texts and images, out of the store where it has them, out of the encoder where it has not."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float

from misfire.core.errors import IntegrityError, UsageError
from misfire.core.progress import say
from misfire.embeddings.encoder import Encoder
from misfire.embeddings.inputs import EncodableImage, ImageInputs, Inputs, TextInputs
from misfire.embeddings.store import EmbeddingKey, EmbeddingStore, EmbeddingTable
from misfire.embeddings.trainer_settings import TrainerSettings


@dataclass(frozen=True)
class FillReport:
    """What filling the store took.

    Attributes:
        num_found: Different inputs that were already there.
        num_encoded: Different inputs that were encoded now.
        num_truncated: Different inputs, found or encoded, whose end was cut off.
    """

    num_found: int
    num_encoded: int
    num_truncated: int


def embed_texts(
    texts: Sequence[str], encoder: Encoder, store: EmbeddingStore, trainer: TrainerSettings
) -> Float[torch.Tensor, "text dim"]:
    """Unit embeddings of texts in fp32 on the CPU, in the order given; an equal text is encoded once.

    Args:
        texts: At least one text.
        encoder: Touched only if the store lacks a text.
        store: Where embeddings are read from and written to.
        trainer: Device and batches, if something must be encoded.

    Raises:
        UsageError: If there is no text, the weights can't be had, an embedding isn't a finite unit row, or the store
            can't be written to.
        IntegrityError: If what is stored isn't what was written.
    """
    return embed_inputs(TextInputs(tuple(texts)), encoder, store, trainer)


def embed_images(
    images: Sequence[EncodableImage], encoder: Encoder, store: EmbeddingStore, trainer: TrainerSettings
) -> Float[torch.Tensor, "image dim"]:
    """Unit embeddings of images in fp32 on the CPU, in the order given; an equal image is encoded once.

    Args:
        images: At least one image.
        encoder: Touched only if the store lacks an image.
        store: Where embeddings are read from and written to.
        trainer: Device and batches, if something must be encoded.

    Raises:
        UsageError: As ``embed_texts`` does, or if an image can't be read.
        IntegrityError: If what is stored isn't what was written.
    """
    return embed_inputs(ImageInputs(tuple(images)), encoder, store, trainer)


def fill_texts(texts: Sequence[str], encoder: Encoder, store: EmbeddingStore, trainer: TrainerSettings) -> FillReport:
    """Put the embeddings of texts into the store, as ``embed_texts`` does, and count."""
    return _report(TextInputs(tuple(texts)), encoder, store, trainer)


def fill_images(
    images: Sequence[EncodableImage], encoder: Encoder, store: EmbeddingStore, trainer: TrainerSettings
) -> FillReport:
    """Put the embeddings of images into the store, as ``embed_images`` does, and count."""
    return _report(ImageInputs(tuple(images)), encoder, store, trainer)


def num_truncated(texts: Sequence[str], encoder: Encoder, store: EmbeddingStore) -> int:
    """How many of some stored texts, repetitions counted, were longer than the encoder's context and were cut.

    Raises:
        UsageError: If a text isn't in the store.
    """
    inputs = TextInputs(tuple(texts))
    return int(_table(inputs, encoder, store).is_truncated(inputs.contents).sum())


def embed_inputs(
    inputs: Inputs, encoder: Encoder, store: EmbeddingStore, trainer: TrainerSettings
) -> Float[torch.Tensor, "item dim"]:
    """Embeddings of inputs of any kind in their order, as ``embed_texts`` and ``embed_images`` give theirs."""
    table, _ = _fill(inputs, encoder, store, trainer)
    return table.gather(inputs.contents)


def _report(inputs: Inputs, encoder: Encoder, store: EmbeddingStore, trainer: TrainerSettings) -> FillReport:
    table, num_encoded = _fill(inputs, encoder, store, trainer)
    distinct = list(dict.fromkeys(inputs.contents))
    table.verify(distinct)
    return FillReport(
        num_found=len(distinct) - num_encoded,
        num_encoded=num_encoded,
        num_truncated=int(table.is_truncated(distinct).sum()),
    )


def _fill(
    inputs: Inputs, encoder: Encoder, store: EmbeddingStore, trainer: TrainerSettings
) -> tuple[EmbeddingTable, int]:
    """The table that now has every input, and how many inputs were encoded for it."""
    if not len(inputs):
        raise UsageError(
            f"there must be at least one {inputs.modality} to encode, got none; check the dataset or subset."
        )
    table = _table(inputs, encoder, store)
    if _has_all(table, inputs):
        return table, 0
    with table.filling() as writer:
        if _has_all(table, inputs):  # another process has encoded them while this one waited
            return table, 0
        from misfire.embeddings.loop import encode
        from misfire.embeddings.missing import MissingInputs

        missing = MissingInputs(inputs, table)
        encode(inputs, missing, encoder, trainer, writer)
        encoded = missing.contents
        _check_complete(table, encoded)
        _warn_of_truncation(table, encoded, encoder)
    return table, len(encoded)


def _has_all(table: EmbeddingTable, inputs: Inputs) -> bool:
    """Whether every input has an embedding; looks no further than the first that has none."""
    if all(content in table for content in inputs.each_content()):
        return True
    table.refresh()
    return all(content in table for content in inputs.each_content())


def _table(inputs: Inputs, encoder: Encoder, store: EmbeddingStore) -> EmbeddingTable:
    return store.table(EmbeddingKey(inputs.modality, encoder.describe()))


def _check_complete(table: EmbeddingTable, encoded: list[str]) -> None:
    num_before = table.num_rows
    absent = table.missing(encoded)
    num_written = table.num_rows - num_before
    if absent or num_written != len(encoded):
        raise IntegrityError(
            f"each input must be encoded exactly once, got {num_written} rows for {len(encoded)} inputs in "
            f"{table.folder}; run the command again with trainer=cpu."
        )


def _warn_of_truncation(table: EmbeddingTable, encoded: list[str], encoder: Encoder) -> None:
    num_cut = int(table.is_truncated(encoded).sum())
    if num_cut:
        length = encoder.context_length
        say(f"Warning: {num_cut:,} of {len(encoded):,} texts are longer than {length} tokens and were cut")
