"""The Lightning loop that runs an encoder over inputs on whatever accelerator there is."""

import logging
from collections.abc import Iterable
from functools import partial
from typing import Any

import torch

from misfire.core.errors import MisfireError
from misfire.core.progress import say, track
from misfire.embeddings.encoder import Encoder
from misfire.embeddings.inputs import Inputs
from misfire.embeddings.store import ShardWriter
from misfire.embeddings.trainer_settings import TrainerSettings

# Their banners say nothing that a user can act on; set here, because a spawned process imports this module first.
for _talkative in ("lightning_fabric.utilities.distributed", "lightning_fabric.utilities.rank_zero"):
    logging.getLogger(_talkative).setLevel(logging.WARNING)


def encode(inputs: Inputs, encoder: Encoder, settings: TrainerSettings, writer: ShardWriter) -> None:
    """Encode every input once and hand each batch to the writer.

    With several devices each process takes every n-th input and commits shards of its own, so nothing is padded.
    """
    from lightning_fabric import Fabric

    accelerator: Any = settings.accelerator
    fabric: Any = Fabric(accelerator=accelerator, devices=settings.devices, strategy=settings.strategy)
    precision = encoder.describe().get("precision", "fp32")
    device = fabric.device.type
    say(f"Encoding {len(inputs):,} {inputs.modality}s with {encoder.name} ({precision}, {device})")
    # Bound beforehand, because Lightning takes the arguments that it passes on itself apart.
    fabric.launch(partial(_encode_share, inputs=inputs, encoder=encoder, settings=settings, writer=writer))


def share_of(num_inputs: int, *, rank: int, num_processes: int) -> range:
    """Positions of the inputs that one process encodes: every input belongs to exactly one process.

    Example:
        >>> [list(share_of(5, rank=rank, num_processes=2)) for rank in range(2)]
        [[0, 2, 4], [1, 3]]
    """
    return range(rank, num_inputs, num_processes)


def _encode_share(
    fabric: Any, inputs: Inputs, encoder: Encoder, settings: TrainerSettings, writer: ShardWriter
) -> None:
    share = inputs.select(share_of(len(inputs), rank=fabric.global_rank, num_processes=fabric.world_size))
    fabric.to_device(encoder.module())
    batches: Iterable[torch.Tensor | MisfireError] = share.batches(encoder, settings)
    if fabric.global_rank == 0:
        what = f"encoding {inputs.modality}s"
        batches = track(batches, total=len(share), what=what, unit=settings.batch_size)
    try:
        for number, batch in enumerate(batches):
            if isinstance(batch, MisfireError):
                raise batch
            start = number * settings.batch_size
            part = share.select(range(start, min(start + settings.batch_size, len(share))))
            rows = part.encode(encoder, fabric.to_device(batch))
            writer.append(part.contents, rows, part.is_truncated(encoder), part.names)
    finally:
        writer.commit()  # an interrupt or a bad input keeps the work done so far
