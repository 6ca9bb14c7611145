"""What published counts support, when nobody says which queries flipped."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import final

import numpy as np

from misfire.core.errors import UsageError
from misfire.methods.retrieval.audit.published_counts import PublishedCounts
from misfire.stats import (
    exact_paired_distribution,
    holm,
    mcnemar,
    minimum_detectable_gain,
    paired_score_interval,
    smallest_significant_count,
)


@final
class Support(Enum):
    """How far counts support a difference, corrected for all comparisons of their source."""

    SHOWN = "shown"
    """Significant however the flips split."""
    OPEN = "open"
    """Significant for some splits of the flips and not for others."""
    NOT_SHOWN = "not shown"
    """Not significant for any split of the flips."""


@final
@dataclass(frozen=True)
class Split:
    """One way in which the flips may have split, with what it would mean; shares are fractions.

    Args:
        fixed: Queries that only the new system hits.
        broken: Queries that only the baseline hits.
        p_exact: McNemar's exact p-value.
        p_adjusted: Holm's, over all comparisons, each taken at the same end of its range.
        p_positive: Probability of a gain under the exact bootstrap distribution.
        percentile: Its 95 % percentile interval.
        score: The 95 % score interval of the gain.
    """

    fixed: int
    broken: int
    p_exact: float
    p_adjusted: float
    p_positive: float
    percentile: tuple[float, float]
    score: tuple[float, float]


@final
@dataclass(frozen=True)
class AuditedCounts:
    """Published counts with their bounds.

    Args:
        counts: What was published.
        best: The fewest flips that make the difference: nothing broken by a gain. It has the smallest p-value.
        worst: The most flips that the hits allow. It has the largest.
        least_gain: Smallest gain that as many queries can show by themselves; NaN if none.
        detectable_gain: The gain that they show in 4 of 5 tries if nothing is broken; NaN if none.
        alpha: Level of the verdict.
    """

    counts: PublishedCounts
    best: Split
    worst: Split
    least_gain: float
    detectable_gain: float
    alpha: float

    @property
    def support(self) -> Support:
        """How far the difference is supported."""
        if self.worst.p_adjusted <= self.alpha:
            return Support.SHOWN
        return Support.OPEN if self.best.p_adjusted <= self.alpha else Support.NOT_SHOWN


def audit(published: Sequence[PublishedCounts], *, alpha: float = 0.05) -> list[AuditedCounts]:
    """Bounds on what each published difference is worth, over all splits that its hits allow.

    Hits before and after fix the difference of fixed and broken queries, not their sum. With as few flips as make the
    difference McNemar's exact p-value is smallest, and it grows with every query that is fixed while another is broken.
    Holm's correction needs no per-query records, which max-T does.

    Args:
        published: Counts of one source, all that it compares.
        alpha: Level of the verdict, in (0, 1).

    Returns:
        One audit a comparison, in their order.

    Raises:
        UsageError: If there is none.
    """
    if not published:
        raise UsageError("an audit needs published counts, got none; give at least one row.")
    ranges = [broken_range(counts) for counts in published]
    ends = [
        holm(np.array([mcnemar(c.net + b[end], b[end]).p_exact for c, b in zip(published, ranges, strict=True)]))
        for end in (0, 1)
    ]
    return [
        AuditedCounts(
            counts=counts,
            best=_split(counts, fewest, float(ends[0][place])),
            worst=_split(counts, most, float(ends[1][place])),
            least_gain=_least_gain(counts.num_queries, alpha),
            detectable_gain=minimum_detectable_gain(counts.num_queries, alpha=alpha).gain,
            alpha=alpha,
        )
        for place, (counts, (fewest, most)) in enumerate(zip(published, ranges, strict=True))
    ]


def broken_range(counts: PublishedCounts) -> tuple[int, int]:
    """Fewest and most queries that can have been broken, given the hits before and after.

    Example:
        >>> broken_range(PublishedCounts("action", num_queries=24, baseline_hits=11, ensembled_hits=16))
        (0, 8)
    """
    return max(0, -counts.net), min(counts.baseline_hits, counts.num_queries - counts.ensembled_hits)


def _split(counts: PublishedCounts, broken: int, p_adjusted: float) -> Split:
    fixed = counts.net + broken
    distribution = exact_paired_distribution(fixed, broken, counts.num_queries)
    return Split(
        fixed=fixed,
        broken=broken,
        p_exact=mcnemar(fixed, broken).p_exact,
        p_adjusted=p_adjusted,
        p_positive=distribution.p_positive,
        percentile=distribution.interval(0.95),
        score=paired_score_interval(fixed, broken, counts.num_queries),
    )


def _least_gain(num_queries: int, alpha: float) -> float:
    least = smallest_significant_count(0, alpha=alpha)
    return least / num_queries if least <= num_queries else math.nan
