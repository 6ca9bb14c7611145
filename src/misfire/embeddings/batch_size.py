"""The largest batch that fits the device's memory, found by trying."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch

from misfire.core.errors import UsageError
from misfire.core.progress import say


@dataclass
class FittingBatch:
    """How many rows fit at once, as far as is known; halved when the device's memory is exhausted.

    Args:
        rows: The most rows to try.
    """

    rows: int

    def run(self, encode: Callable[[torch.Tensor], torch.Tensor], batch: torch.Tensor) -> torch.Tensor:
        """The rows of a batch, encoded in as many parts as its size asks for; no part is encoded twice.

        Raises:
            UsageError: If a single input doesn't fit.
        """
        parts: list[torch.Tensor] = []
        start = 0
        while start < len(batch):
            part = batch[start : start + self.rows]
            try:
                parts.append(encode(part))
                start += len(part)
            except torch.cuda.OutOfMemoryError as error:
                if len(part) == 1:
                    raise UsageError(
                        "the GPU's memory must hold the network and one input, got too little; "
                        "free it, use backbone.precision=bf16, or trainer=cpu."
                    ) from error
                self.rows = len(part) // 2
            if self.rows < len(part):  # outside the handler, whose traceback keeps the failed part's memory
                torch.cuda.empty_cache()
                say(f"A batch of {len(part)} doesn't fit the GPU's memory, going on with {self.rows}")
        return torch.cat(parts)


@lru_cache(maxsize=16)
def fitting_batch(fingerprint: str, modality: str, device: str, rows: int) -> FittingBatch:
    """What is known in this process about an encoder on a device, starting from ``rows``."""
    return FittingBatch(rows)
