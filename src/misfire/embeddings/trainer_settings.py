"""On what the encoder runs; no part of any key."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from misfire.core.errors import UsageError

ACCELERATORS = ("auto", "cpu", "gpu", "cuda", "mps", "tpu")
STRATEGIES = ("auto", "ddp_spawn", "ddp_fork")

_ROWS_ON_A_CPU = 64  # small models are fastest there, large ones don't mind
_MOST_WORKERS = 16
_SHARED_BYTES_A_WORKER = 2**25  # what a worker's finished chunks may take of /dev/shm, which a container makes small


@dataclass(frozen=True)
class TrainerSettings:
    """Device and batches of the encoding loop.

    Args:
        accelerator: Lightning's name, one of ``ACCELERATORS``.
        devices: How many, or ``auto`` for all.
        strategy: ``auto`` for one device; ``ddp_spawn`` (or ``ddp_fork`` on CPUs) for several. Lightning's plain
            ``ddp`` is refused because it would run the whole command once more in each process.
        batch_size: Inputs a batch; ``auto`` is 64 on a CPU and elsewhere a whole shard. A batch that doesn't fit the
            GPU's memory is halved, and so are those after it.
        num_workers: Processes that decode and preprocess, for each device; 0 does it in the main one. ``auto`` takes
            as many as there are cores for images (for texts only beside a GPU), and none for a small fill.

    Raises:
        UsageError: If a number is out of range or the strategy doesn't fit the devices.
    """

    accelerator: str = "auto"
    devices: int | str = 1
    strategy: str = "auto"
    batch_size: int | str = "auto"
    num_workers: int | str = "auto"

    def __post_init__(self) -> None:
        if self.accelerator not in ACCELERATORS:
            raise UsageError(
                f"trainer.accelerator must be one of {', '.join(ACCELERATORS)}, got {self.accelerator}; auto takes "
                "what there is."
            )
        if not _is_auto_or_at_least(1, self.batch_size):
            raise UsageError(f"trainer.batch_size must be >= 1, got {self.batch_size}; use auto.")
        if not _is_auto_or_at_least(0, self.num_workers):
            raise UsageError(f"trainer.num_workers must be >= 0, got {self.num_workers}; use auto.")
        if self.strategy not in STRATEGIES:
            raise UsageError(
                f"trainer.strategy must be one of {', '.join(STRATEGIES)}, got {self.strategy}; "
                "use ddp_spawn for several devices."
            )
        if self.strategy == "auto" and self.devices != 1:
            raise UsageError(
                f"trainer.devices must be 1 for strategy auto, got {self.devices}; use trainer=ddp for several devices."
            )

    def rows_per_batch(self, *, device: str, rows_per_shard: int) -> int:
        """Inputs of the first batch; a batch lies within a shard."""
        if isinstance(self.batch_size, int):
            return min(self.batch_size, rows_per_shard)
        return min(_ROWS_ON_A_CPU, rows_per_shard) if device == "cpu" else rows_per_shard

    def workers(self, *, device: str, num_processes: int, is_small: bool, is_slow_to_read: bool) -> int:
        """Processes that read ahead for one device.

        Args:
            device: Its type.
            num_processes: How many devices share this machine's cores.
            is_small: Whether starting them would take longer than what they save.
            is_slow_to_read: Whether an input takes about a millisecond (images) or far less (texts).
        """
        if isinstance(self.num_workers, int):
            return self.num_workers
        if is_small or not (is_slow_to_read or device == "cuda"):
            return 0
        return max(1, min(num_cores() // num_processes, _MOST_WORKERS, _shared_memory() // _SHARED_BYTES_A_WORKER))


def num_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _shared_memory() -> int:
    folder = Path("/dev/shm")
    return shutil.disk_usage(folder).free if folder.is_dir() else _MOST_WORKERS * _SHARED_BYTES_A_WORKER


def _is_auto_or_at_least(least: int, value: int | str) -> bool:
    return value == "auto" if isinstance(value, str) else value >= least
