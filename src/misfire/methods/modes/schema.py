"""What ``misfire modes`` can be told, whichever method finds the modes."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ModesSchema:
    """Groups, and scalars with their types; a method by tags doesn't read what is of sentences, nor the reverse."""

    outcomes: Any
    tags: Any
    sentences: Any
    method: Any
    dataset: Any
    backbone: Any
    tracking: Any
    trainer: Any
    paths: Any
    seed: int
    contexts: str | None
    is_graded: bool
    class_score_scale: float
    num_shuffles: int
    num_repeats: int
