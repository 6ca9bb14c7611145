"""The temperatures of a profile."""

import math
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float

from misfire.core.counts import check_most
from misfire.core.errors import UsageError


@final
@dataclass(frozen=True)
class TauGrid:
    """Temperatures of LogMeanExp on a logarithmic grid, both ends included; stands where a pooling may stand.

    A cell pools by one temperature. Where this is chosen instead, one run ranks every query at all of them.

    Args:
        low: The smallest, > 0, in units of the score.
        high: The largest.
        num_taus: How many.

    Raises:
        UsageError: If they make no grid.

    Example:
        >>> TauGrid(0.01, 1.0, 3).taus
        array([0.01, 0.1 , 1.  ])
    """

    low: float = 0.001
    high: float = 10.0
    num_taus: int = 64

    def __post_init__(self) -> None:
        if not (0 < self.low < self.high and math.isfinite(self.high)):
            raise UsageError(
                f"pooling.low and pooling.high must be finite with 0 < low < high, got {self.low} and {self.high}; "
                "max and mean are the profile's ends anyway."
            )
        if type(self.num_taus) is not int or self.num_taus < 2:
            raise UsageError(
                f"pooling.num_taus must be a whole number from 2, got {self.num_taus!r}; for one tau use "
                "pooling=logmeanexp."
            )
        check_most(10_000, **{"pooling.num_taus": self.num_taus})
        if (np.diff(self.taus) <= 0).any():
            raise UsageError(
                f"the grid's taus must differ in six digits, got {self.num_taus} from {self.low} to {self.high}; take "
                "fewer."
            )

    @property
    def taus(self) -> Float[np.ndarray, " tau"]:
        """The temperatures, ascending; rounded to six digits, so that each can be written down and asked again."""
        exact = np.geomspace(self.low, self.high, self.num_taus)
        return np.array([self.low, *(float(f"{tau:.6g}") for tau in exact[1:-1]), self.high])

    @property
    def label(self) -> str:
        """What a cell's name says in place of a pooling."""
        return f"profile of {self.num_taus} taus"

    def describe(self) -> dict[str, float | str]:
        """What the profile depends on, as a pooling says it."""
        return {"pooling": "profile", "taus": f"{self.num_taus} from {self.low!r} to {self.high!r}"}
