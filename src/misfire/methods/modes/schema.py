"""What ``misfire modes`` can be told, whichever method finds the modes."""

from dataclasses import dataclass
from typing import Any, Literal


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
