"""What ``misfire modes`` can be told, whichever method finds the modes."""

from dataclasses import dataclass
from typing import Any, Literal

from misfire.core.counts import check_seed
from misfire.core.errors import UsageError


@dataclass(frozen=True)
class ModesSchema:
    """Groups, and a seed; a method by tags doesn't read what is of sentences, nor the reverse."""

    outcomes: Any
    tags: Any
    sentences: Any
    judging: Any
    descriptions: Any
    method: Any
    dataset: Any
    backbone: Any
    tracking: Any
    trainer: Any
    paths: Any
    seed: int
    side: Literal["dev", "test"] | None
    dev_share: float
    split_seed: int

    def __post_init__(self) -> None:
        check_seed(seed=self.seed, split_seed=self.split_seed)
        if not 0 < self.dev_share < 1:
            raise UsageError(f"dev_share must be in (0, 1), got {self.dev_share}; 0.5 halves the images.")
