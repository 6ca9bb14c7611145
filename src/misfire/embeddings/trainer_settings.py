"""On what the encoder runs; no part of any key."""

from dataclasses import dataclass

from misfire.core.errors import UsageError

STRATEGIES = ("auto", "ddp_spawn", "ddp_fork")


@dataclass(frozen=True)
class TrainerSettings:
    """Device and batches of the encoding loop.

    Args:
        accelerator: Lightning's name: ``auto``, ``cpu``, ``gpu``, ``mps``.
        devices: How many, or ``auto`` for all.
        strategy: ``auto`` for one device; ``ddp_spawn`` (or ``ddp_fork`` on CPUs) for several. Lightning's plain
            ``ddp`` is refused because it would run the whole command once more in each process.
        batch_size: Inputs a batch.
        num_workers: Processes that decode and preprocess images; 0 does it in the main one.

    Raises:
        UsageError: If a number is out of range or the strategy doesn't fit the devices.
    """

    accelerator: str = "auto"
    devices: int | str = 1
    strategy: str = "auto"
    batch_size: int = 128
    num_workers: int = 0

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise UsageError(f"trainer.batch_size must be >= 1, got {self.batch_size}; use 128.")
        if self.num_workers < 0:
            raise UsageError(f"trainer.num_workers must be >= 0, got {self.num_workers}; use 0.")
        if self.strategy not in STRATEGIES:
            raise UsageError(
                f"trainer.strategy must be one of {', '.join(STRATEGIES)}, got {self.strategy}; "
                "use ddp_spawn for several devices."
            )
        if self.strategy == "auto" and self.devices != 1:
            raise UsageError(
                f"trainer.devices must be 1 for strategy auto, got {self.devices}; use trainer=ddp for several devices."
            )
