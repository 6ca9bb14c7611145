"""Reads inputs ahead of the network, in worker processes where that pays."""

import os
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from multiprocessing.connection import wait
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from misfire.embeddings.encoder import Encoder
from misfire.embeddings.inputs import Chunk, Inputs
from misfire.embeddings.processes import death, die_with

_CHUNKS_AHEAD = 4  # of each worker; together a batch or more
_SECONDS_TO_DIE = 2.0


@dataclass(frozen=True)
class Cuts:
    """Where a run of inputs is cut: shards into batches, batches into chunks.

    Example:
        >>> list(Cuts(rows_per_shard=5, rows_per_batch=3, rows_per_chunk=2).chunks(range(8)))
        [[0, 1], [2], [3, 4], [5, 6], [7]]
    """

    rows_per_shard: int
    rows_per_batch: int
    rows_per_chunk: int

    def chunks(self, positions: Iterable[int]) -> Iterator[list[int]]:
        """The positions chunk by chunk."""
        remaining = iter(positions)
        for size in cycle(self._chunk_sizes()):
            chunk = list(islice(remaining, size))
            if not chunk:
                return
            yield chunk

    def batches(self, chunks: Iterable[Chunk]) -> Iterator[tuple[list[Chunk], bool]]:
        """The chunks of each batch, and whether it completes a shard."""
        held: list[Chunk] = []
        num_held = num_in_shard = 0
        for chunk in chunks:
            held.append(chunk)
            num_held += len(chunk.positions)
            num_in_shard += len(chunk.positions)
            is_complete = num_in_shard == self.rows_per_shard
            if is_complete or num_held == self.rows_per_batch:
                yield held, is_complete
                held, num_held = [], 0
                num_in_shard = 0 if is_complete else num_in_shard
        if held:
            yield held, True

    def _chunk_sizes(self) -> list[int]:
        return [
            size
            for batch in _sizes(self.rows_per_shard, self.rows_per_batch)
            for size in _sizes(batch, self.rows_per_chunk)
        ]


@contextmanager
def reading(
    inputs: Inputs, encoder: Encoder, chunks: Iterable[list[int]], *, num_workers: int, pin_memory: bool
) -> Iterator[Iterator[Chunk]]:
    """Start reading the inputs, chunk by chunk; the iterator yielded hands them over in order.

    Args:
        inputs: What is read.
        encoder: Preprocesses and tokenizes.
        chunks: Positions of the inputs; looked at only after the workers have been forked.
        num_workers: Processes that read; 0 reads in this one when the next chunk is asked for.
        pin_memory: Whether chunks go to a GPU, which copies from pinned memory in the background.
    """
    # Forking takes milliseconds, where a new interpreter would import torch first; it is safe on Linux alone.
    start_method = "fork" if num_workers and sys.platform == "linux" else None
    if num_workers:
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # its threads don't survive a fork
    loader: Any = DataLoader(
        _Reading(inputs, encoder),
        batch_size=None,
        sampler=chunks,
        collate_fn=_as_it_is,
        num_workers=num_workers,
        prefetch_factor=_CHUNKS_AHEAD if num_workers else None,
        pin_memory=pin_memory,
        worker_init_fn=partial(_begin_work, parent=os.getpid()),
        multiprocessing_context=start_method,
        generator=torch.Generator(),  # the global one is the caller's
    )
    chunk_iterator = iter(loader)
    try:
        yield _checked(chunk_iterator) if num_workers else chunk_iterator
    finally:
        if num_workers:
            # Left to the collector, which an error's traceback holds up, a dead worker would be told of once more
            # when any child of this process ends, wherever it is then.
            chunk_iterator._shutdown_workers()


def _checked(chunks: Any) -> Iterator[Chunk]:
    """The chunks; one that a dead worker still had in its hands fails as a broken connection."""
    try:
        yield from chunks
    except (OSError, EOFError) as error:
        # The connection may break before the kernel says that its worker is gone.
        if not wait([worker.sentinel for worker in chunks._workers], timeout=_SECONDS_TO_DIE):
            raise
        raise death("DataLoader worker") from error


@dataclass(frozen=True)
class _Reading(Dataset[Chunk]):
    inputs: Inputs
    encoder: Encoder

    def __getitem__(self, positions: list[int]) -> Chunk:
        return self.inputs.read(positions, self.encoder)


def _begin_work(_: int, *, parent: int) -> None:
    die_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends the work
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # as it ends this process
    if hasattr(os, "nice"):
        os.nice(5)  # beside a network that computes on these cores, one of whose threads would hold up the others


def _as_it_is(chunk: Any) -> Any:
    return chunk


def _sizes(total: int, part: int) -> list[int]:
    return [min(part, total - start) for start in range(0, total, part)]
