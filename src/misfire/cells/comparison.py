"""Comparisons side by side, tested on the same units and corrected for how many they are."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import final

import numpy as np
from jaxtyping import Float, Int

from misfire.cells.paired import CHOSEN, OTHERS, Flips, Paired
from misfire.core.errors import UsageError
from misfire.stats import (
    DetectableGain,
    FlipEffect,
    McNemar,
    clustered_score_interval,
    flip_effect,
    holm,
    max_t,
    mcnemar,
    minimum_detectable_gain,
    paired_score_interval,
    smallest_significant_count,
)

NUM_SWAPS = 10_000


@final
class Verdict(Enum):
    """What a comparison's numbers support."""

    GAIN = "gain"
    """More right than chance gives the best of as many, and not by the choice of the units alone."""
    LOSS = "loss"
    """Fewer right than chance gives the worst of as many."""
    CHOSEN = "chosen"
    """More right on units that were chosen because they failed before, and no proof of more right over all."""
    NONE = "none"
    """Nothing that can be told from no change."""


@final
@dataclass(frozen=True)
class NetChange:
    """Estimated change over all units, with its interval, as fractions."""

    estimate: float
    low: float
    high: float


@final
@dataclass(frozen=True)
class Compared:
    """A comparison among the others that were looked at with it; shares are fractions.

    Args:
        num_compared: How many comparisons the p-values are adjusted for.
        verdict: What may be said at this level, with all comparisons and the choice of the units in mind.
        flips: The chosen units' flips.
        test: McNemar's test of the flips, not adjusted.
        p_adjusted: Max-T adjusted p-value of the gain on the chosen units.
        p_holm: Holm's adjusted exact p-value, which holds without resampling.
        p_everywhere: Max-T adjusted p-value of the net change over all units, the others weighted as a sample; NaN
            where there are others and none was asked.
        net_everywhere: Estimated net change over all units; NaN likewise.
        net_low: Lower end of its score interval at a level shared out over all comparisons (Bonferroni's); NaN
            likewise, and where the chosen units or the others are of a single cluster.
        low: Lower end of the score interval of the gain on the chosen units, clusters counted together.
        high: Its upper end.
        shared_low: Lower end of the same interval at a level shared out over all comparisons (Bonferroni's), which
            holds for the best of them, too.
        shared_high: Its upper end.
        effect: How one-sided the flips are.
        detectable: The gain that as many units, as many of them broken, would show.
        least_gain: Smallest gain that, observed without any broken unit, is significant by itself; NaN if none is.
        is_chosen_by_failing: Whether the units were chosen because they failed before.
        confidence: Of the intervals; one less it is the level of the tests.
    """

    num_compared: int
    verdict: Verdict
    flips: Flips
    test: McNemar
    p_adjusted: float
    p_holm: float
    p_everywhere: float
    net_everywhere: float
    net_low: float
    low: float
    high: float
    shared_low: float
    shared_high: float
    effect: FlipEffect
    detectable: DetectableGain
    least_gain: float
    is_chosen_by_failing: bool
    confidence: float


def compare(
    comparisons: Sequence[Paired], *, num_replicates: int = NUM_SWAPS, rng: np.random.Generator
) -> list[Compared]:
    """Test each comparison's gain, adjusted for all of them on the same swaps of before and after.

    Two families are tested, each by Westfall and Young's max-T with the units of a cluster swapped together: the gains
    on the chosen units, and the net changes over all units. The second weights each other unit by how many it stands
    for. There, units that were chosen by failing are no advantage: two systems of equal quality lose on the others what
    they seem to win on the chosen. Where few others are asked, none of them may flip, and no swap shows what might
    have: so the net change must be above zero by its score interval, too, which knows how little so few can tell.

    Args:
        comparisons: Outcomes of 0 and 1, unit by unit.
        num_replicates: How many swaps are drawn for each family.
        rng: Source of the swaps.

    Returns:
        One a comparison, in their order.

    Raises:
        UsageError: If there is none, or an outcome is neither 0 nor 1.
    """
    if not comparisons or not all(one.is_binary for one in comparisons):
        raise UsageError(
            f"comparisons must be there and of outcomes that are 0 or 1, got {len(comparisons)}; run the cells first, "
            "and name a metric that counts right and wrong."
        )
    places, clusters = _shared_axis(comparisons)
    adjusted = adjusted_p_values(comparisons, num_replicates=num_replicates, rng=rng)
    everywhere = _family(comparisons, places, clusters, [one.weight for one in comparisons], num_replicates, rng)
    flips = [one.flips(CHOSEN) for one in comparisons]
    by_holm = holm(np.array([mcnemar(one.fixed, one.broken).p_exact for one in flips]))
    return [
        _compared(one, own, len(comparisons), float(p_chosen), float(p_holm), float(p_all))
        for one, own, p_chosen, p_holm, p_all in zip(comparisons, flips, adjusted, by_holm, everywhere, strict=True)
    ]


def adjusted_p_values(
    comparisons: Sequence[Paired], *, num_replicates: int, rng: np.random.Generator
) -> Float[np.ndarray, " comparison"]:
    """Two-sided p-value of each gain on the chosen units, adjusted for looking at all: Westfall and Young's max-T.

    The units of a cluster are swapped together; units may differ between the comparisons.

    Args:
        comparisons: Outcomes unit by unit, at least one.
        num_replicates: How many swaps are drawn.
        rng: Source of the swaps.
    """
    places, clusters = _shared_axis(comparisons)
    on_chosen = [np.where(one.is_chosen, 1.0, np.nan) for one in comparisons]
    return _family(comparisons, places, clusters, on_chosen, num_replicates, rng)


def _compared(
    paired: Paired, flips: Flips, num_compared: int, p_chosen: float, p_holm: float, p_all: float
) -> Compared:
    alpha = 1 - paired.confidence
    low, high = score_interval(paired, confidence=paired.confidence)
    shared_low, shared_high = score_interval(paired, confidence=1 - alpha / num_compared)
    least = smallest_significant_count(0, alpha=alpha)
    net = net_change(paired, confidence=1 - alpha / num_compared)
    net_low = math.nan if net is None else net.low
    return Compared(
        num_compared=num_compared,
        verdict=_verdict(flips, p_chosen, p_all, net_low, paired),
        flips=flips,
        test=mcnemar(flips.fixed, flips.broken),
        p_adjusted=p_chosen,
        p_holm=p_holm,
        p_everywhere=p_all,
        net_everywhere=float(((paired.after - paired.before) * paired.weight).sum() / paired.weight.sum()),
        net_low=net_low,
        low=low,
        high=high,
        shared_low=shared_low,
        shared_high=shared_high,
        effect=_effect(flips.fixed, flips.broken, confidence=paired.confidence),
        detectable=detectable_gain(flips.broken, flips.num_units, alpha=alpha),
        least_gain=least / flips.num_units if least <= flips.num_units else math.nan,
        is_chosen_by_failing=paired.is_chosen_by_failing,
        confidence=paired.confidence,
    )


def _verdict(flips: Flips, p_chosen: float, p_all: float, net_low: float, paired: Paired) -> Verdict:
    level = 1 - paired.confidence + 1e-12
    if not p_chosen <= level or not flips.net:
        return Verdict.NONE
    if flips.net < 0:
        return Verdict.LOSS
    if paired.is_chosen_by_failing and not (p_all <= level and net_low > 0):
        return Verdict.CHOSEN
    return Verdict.GAIN


@cache  # the search for it is slow, and comparisons of a sweep often break as many
def detectable_gain(broken: int, num_units: int, *, alpha: float) -> DetectableGain:
    """The gain that shows with 80 % power if as large a share of the units breaks as was observed.

    Args:
        broken: Units that were right before only.
        num_units: All units.
        alpha: Two-sided level of the test.

    Returns:
        NaN with its reason where half of the units or more broke.
    """
    share = broken / num_units
    if share >= 0.5:
        return DetectableGain(math.nan, math.nan, share, "half of them or more broke.")
    return minimum_detectable_gain(num_units, broken_share=share, alpha=alpha)


@cache
def _effect(fixed: int, broken: int, *, confidence: float) -> FlipEffect:
    return flip_effect(fixed, broken, confidence=confidence)


def score_interval(paired: Paired, *, confidence: float) -> tuple[float, float]:
    """Score interval of the gain on the chosen units, the units of a cluster counted together."""
    here = paired.is_chosen
    if len(np.unique(paired.cluster[here])) < 2:  # one cluster says nothing of how clusters differ
        flips = paired.flips(CHOSEN)
        return paired_score_interval(flips.fixed, flips.broken, flips.num_units, confidence=confidence)
    return clustered_score_interval(
        paired.before[here] > 0, paired.after[here] > 0, paired.cluster[here], confidence=confidence
    )


def net_change(paired: Paired, *, confidence: float) -> NetChange | None:
    """Estimated change over all units, from chosen ones and a sample of the others, each standing for its weight.

    The estimate is the parts' gains, each by its share of all units. Its interval takes either part for draws of such
    units, with their shares fixed: the parts' score intervals are put together by the method of variance estimates
    recovery, so that a part without flips still has its width. Units of one cluster count together within a part, and
    carry a covariance across the two.

    Args:
        paired: Outcomes of 0 and 1; a part's weights are equal.
        confidence: Coverage that the interval aims at, in (0, 1).

    Returns:
        Fractions of all units; None where there are others and none was asked, or a part is of a single cluster.

    Reference:
        Zou and Donner, "Construction of confidence limits about effect measures: a general approach", Statistics in
        Medicine 27, 2008; Tango, Statistics in Medicine 17, 1998.

    Example:
        >>> part, weight = np.repeat(["chosen", "others"], [2, 4]), np.repeat([1.0, 2.0], [2, 4])
        >>> before, after = np.array([0.0, 0, 1, 1, 1, 1]), np.array([1.0, 0, 1, 1, 0, 1])
        >>> paired = Paired(np.arange(6), np.arange(6), part, weight, before, after)
        >>> round(net_change(paired, confidence=0.95).estimate, 3)  # a gain of 1/2 on 2 units and of -1/4 on 8
        -0.1
    """
    if paired.are_others_unknown:
        return None
    parts = [here for here in (paired.is_chosen, paired.part == OTHERS) if here.any()]
    if any(len(np.unique(paired.cluster[here])) < 2 for here in parts):
        return None
    # Weights are shares of a whole number of units; adding them up leaves its last bits.
    sizes = [round(float(paired.weight[here].sum()), 6) for here in parts]
    place = np.unique(paired.cluster, return_inverse=True)[1]
    gains, below, above, influences = [], [], [], []
    for size, here in zip(sizes, parts, strict=True):
        share = size / sum(sizes)
        low, high = clustered_score_interval(
            paired.before[here] > 0, paired.after[here] > 0, paired.cluster[here], confidence=confidence
        )
        delta = paired.after[here] - paired.before[here]
        gain = share * float(delta.mean())
        gains.append(gain)
        below.append(gain - share * low)
        above.append(share * high - gain)
        influences.append(np.bincount(place[here], weights=delta - delta.mean(), minlength=int(place.max()) + 1))
    shared = _correlation(influences)
    estimate = sum(gains)
    return NetChange(estimate, estimate - _together(below, shared), estimate + _together(above, shared))


def _correlation(influences: Sequence[Float[np.ndarray, " cluster"]]) -> float:
    """Correlation of the parts' means through clusters that both have; 0 where one of them is constant."""
    if len(influences) < 2:
        return 0.0
    norms = [float(np.sqrt((one**2).sum())) for one in influences]
    return float(influences[0] @ influences[1]) / (norms[0] * norms[1]) if min(norms) > 0 else 0.0


def _together(distances: Sequence[float], correlation: float) -> float:
    squares = sum(distance**2 for distance in distances)
    return math.sqrt(max(squares + 2 * correlation * (math.prod(distances) if len(distances) > 1 else 0.0), 0.0))


def _shared_axis(comparisons: Sequence[Paired]) -> tuple[list[Int[np.ndarray, " _"]], Int[np.ndarray, " unit"]]:
    """Where each comparison's units stand on an axis that has every unit once, and a number for the cluster of each.

    Ids of different data are different units and clusters.
    """
    data = sorted({one.data for one in comparisons})
    lengths = [len(one.unit) for one in comparisons]
    of_data = np.repeat([data.index(one.data) for one in comparisons], lengths)
    # Ids may be numbers or texts: their places among all ids are numbers.
    unit, cluster = (
        np.unique(np.concatenate([getattr(one, name) for one in comparisons]), return_inverse=True)[1].ravel()
        for name in ("unit", "cluster")
    )
    _, first, place = np.unique(np.column_stack([of_data, unit]), axis=0, return_index=True, return_inverse=True)
    clusters = np.unique(np.column_stack([of_data, cluster])[first], axis=0, return_inverse=True)[1].ravel()
    return np.split(place.ravel(), np.cumsum(lengths)[:-1]), clusters


def _family(
    comparisons: Sequence[Paired],
    places: Sequence[Int[np.ndarray, " _"]],
    clusters: Int[np.ndarray, " unit"],
    weights: Sequence[Float[np.ndarray, " _"]],
    num_replicates: int,
    rng: np.random.Generator,
) -> Float[np.ndarray, " comparison"]:
    before, after = np.full((2, len(comparisons), len(clusters)), np.nan)
    for row, (one, place, weight) in enumerate(zip(comparisons, places, weights, strict=True)):
        before[row, place], after[row, place] = one.before * weight, one.after * weight
    return max_t(before, after, clusters=clusters, num_replicates=num_replicates, rng=rng)
