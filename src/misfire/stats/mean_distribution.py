"""What the paired bootstrap of a mean of many-valued outcomes tends to, without drawing a resample."""

import math
from dataclasses import dataclass, field
from typing import final

import numpy as np
from jaxtyping import Bool, Complex, Float, Int

from misfire.core.errors import UsageError
from misfire.stats.resampling import paired_delta
from misfire.stats.settings import check_confidence

_PERIOD = 40.0  # in standard errors; by Bernstein's inequality less than 3e-11 lies beyond its half
_ROOT_OF_TERMS = 12  # so there are 144, of which the second half must be nothing
_NOTHING = 1e-9
_FEW_DISTINCT = 16
_BISECTIONS = 40  # of the period: to 4e-11 standard errors


@final
@dataclass(frozen=True, eq=False)
class PairedMeanDistribution:
    """Distribution of the mean difference of two systems over all resamples of the queries.

    Args:
        mean: Mean of the distribution, which is the observed difference.
        standard_error: Its standard deviation.
    """

    mean: float
    standard_error: float
    _terms: Complex[np.ndarray, " term"] = field(repr=False)

    @property
    def p_positive(self) -> float:
        """Probability of a difference above zero."""
        return float(1 - self.cdf(np.zeros(1))[0])

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Percentile interval, to which the simulated one tends with ever more replicates.

        Raises:
            UsageError: If ``confidence`` isn't in (0, 1).
        """
        check_confidence(confidence)
        levels = np.array([0.5 - confidence / 2, 0.5 + confidence / 2])
        reach = self.standard_error * _PERIOD / 2
        below, above = np.full(2, self.mean - reach), np.full(2, self.mean + reach)
        for _ in range(_BISECTIONS):
            middle = (below + above) / 2
            is_short = self.cdf(middle) < levels
            below, above = np.where(is_short, middle, below), np.where(is_short, above, middle)
        return float(below[0]), float(below[1])

    def cdf(self, differences: Float[np.ndarray, " difference"]) -> Float[np.ndarray, " difference"]:
        """Probability of a difference of at most each of some."""
        z = ((differences - self.mean) / self.standard_error).clip(-_PERIOD / 2, _PERIOD / 2)
        number = np.arange(1, len(self._terms) + 1)
        turned = np.exp(-2j * np.pi / _PERIOD * z[:, None] * number)
        probability: Float[np.ndarray, " difference"] = (
            0.5 + z / _PERIOD - (turned @ (self._terms / number)).imag / np.pi
        )
        return probability.clip(0.0, 1.0)


def paired_mean_distribution(
    baseline: Bool[np.ndarray, " query"] | Int[np.ndarray, " query"] | Float[np.ndarray, " query"],
    ensembled: Bool[np.ndarray, " query"] | Int[np.ndarray, " query"] | Float[np.ndarray, " query"],
) -> PairedMeanDistribution:
    """Distribution of the mean of ``ensembled - baseline`` when queries are resampled, for many-valued outcomes.

    It is for reciprocal ranks of thousands of queries, where :func:`misfire.stats.counted_bootstrap` has no counts to
    draw: the characteristic function of one draw, to the power of the number of draws, is turned back into a
    distribution, in the time of a few dozen resamples. The result is smooth: true steps that are finer than a quarter
    of a standard error become a slope through their middles, where it is within 1e-7 of the true probability.

    Args:
        baseline: Value of each query under the baseline, for example its reciprocal rank.
        ensembled: Value of the same queries under the other system.

    Raises:
        UsageError: If there is no query, the two differ in length, a value isn't finite, or the true distribution isn't
            smooth: few different values, or few queries that matter.

    Reference:
        Bohman, "Numerical inversions of characteristic functions", Scandinavian Actuarial Journal 1975.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> before, after = 1 / rng.integers(1, 50, size=(2, 5000))
        >>> result = paired_mean_distribution(before, after)
        >>> low, high = result.interval()
        >>> bool(low < result.mean < high), bool(abs(result.mean - (after - before).mean()) < 1e-12)
        (True, True)
    """
    delta = paired_delta(baseline, ensembled)
    distinct, counts = np.unique(delta, return_counts=True)
    if len(distinct) <= _FEW_DISTINCT:
        raise UsageError(
            f"a smooth distribution needs more than {_FEW_DISTINCT} different differences, got {len(distinct)}; use "
            "counted_bootstrap, or exact_paired_distribution for hits."
        )
    num_queries, mean = len(delta), float(delta.mean())
    standard_error = math.sqrt(float(counts @ (distinct - mean) ** 2)) / num_queries
    units = (distinct - mean) / (num_queries * standard_error)
    terms = _characteristic(units, counts / num_queries) ** num_queries
    largest = float(np.abs(terms[len(terms) // 2 :]).max())
    if largest > _NOTHING:
        raise UsageError(
            f"a smooth distribution needs many queries none of which outweighs the others, got {num_queries} whose "
            f"resampled mean jumps (a term of {largest:.2g} where there should be none); use counted_bootstrap."
        )
    return PairedMeanDistribution(mean=mean, standard_error=standard_error, _terms=terms[: len(terms) // 2])


def _characteristic(
    units: Float[np.ndarray, " level"], probability: Float[np.ndarray, " level"]
) -> Complex[np.ndarray, " term"]:
    """One draw's characteristic function at the first multiples of the period's frequency.

    The n-th power of a number on the circle is that of the rest of n by 12, times a power of its 12th: two short tables
    and a product instead of a long one.
    """
    turn = np.exp(2j * np.pi / _PERIOD * units)
    small = np.cumprod(np.broadcast_to(turn, (_ROOT_OF_TERMS, len(turn))), axis=0)
    large = np.cumprod(np.broadcast_to(small[-1], small.shape), axis=0)
    beyond = np.concatenate([probability[None], large[:-1] * probability])
    return (beyond @ small.T).ravel()
