"""What a search makes large or small: an estimate of a cell."""

from dataclasses import dataclass
from typing import Literal

from misfire.cells.estimates import Estimates

Direction = Literal["maximize", "minimize"]
Rival = tuple[float, ...]
"""The values of a finished cell, one number an objective."""


@dataclass(frozen=True)
class Objective:
    """An estimate, and which way is better; a kind may subclass it to bound the estimate early.

    Args:
        name: What a sweep's file calls it.
        metric: Metric of the estimate.
        group: Its group.
        is_maximised: Whether more is better.
        title: What it is, with its unit, for tables and axes; ``{k}`` stands for the cut-off.
        scale: What the estimate is multiplied by for the title's unit: 100 for percentage points.
        has_cut_off: Whether it is read at the sweep's cut-off.
    """

    name: str
    metric: str
    group: str = ""
    is_maximised: bool = True
    title: str = ""
    scale: float = 1.0
    has_cut_off: bool = True

    @property
    def direction(self) -> Direction:
        """``maximize`` or ``minimize``."""
        return "maximize" if self.is_maximised else "minimize"

    def of(self, estimates: Estimates, *, k: int | None) -> float:
        """The number of a finished cell, in the title's unit.

        Args:
            estimates: The cell's.
            k: The sweep's cut-off.

        Raises:
            UsageError: If the cell has no such estimate.
        """
        return self.scale * estimates.at(self.metric, k=k if self.has_cut_off else None, group=self.group).value

    def title_at(self, k: int | None) -> str:
        """The title with its cut-off."""
        return (self.title or self.name).format(k=k)
