"""A trial as a report shows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True)
class TrialRow:
    """One trial of a study, finished or cut short.

    Args:
        number: Its number, from 0.
        label: Its setting, in short.
        setting: Its setting: a value for each axis that applied.
        values: One number an objective, on dev; of a trial that was cut short the best that they may be.
        is_on_front: Whether no other trial beats it in all objectives.
        is_winner: Whether it was chosen.
        cell_id: The cell that its values were read from; trials of equal settings share one.
        is_pruned: Whether it was cut short, since another trial beats the best that it may be.
    """

    number: int
    label: str
    setting: Mapping[str, str | float | int | bool]
    values: tuple[float, ...]
    is_on_front: bool
    is_winner: bool
    cell_id: str
    is_pruned: bool = False
