"""Label noise carried on into a category's gain: the interval of a gain whose queries may belong elsewhere."""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int

from misfire.core.errors import UsageError
from misfire.stats.bootstrap import paired_bootstrap
from misfire.stats.resampling import check_finite
from misfire.stats.settings import check_confidence, check_num_replicates

Values = Bool[np.ndarray, " query"] | Int[np.ndarray, " query"] | Float[np.ndarray, " query"]


@final
@dataclass(frozen=True)
class RelabelledGain:
    """A category's gain with an interval for the queries drawn and for the labels given.

    Args:
        estimate: Mean gain of the queries labelled with the category; NaN where there is none.
        low: Lower end of the interval with label noise.
        high: Upper end of the interval with label noise.
        plain_low: Lower end of the paired bootstrap that takes the labels for the truth.
        plain_high: Upper end of the paired bootstrap that takes the labels for the truth.
        label_deviation: Standard deviation of the gain over the imputed labellings; 0 where no label is in doubt.
        imputed_mean: Mean of the gain over the imputed labellings. Redrawing labels dilutes a category once more than
            they were diluted already: where this differs from the estimate, the truth probably differs from the
            estimate the other way.
        num_queries: Queries labelled with the category.
        num_empty: Imputed labellings that leave the category without a query; they are left out.
        confidence: Coverage that the intervals aim at.
        reason: Why the interval is undefined; empty where it is defined.
    """

    estimate: float
    low: float
    high: float
    plain_low: float
    plain_high: float
    label_deviation: float
    imputed_mean: float
    num_queries: int
    num_empty: int
    confidence: float
    reason: str


def relabelled_gain(
    baseline: Values,
    ensembled: Values,
    is_labelled: Bool[np.ndarray, " query"],
    probability: Float[np.ndarray, " query"],
    *,
    confidence: float = 0.95,
    num_replicates: int = 2000,
    rng: np.random.Generator,
) -> RelabelledGain:
    """Gain on the queries labelled with a category, and an interval that adds the doubt about these labels.

    The plain interval is :func:`misfire.stats.paired_bootstrap` of the labelled queries, with the same draws from the
    same ``rng``. Then the category's members are drawn anew ``num_replicates`` times, each query with its probability,
    and the variance of the gain between these labellings is added to the plain interval's, side by side: each end
    moves from the estimate to the root of the sum of the squares of its plain distance and of the normal quantile
    times the deviation between labellings. So the interval is never narrower than the plain one, and equals it to the
    last digit where every probability is 0 or 1 and agrees with the label.

    Args:
        baseline: Value of each query under the baseline, for example its hit at k; all labelled queries, whatever
            their category.
        ensembled: Value of the same queries under the other system.
        is_labelled: Which of them were labelled with the category.
        probability: Probability that the category is the true one of each query, given its labels: a column of
            :func:`misfire.stats.label_distribution`.
        confidence: Coverage that the intervals aim at, in (0, 1).
        num_replicates: How many resamples of the queries, and how many labellings, are drawn.
        rng: Source of both.

    Raises:
        UsageError: If there is no query, the lengths differ, a value isn't finite, a probability is outside [0, 1] or
            a setting is out of range.

    Reference:
        Rubin, "Multiple Imputation for Nonresponse in Surveys", 1987, chapter 3 (the total variance); Zou and Donner,
        "Construction of confidence limits about effect measures", Statistics in Medicine 27, 2008 (adding it side by
        side).

    Example:
        >>> before, after = np.array([0, 0, 0, 0]), np.array([1, 0, 1, 0])
        >>> labelled, sure = np.array([True, True, True, False]), np.array([1.0, 1.0, 1.0, 0.0])
        >>> gain = relabelled_gain(before, after, labelled, sure, rng=np.random.default_rng(42))
        >>> round(gain.estimate, 3), (gain.low, gain.high) == (gain.plain_low, gain.plain_high)
        (0.667, True)
    """
    check_confidence(confidence)
    check_num_replicates(num_replicates)
    _check_queries(baseline, ensembled, is_labelled, probability)
    if not is_labelled.any():
        return _no_gain("no query was labelled with the category.", confidence)
    plain = paired_bootstrap(
        baseline[is_labelled], ensembled[is_labelled], num_replicates=num_replicates, confidence=confidence, rng=rng
    )
    delta = ensembled.astype(np.float64) - baseline.astype(np.float64)
    estimate = float(delta[is_labelled].mean())
    imputed = _imputed_gains(delta, probability, num_replicates, rng)
    if len(imputed) == 0:
        reason = "every imputed labelling leaves the category without a query."
        return _no_gain(reason, confidence, num_empty=num_replicates)
    deviation = float(imputed.std()) if np.ptp(imputed) > 1e-12 else 0.0
    doubt = NormalDist().inv_cdf((1 + confidence) / 2) * deviation
    return RelabelledGain(
        estimate=estimate,
        low=_moved(plain.low, estimate, -doubt, limit=float(delta.min())),
        high=_moved(plain.high, estimate, doubt, limit=float(delta.max())),
        plain_low=plain.low,
        plain_high=plain.high,
        label_deviation=deviation,
        imputed_mean=float(imputed.mean()),
        num_queries=int(is_labelled.sum()),
        num_empty=num_replicates - len(imputed),
        confidence=confidence,
        reason="",
    )


def _imputed_gains(
    delta: Float[np.ndarray, " query"],
    probability: Float[np.ndarray, " query"],
    num_labellings: int,
    rng: np.random.Generator,
) -> Float[np.ndarray, " labelling"]:
    """Mean gain of the members drawn in each labelling that has any."""
    members = rng.random((num_labellings, len(delta))) < probability
    num_members = members.sum(axis=1)
    sums = members.astype(np.float64) @ delta
    gains: Float[np.ndarray, " labelling"] = sums[num_members > 0] / num_members[num_members > 0]
    return gains


def _moved(bound: float, estimate: float, doubt: float, *, limit: float) -> float:
    """A bound moved outwards by the doubt about labels, no further than a gain can lie; itself where there is none."""
    if doubt == 0:
        return bound
    moved = estimate + np.copysign(np.hypot(bound - estimate, doubt), doubt)
    return float(min(moved, limit) if doubt > 0 else max(moved, limit))


def _no_gain(reason: str, confidence: float, *, num_empty: int = 0) -> RelabelledGain:
    nan = math.nan
    return RelabelledGain(nan, nan, nan, nan, nan, nan, nan, 0, num_empty, confidence, reason)


def _check_queries(
    baseline: Values,
    ensembled: Values,
    is_labelled: Bool[np.ndarray, " query"],
    probability: Float[np.ndarray, " query"],
) -> None:
    lengths = {len(baseline), len(ensembled), len(is_labelled), len(probability)}
    if len(lengths) > 1 or 0 in lengths:
        raise UsageError(
            "values, labels and probabilities must hold one entry for each of the same queries, at least one, got "
            f"{len(baseline)}, {len(ensembled)}, {len(is_labelled)} and {len(probability)}; join them by query id."
        )
    check_finite(baseline)
    check_finite(ensembled)
    outside = int((~((probability >= 0) & (probability <= 1))).sum())
    if outside:
        raise UsageError(
            f"probabilities must be in [0, 1], got {outside} of {len(probability)} outside; use label_distribution."
        )
