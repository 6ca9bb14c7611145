"""Outcomes before and after, unit by unit: what every comparison and every decision reads."""

import math
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Float, Shaped

from misfire.core.errors import UsageError

CHOSEN, OTHERS = "chosen", "others"
"""The parts of a comparison: the units in question, and a sample of all others, on which the same mend is tried."""


@final
@dataclass(frozen=True)
class Flips:
    """Counts of units by their outcome before and after; ``fixed - broken`` is the gain in units, exactly."""

    fixed: int
    broken: int
    still_right: int
    still_wrong: int

    @classmethod
    def of(cls, before: Bool[np.ndarray, " unit"], after: Bool[np.ndarray, " unit"]) -> "Flips":
        """The counts of units of which it is known before and after whether each is right.

        Example:
            >>> Flips.of(np.array([True, False, False]), np.array([False, True, False]))
            Flips(fixed=1, broken=1, still_right=0, still_wrong=1)
        """
        return cls(
            fixed=int((~before & after).sum()),
            broken=int((before & ~after).sum()),
            still_right=int((before & after).sum()),
            still_wrong=int((~before & ~after).sum()),
        )

    @property
    def num_units(self) -> int:
        """All units that were counted."""
        return self.fixed + self.broken + self.still_right + self.still_wrong

    @property
    def right_before(self) -> int:
        """Units that were right before."""
        return self.still_right + self.broken

    @property
    def right_after(self) -> int:
        """Units that are right after."""
        return self.still_right + self.fixed

    @property
    def net(self) -> int:
        """Units won less units lost."""
        return self.fixed - self.broken

    @property
    def net_fraction(self) -> float:
        """Net gain as a fraction of the units; NaN where there are none."""
        return self.net / self.num_units if self.num_units else math.nan


@final
@dataclass(frozen=True, eq=False)
class Paired:
    """One comparison's outcomes.

    Args:
        unit: Id of each unit; the same units of several cells have the same ids.
        cluster: What units share that makes them depend on each other, an id each.
        part: ``chosen`` or ``others``.
        weight: How many units of the dataset each stands for; NaN where units that were not asked can't be stood for.
        before: Outcome of each unit before, higher is better; 0 or 1 for hits.
        after: Outcome of the same unit after.
        data: Names what the ids are of: units of different data are never the same.
        is_chosen_by_failing: Whether the chosen units were chosen because they failed before.
        confidence: Of intervals; one less it is the level of tests.

    Raises:
        UsageError: If the arrays don't have one length, or there is no chosen unit.
    """

    unit: Shaped[np.ndarray, " unit"]
    cluster: Shaped[np.ndarray, " unit"]
    part: Shaped[np.ndarray, " unit"]
    weight: Float[np.ndarray, " unit"]
    before: Float[np.ndarray, " unit"]
    after: Float[np.ndarray, " unit"]
    data: str = ""
    is_chosen_by_failing: bool = False
    confidence: float = 0.95

    def __post_init__(self) -> None:
        lengths = {len(values) for values in (self.unit, self.cluster, self.part, self.weight, self.before, self.after)}
        if len(lengths) > 1 or not self.is_chosen.any():
            raise UsageError(
                f"a comparison needs arrays of one length with chosen units among them, got lengths {sorted(lengths)} "
                f"and {int(self.is_chosen.sum())} chosen; name the units of interest {CHOSEN}."
            )

    @property
    def is_chosen(self) -> Bool[np.ndarray, " unit"]:
        """Which units are in question."""
        found: Bool[np.ndarray, " unit"] = self.part == CHOSEN
        return found

    @property
    def is_binary(self) -> bool:
        """Whether every outcome is 0 or 1, so that units flip."""
        return bool(np.isin(np.concatenate([self.before, self.after]), (0.0, 1.0)).all())

    def flips(self, part: str) -> Flips:
        """Counts of a part's units, of which each must be right or wrong (1 or 0)."""
        here = self.part == part
        return Flips.of(self.before[here] > 0, self.after[here] > 0)

    @property
    def are_others_unknown(self) -> bool:
        """Whether there are other units and none of them was asked."""
        return bool(np.isnan(self.weight).any())

    def only(self, keep: Bool[np.ndarray, " unit"]) -> "Paired":
        """The comparison of some of the units."""
        kept: dict[str, Any] = {
            name: getattr(self, name)[keep] for name in ("unit", "cluster", "part", "weight", "before", "after")
        }
        return replace(self, **kept)
