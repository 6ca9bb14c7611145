"""Bootstrap over items of a coefficient that depends only on how often each pattern of labels occurs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int

from misfire.stats.bca import BCA, bca_interval
from misfire.stats.proportion import wilson_interval
from misfire.stats.settings import check_confidence, check_num_replicates

BCA_OVER_ITEMS = "BCa bootstrap over items"
PERCENTILE_OVER_ITEMS = "percentile bootstrap over items"
WILSON = "Wilson, as no item disagrees"

# From how often each pattern occurs, a row a resample, to the coefficient of each row; NaN where it is undefined.
Coefficient = Callable[[Float[np.ndarray, "resample pattern"]], Float[np.ndarray, " resample"]]


@final
@dataclass(frozen=True)
class ItemInterval:
    """Interval of a coefficient of agreement.

    Args:
        low: Lower end; NaN where there is no interval.
        high: Upper end; NaN where there is no interval.
        num_undefined: Resamples in which the coefficient is undefined; the interval rests on the others.
        method: How the interval was made; empty where there is none.
        reason: Why there is no interval, or no coefficient; empty where there is one.
    """

    low: float
    high: float
    num_undefined: int
    method: str
    reason: str


def no_interval(reason: str, *, num_undefined: int = 0) -> ItemInterval:
    """What stands for an interval that can't be had, and why."""
    return ItemInterval(np.nan, np.nan, num_undefined, "", reason)


def coefficient_with_interval(
    coefficient: Coefficient,
    counts: Int[np.ndarray, " pattern"],
    *,
    chance_if_perfect: float | None,
    reason_if_undefined: str,
    confidence: float,
    num_replicates: int,
    rng: np.random.Generator,
) -> tuple[float, ItemInterval]:
    """A coefficient of agreement of all items, and the interval that fits it.

    Args:
        coefficient: The coefficient of each row of pattern counts.
        counts: How many items show each pattern; at least one pattern, none of them 0.
        chance_if_perfect: Agreement by chance where no item disagrees, in [0, 1]; None where one does.
        reason_if_undefined: Why the coefficient is undefined, should it be.
        confidence: Coverage that the interval aims at, in (0, 1).
        num_replicates: How many resamples are drawn.
        rng: Source of the resamples.

    Returns:
        The coefficient, NaN where it's undefined; and its interval, none with the reason where it's undefined, Wilson's
        where no item disagrees, else the bootstrap's.

    Raises:
        UsageError: If a setting is out of range.
    """
    value = float(coefficient(counts[None].astype(np.float64))[0])
    if np.isnan(value):
        return value, no_interval(reason_if_undefined, num_undefined=num_replicates)
    if chance_if_perfect is None:
        return value, item_interval(coefficient, counts, confidence=confidence, num_replicates=num_replicates, rng=rng)
    return value, perfect_agreement_interval(
        int(counts.sum()), chance_if_perfect, confidence=confidence, num_replicates=num_replicates
    )


def item_interval(
    coefficient: Coefficient,
    counts: Int[np.ndarray, " pattern"],
    *,
    confidence: float,
    num_replicates: int,
    rng: np.random.Generator,
) -> ItemInterval:
    """Bias-corrected and accelerated bootstrap interval of a coefficient over items.

    Items with the same labels are exchangeable, so that a resample is a multinomial draw of how often each pattern
    occurs. Of percentile, basic, BCa, normal, Fisher-transformed and Wilson-like intervals BCa came nearest to its
    nominal coverage on simulated annotators, evenly on both sides. Where no resample lies on one side of the estimate
    its corrections are undefined, and the percentile interval stands (see :func:`misfire.stats.bca_interval`).

    Args:
        coefficient: The coefficient of each row of pattern counts.
        counts: How many items show each pattern; none of them 0.
        confidence: Coverage that the interval aims at, in (0, 1).
        num_replicates: How many resamples are drawn.
        rng: Source of the resamples.

    Raises:
        UsageError: If a setting is out of range.

    Reference:
        Efron, "Better bootstrap confidence intervals", Journal of the American Statistical Association 82, 1987.
    """
    check_confidence(confidence)
    check_num_replicates(num_replicates)
    num_items = int(counts.sum())
    drawn = rng.multinomial(num_items, counts / num_items, size=num_replicates)
    replicates = coefficient(drawn.astype(np.float64))
    defined = replicates[np.isfinite(replicates)]
    num_undefined = num_replicates - len(defined)
    if len(defined) == 0 or np.ptp(defined) < 1e-12:
        reason = "the coefficient is the same in every resample in which it is defined, so that they show no spread."
        return no_interval(reason, num_undefined=num_undefined)
    estimate = float(coefficient(counts[None].astype(np.float64))[0])
    left_out = np.repeat(coefficient(counts - np.eye(len(counts))), counts)
    corrected = bca_interval(estimate, defined, left_out[np.isfinite(left_out)], confidence=confidence)
    method = BCA_OVER_ITEMS if corrected.method == BCA else PERCENTILE_OVER_ITEMS
    return ItemInterval(corrected.low, corrected.high, num_undefined, method, "")


def perfect_agreement_interval(
    num_items: int, chance_agreement: float, *, confidence: float, num_replicates: int
) -> ItemInterval:
    """Interval of a coefficient of 1, whose resamples are all 1 and say nothing of what further items would show.

    The lower end takes Wilson's bound of an observed agreement of ``num_items`` out of ``num_items``, the agreement by
    chance being kept.

    Example:
        >>> round(perfect_agreement_interval(30, 0.5, confidence=0.95, num_replicates=2000).low, 3)
        0.773
    """
    check_num_replicates(num_replicates)
    low, _ = wilson_interval(num_items, num_items, confidence=confidence)
    # No coefficient of agreement lies below -1, which Wilson's bound can where chance alone agrees nearly always.
    return ItemInterval(max(-1.0, (low - chance_agreement) / (1 - chance_agreement)), 1.0, 0, WILSON, "")
