"""The Lightning loop that runs an encoder over inputs on whatever accelerator there is."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
import torch

from misfire.core.errors import name_some
from misfire.core.progress import say, track
from misfire.embeddings.batch_size import fitting_batch
from misfire.embeddings.encoder import Encoder
from misfire.embeddings.inputs import Chunk, Inputs, TextInputs
from misfire.embeddings.missing import MissingInputs, ReadAhead
from misfire.embeddings.processes import clear_process_errors
from misfire.embeddings.reading import Cuts, reading
from misfire.embeddings.shard import ShardWriter
from misfire.embeddings.trainer_settings import TrainerSettings

# Their banners say nothing that a user can act on; set here, because a spawned process imports this module first.
for _talkative in ("lightning_fabric.utilities.distributed", "lightning_fabric.utilities.rank_zero"):
    logging.getLogger(_talkative).setLevel(logging.WARNING)

_FEW = 128  # inputs that are read faster than worker processes start
_SECONDS_OF_LOOKING = 0.5  # for what is missing before the first batch; most datasets have been looked through by then


@dataclass(frozen=True)
class _Work:
    """Which inputs are encoded, with what; ``positions`` may still be growing where there is one process."""

    inputs: Inputs
    positions: Iterable[int]
    most: Callable[[], int]
    scan: ReadAhead | None
    encoder: Encoder
    settings: TrainerSettings
    writer: ShardWriter


def encode(
    inputs: Inputs, missing: MissingInputs, encoder: Encoder, settings: TrainerSettings, writer: ShardWriter
) -> None:
    """Encode every missing input once and commit the rows shard by shard.

    The missing inputs, in their order (texts: by length), are cut into shards of a fixed size. With several devices
    each process takes every n-th shard whole. So the files are the same whoever encodes them, nothing is padded, and
    after a kill what remains is cut as before, because all shards but the last are of one size.

    Raises:
        MisfireError: What stops the work; whole shards that were done before it are kept.
    """
    fabric = _fabric(settings)
    work = _plan(inputs, missing, encoder, settings, writer, is_alone=fabric.world_size == 1)
    precision, device = encoder.describe().get("precision", "fp32"), fabric.device.type
    count = f"{work.most():,}" if work.scan is None else f"at most {work.most():,}"
    say(f"Encoding {count} {inputs.modality}s with {encoder.name} ({precision}, {device})")
    with clear_process_errors():
        # Bound beforehand, because Lightning takes the arguments that it passes on itself apart.
        fabric.launch(partial(_encode_share, work=work))


def share_of(positions: Iterable[int], *, rows_per_shard: int, rank: int, num_processes: int) -> Iterator[int]:
    """Positions of the inputs that one process encodes, whole shards: every input belongs to exactly one process.

    Example:
        >>> [list(share_of(range(7), rows_per_shard=2, rank=rank, num_processes=2)) for rank in range(2)]
        [[0, 1, 4, 5], [2, 3, 6]]
    """
    return (position for number, position in enumerate(positions) if number // rows_per_shard % num_processes == rank)


def _fabric(settings: TrainerSettings) -> Any:
    from lightning_fabric import Fabric

    accelerator: Any = settings.accelerator
    if settings.strategy == "auto":
        return Fabric(accelerator=accelerator, devices=settings.devices)
    from misfire.embeddings.several_devices import MortalDDPStrategy

    strategy = MortalDDPStrategy(start_method=settings.strategy.removeprefix("ddp_"))
    return Fabric(accelerator=accelerator, devices=settings.devices, strategy=strategy)


def _plan(
    inputs: Inputs,
    missing: MissingInputs,
    encoder: Encoder,
    settings: TrainerSettings,
    writer: ShardWriter,
    *,
    is_alone: bool,
) -> _Work:
    first = missing.first(seconds=_SECONDS_OF_LOOKING)
    if is_alone and not missing.is_complete and not isinstance(inputs, TextInputs):
        scan = ReadAhead(missing)
        return _Work(inputs, chain(first, scan), lambda: missing.most, scan, encoder, settings, writer)
    chosen = inputs.select([*first, *missing])
    if isinstance(chosen, TextInputs):
        chosen = chosen.by_length(encoder)
    return _Work(chosen, range(len(chosen)), chosen.__len__, None, encoder, settings, writer)


def _encode_share(fabric: Any, work: _Work) -> None:
    with clear_process_errors():
        _run(fabric, work)


def _run(fabric: Any, work: _Work) -> None:
    inputs, device = work.inputs, fabric.device.type
    rows_per_batch = work.settings.rows_per_batch(device=device, rows_per_shard=inputs.rows_per_shard)
    cuts = Cuts(inputs.rows_per_shard, rows_per_batch, inputs.rows_per_chunk)
    share = share_of(
        work.positions, rows_per_shard=inputs.rows_per_shard, rank=fabric.global_rank, num_processes=fabric.world_size
    )
    num_workers = work.settings.workers(
        device=device,
        num_processes=fabric.world_size,
        is_small=work.most() <= _FEW * fabric.world_size,
        is_slow_to_read=inputs.is_slow_to_read,
    )
    reader = reading(inputs, work.encoder, cuts.chunks(share), num_workers=num_workers, pin_memory=device == "cuda")
    try:
        with reader as chunks:
            fabric.to_device(work.encoder.module())  # weights are loaded while the workers read
            _encode_batches(fabric, work, _shown(cuts.batches(chunks), fabric, work, rows_per_batch), rows_per_batch)
    finally:
        if work.scan is not None:
            work.scan.stop()


def _shown(
    batches: Iterator[tuple[list[Chunk], bool]], fabric: Any, work: _Work, rows_per_batch: int
) -> Iterator[tuple[list[Chunk], bool]]:
    if fabric.global_rank > 0:
        return batches
    unit = rows_per_batch * fabric.world_size  # the others are about as far
    return track(batches, total=work.most, what=f"encoding {work.inputs.modality}s", unit=unit)


def _encode_batches(fabric: Any, work: _Work, batches: Iterator[tuple[list[Chunk], bool]], rows_per_batch: int) -> None:
    inputs, encoder, writer = work.inputs, work.encoder, work.writer
    fitting = fitting_batch(encoder.fingerprint, inputs.modality, str(fabric.device), rows_per_batch)
    for chunks, completes_shard in batches:
        if work.scan is not None:
            work.scan.check()
        if any(chunk.errors for chunk in chunks):
            _refuse(inputs, chunks, batches, completes_shard)
        moved = [chunk.batch.to(fabric.device, non_blocking=True) for chunk in chunks]
        rows = fitting.run(partial(inputs.encode, encoder), moved[0] if len(moved) == 1 else torch.cat(moved))
        positions = [position for chunk in chunks for position in chunk.positions]
        writer.append(
            [inputs.content(position) for position in positions],
            rows,
            np.concatenate([chunk.truncated for chunk in chunks]),
            [inputs.name(position) for position in positions],
        )
        if completes_shard:
            writer.commit()
    writer.commit()


def _refuse(
    inputs: Inputs, chunks: list[Chunk], batches: Iterator[tuple[list[Chunk], bool]], completes_shard: bool
) -> None:
    """Raise the error of an input that can't be read; read to the end of the shard, so that its like are told, too."""
    errors = [error for chunk in chunks for error in chunk.errors]
    while not completes_shard and (more := next(batches, None)) is not None:
        errors += [error for chunk in more[0] for error in chunk.errors]
        completes_shard = more[1]
    first = errors[0][1]
    if len(errors) == 1:
        raise first
    names = name_some(inputs.name(position) for position, _ in errors)
    raise type(first)(f"each {inputs.modality} must be readable, got {names} that are not, and of the first: {first}")
