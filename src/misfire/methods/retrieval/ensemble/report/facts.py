"""The numbers that a report's conclusion follows from, and the cell that it is about."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

from misfire.methods.retrieval.ensemble.comparison import Claim, ComparedCell
from misfire.methods.retrieval.ensemble.placebo import NOISE
from misfire.methods.retrieval.ensemble.report.rows import CellRow
from misfire.methods.retrieval.ensemble.report.series import cell_label, sorted_rows

_LEVEL = 0.05


@final
@dataclass(frozen=True)
class Facts:
    """The numbers that a conclusion follows from; shares are fractions.

    Args:
        name: The cell in words.
        k: Cut-off of a hit.
        num_queries: Queries of the subset.
        num_cells: How many cells were looked at.
        fixed: Queries of the subset that only the new prompts hit.
        broken: Queries of the subset that only the plain caption hits.
        claim: What the tests support.
        p_alone: Chance of so uneven flips between equals, for this cell alone.
        p_adjusted: The same for the best of as many cells.
        low: Lower end of the interval of the gain at a level shared by all cells, so that it holds for the best, too.
        high: Its upper end.
        least_gain: Smallest gain that so many queries can show; NaN if none.
        is_failure_mined: Whether the queries were chosen because the plain caption fails on them.
        is_oracle: Whether gold labels chose the prompts.
        num_others: Queries outside the subset.
        others_asked: How many of them were tried.
        others_fixed: Of these, those that only the new prompts hit.
        others_broken: Of these, those that only the plain caption hits.
        net: Estimated change over all queries; NaN where it isn't known.
        net_interval: Its interval, for this cell alone; NaN where it isn't known.
        p_everywhere: Chance that luck makes the change over all queries so large, in the best of as many cells; NaN
            where it isn't known.
        net_low: Lower end of the interval of the change over all queries at a level shared by all cells; NaN likewise.
        placebo: What changes of no worth show on queries chosen this way; NaN where it isn't known.
        num_gains: How many cells show a gain.
        num_losses: How many cells show a loss.
    """

    name: str
    k: int
    num_queries: int
    num_cells: int
    fixed: int
    broken: int
    claim: Claim
    p_alone: float
    p_adjusted: float
    low: float
    high: float
    least_gain: float
    is_failure_mined: bool
    is_oracle: bool
    num_others: int
    others_asked: int
    others_fixed: int
    others_broken: int
    net: float = math.nan
    net_interval: tuple[float, float] = (math.nan, math.nan)
    p_everywhere: float = math.nan
    net_low: float = math.nan
    placebo: tuple[float, float] = (math.nan, math.nan)
    num_gains: int = 0
    num_losses: int = 0

    @property
    def is_more_everywhere(self) -> bool:
        """Whether more hits over all queries can be told from luck, the number of cells counted."""
        return self.p_everywhere <= _LEVEL and self.net_low > 0

    @property
    def is_fewer_everywhere(self) -> bool:
        """Whether fewer hits over all queries can be told from luck, the number of cells counted."""
        return self.p_everywhere <= _LEVEL and self.net_interval[1] < 0

    @property
    def gain(self) -> float:
        """Gain on the subset."""
        return (self.fixed - self.broken) / self.num_queries


def decisive_row(rows: Sequence[CellRow], compared: Mapping[str, ComparedCell]) -> CellRow:
    """The cell that a conclusion is about: the largest gain that holds, else the largest one; the first of equals.

    Args:
        rows: Finished cells, in any order.
        compared: The comparison of each, by cell id.
    """

    def weight(row: CellRow) -> tuple[bool, float]:
        one = compared[row.cell_id]
        return one.claim is Claim.GAIN, one.flips.net_fraction

    return max((row for row in sorted_rows(rows) if row.cell_id in compared), key=weight)


def decisive_facts(rows: Sequence[CellRow], compared: Mapping[str, ComparedCell], k: int) -> Facts:
    """Facts of the decisive cell."""
    row = decisive_row(rows, compared)
    one, claims = compared[row.cell_id], [other.claim for other in compared.values()]
    cutoff = row.outcome.at(k) if row.outcome else None
    band = cutoff.placebo(NOISE) if cutoff else None
    net = cutoff.net if cutoff else None
    return Facts(
        name=cell_label(row, rows),
        k=k,
        num_queries=row.num_queries,
        num_cells=one.num_cells,
        fixed=one.flips.fixed,
        broken=one.flips.broken,
        claim=one.claim,
        p_alone=one.test.p_exact,
        p_adjusted=one.p_adjusted,
        low=one.shared_low,
        high=one.shared_high,
        least_gain=one.least_gain,
        is_failure_mined=one.is_failure_mined,
        is_oracle=row.is_oracle,
        num_others=row.num_others or 0,
        others_asked=row.complement_num_queries,
        others_fixed=row.complement_fixed[k],
        others_broken=row.complement_broken[k],
        net=one.net_everywhere,
        net_interval=(net.low, net.high) if net else (math.nan, math.nan),
        p_everywhere=one.p_everywhere,
        net_low=one.net_low,
        placebo=(band.low, band.high) if band and one.is_failure_mined else (math.nan, math.nan),
        num_gains=claims.count(Claim.GAIN),
        num_losses=claims.count(Claim.LOSS),
    )
