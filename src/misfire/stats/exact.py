"""Statistics of paired hits and misses that need no simulation."""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import final

import numpy as np
from jaxtyping import Float

from misfire.core.errors import UsageError
from misfire.stats.settings import check_confidence


@final
@dataclass(frozen=True, eq=False)
class ExactPairedBootstrap:
    """What the paired bootstrap of 0/1 outcomes tends to with ever more replicates; fractions.

    Args:
        mean: Mean of the distribution, which is the observed difference.
        low: Smallest difference whose cumulative probability reaches ``(1 - confidence) / 2``.
        high: Smallest difference whose cumulative probability reaches ``(1 + confidence) / 2``.
        p_positive: Probability of a difference above zero.
        confidence: Coverage that the interval aims at.
        deltas: The possible differences, ascending, from -1 to 1.
        probabilities: Probability of each.
    """

    mean: float
    low: float
    high: float
    p_positive: float
    confidence: float
    deltas: Float[np.ndarray, " delta"]
    probabilities: Float[np.ndarray, " delta"]


def exact_paired_bootstrap(
    *, fixed: int, broken: int, num_queries: int, confidence: float = 0.95
) -> ExactPairedBootstrap:
    """Distribution of the difference of two hit rates when queries are resampled.

    Each of ``num_queries`` draws is a fixed query (+1), a broken one (-1) or another (0): a trinomial, whose net count
    is the ``num_queries``-fold convolution of one draw, taken here through the Fourier transform (error below 1e-12).

    Args:
        fixed: Queries that only the new system hits.
        broken: Queries that only the baseline hits.
        num_queries: All queries.
        confidence: Coverage of the interval, in (0, 1).

    Raises:
        UsageError: If the counts don't fit together or ``confidence`` is out of range.

    Example:
        >>> round(exact_paired_bootstrap(fixed=1, broken=0, num_queries=24).p_positive, 5)
        0.63992
    """
    check_confidence(confidence)
    if num_queries < 1:
        raise UsageError(f"num_queries must be >= 1, got {num_queries}; a rate over no query is undefined.")
    _check_flips(fixed, broken, num_queries)
    net = np.arange(-num_queries, num_queries + 1)
    probabilities = _net_flip_probabilities(fixed, broken, num_queries)
    cumulative = probabilities.cumsum()
    deltas = net / num_queries
    low, high = deltas[np.searchsorted(cumulative, [0.5 - confidence / 2, 0.5 + confidence / 2])]
    return ExactPairedBootstrap(
        mean=(fixed - broken) / num_queries,
        low=float(low),
        high=float(high),
        p_positive=float(probabilities[net > 0].sum()),
        confidence=confidence,
        deltas=deltas,
        probabilities=probabilities,
    )


def mcnemar_p_value(*, fixed: int, broken: int) -> float:
    """Two-sided p-value of McNemar's exact test: the flips split as evenly as a fair coin's throws.

    1 where nothing flipped: two systems with the same hits are no evidence of a difference.

    Raises:
        UsageError: If a count is negative.

    Reference:
        McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
        Psychometrika 12, 1947.

    Example:
        >>> mcnemar_p_value(fixed=5, broken=0)
        0.0625
    """
    _check_flips(fixed, broken, fixed + broken)
    at_most, _ = _fair_coin(fixed + broken, heads=min(fixed, broken))
    return min(1.0, 2 * at_most)


def mcnemar_mid_p_value(*, fixed: int, broken: int) -> float:
    """Two-sided mid-p value of McNemar's test: half the probability of the observed split is left out.

    Less conservative than :func:`mcnemar_p_value` where few queries flip; 1 where nothing flipped.

    Reference:
        Fagerland, Lydersen and Laake, "The McNemar test for binary matched-pairs data: mid-p and asymptotic are better
        than exact conditional", BMC Medical Research Methodology 13, 2013.

    Example:
        >>> mcnemar_mid_p_value(fixed=5, broken=0)
        0.03125
    """
    _check_flips(fixed, broken, fixed + broken)
    at_most, exactly = _fair_coin(fixed + broken, heads=min(fixed, broken))
    return min(1.0, 2 * at_most - exactly)


def wilson_interval(count: int, total: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a proportion, as fractions in [0, 1].

    Args:
        count: How many have the property.
        total: Out of how many.
        confidence: Coverage that the interval aims at, in (0, 1).

    Raises:
        UsageError: If ``total`` is 0, ``count`` isn't between 0 and ``total`` or ``confidence`` is out of range.

    Reference:
        Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927.

    Example:
        >>> [round(bound, 4) for bound in wilson_interval(0, 10)]
        [0.0, 0.2775]
    """
    check_confidence(confidence)
    if total < 1 or not 0 <= count <= total:
        raise UsageError(
            f"count must be between 0 and a total >= 1, got {count} of {total}; the share of nothing is undefined."
        )
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = count / total
    centre = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z / (1 + z**2 / total) * math.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    low = 0.0 if count == 0 else centre - half
    high = 1.0 if count == total else centre + half
    return low, high


def _net_flip_probabilities(fixed: int, broken: int, num_queries: int) -> Float[np.ndarray, " delta"]:
    """Inverse transform of the ``num_queries``-th power of one draw's characteristic function.

    That function is ``1 + real + 1j * imaginary``; its logarithm is taken without forming the 1, so that the power
    keeps its digits for many queries.
    """
    gain, loss = fixed / num_queries, broken / num_queries
    angles = 2 * np.pi * np.arange(num_queries + 1) / (2 * num_queries + 1)
    real = -2 * (gain + loss) * np.sin(angles / 2) ** 2
    imaginary = (loss - gain) * np.sin(angles)
    with np.errstate(divide="ignore"):  # a modulus of 0 has the logarithm -inf and the power 0
        log_modulus = np.log1p((2 * real + real**2 + imaginary**2).clip(min=-1)) / 2
    power = np.exp(num_queries * log_modulus) * np.exp(1j * num_queries * np.arctan2(imaginary, 1 + real))
    probabilities = np.roll(np.fft.irfft(power, n=2 * num_queries + 1), num_queries).clip(min=0.0)
    net = np.arange(-num_queries, num_queries + 1)
    probabilities[((net > 0) & (fixed == 0)) | ((net < 0) & (broken == 0))] = 0.0
    normalised: Float[np.ndarray, " delta"] = probabilities / probabilities.sum()
    return normalised


def _fair_coin(num_throws: int, *, heads: int) -> tuple[float, float]:
    """Probability of at most and of exactly this number of heads; whole numbers until the last division."""
    exactly = at_most = 1
    for tails_turned in range(heads):
        exactly = exactly * (num_throws - tails_turned) // (tails_turned + 1)
        at_most += exactly
    return at_most / 2**num_throws, exactly / 2**num_throws


def _check_flips(fixed: int, broken: int, num_queries: int) -> None:
    if min(fixed, broken) < 0 or fixed + broken > num_queries:
        raise UsageError(
            "fixed and broken must be counts of different queries among num_queries, got "
            f"fixed={fixed}, broken={broken}, num_queries={num_queries}; count each query once."
        )
