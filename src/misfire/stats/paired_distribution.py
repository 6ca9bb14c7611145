"""What the paired bootstrap of hits and misses tends to, without drawing a resample."""

import math
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Float, Int

from misfire.stats.flip_counts import check_flips, check_some_query
from misfire.stats.settings import check_confidence

_MOST_WHOLE: Final = 100_000


@final
@dataclass(frozen=True, eq=False)
class ExactPairedDistribution:
    """Distribution of the difference of two hit rates over all resamples of the queries; fractions.

    Args:
        support: The possible differences, ascending, from -1 to 1; of more than 100,000 queries those around the mean
            outside of which less than 1e-12 lies.
        probability: Probability of each.
        mean: Mean of the distribution, which is the observed difference.
        p_positive: Probability of a difference above zero.
    """

    support: Float[np.ndarray, " difference"]
    probability: Float[np.ndarray, " difference"]
    mean: float
    p_positive: float

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Percentile interval: where the cumulative probability reaches ``(1 - confidence) / 2`` and one less that.

        The simulated interval tends to it with ever more replicates. Where few queries flipped, both are too short;
        :func:`misfire.stats.paired_score_interval` isn't.

        Raises:
            UsageError: If ``confidence`` isn't in (0, 1).
        """
        check_confidence(confidence)
        levels = [0.5 - confidence / 2, 0.5 + confidence / 2]
        low, high = self.support[np.searchsorted(self.probability.cumsum(), levels).clip(max=len(self.support) - 1)]
        return float(low), float(high)


def exact_paired_distribution(fixed: int, broken: int, num_queries: int) -> ExactPairedDistribution:
    """Distribution of the difference of two hit rates when queries are resampled.

    Each of ``num_queries`` draws is a fixed query (+1), a broken one (-1) or another (0): a trinomial, whose net count
    is the ``num_queries``-fold convolution of one draw, taken here through the Fourier transform (error below 1e-12).

    Args:
        fixed: Queries that only the new system hits.
        broken: Queries that only the baseline hits.
        num_queries: All queries.

    Raises:
        UsageError: If the counts don't fit together.

    Example:
        >>> distribution = exact_paired_distribution(1, 0, 24)
        >>> round(distribution.p_positive, 5)
        0.63992
        >>> [round(bound, 4) for bound in distribution.interval()]
        [0.0, 0.125]
    """
    check_some_query(num_queries)
    check_flips(fixed, broken, num_queries)
    if num_queries > _MOST_WHOLE:
        net, probability = _around_the_mean(fixed, broken, num_queries)
    else:
        net = np.arange(-num_queries, num_queries + 1)
        probability = _net_flip_probabilities(fixed, broken, num_queries)
    return ExactPairedDistribution(
        support=net / num_queries,
        probability=probability,
        mean=(fixed - broken) / num_queries,
        p_positive=float(probability[net > 0].sum()),
    )


def _around_the_mean(
    fixed: int, broken: int, num_queries: int
) -> tuple[Int[np.ndarray, " difference"], Float[np.ndarray, " difference"]]:
    """Net counts within 12 standard deviations of the mean and 60 more, and the probability of each.

    What lies beyond is less than 1e-30 by Bernstein's inequality, so a circle of that length takes the place of one of
    all counts: twenty million queries take as long as ten thousand. The mean's own turn is taken out of the power, so
    that its angle stays small.
    """
    gain, loss = fixed / num_queries, broken / num_queries
    reach = math.ceil(12 * math.sqrt(num_queries * (gain + loss)) + 60)
    length = 2 * reach + 1
    angles = 2 * np.pi * np.arange(reach + 1) / length
    real = -2 * (gain + loss) * np.sin(angles / 2) ** 2
    imaginary = (gain - loss) * np.sin(angles)
    with np.errstate(divide="ignore"):
        log_modulus = np.log1p((2 * real + real**2 + imaginary**2).clip(min=-1)) / 2
    turn = num_queries * np.arctan2(imaginary, 1 + real) - (fixed - broken) * angles
    power = np.exp(num_queries * log_modulus) * np.exp(-1j * turn)
    circle = np.fft.irfft(power, n=length)
    net = np.arange(-reach, reach + 1)
    probabilities = circle[net].clip(min=0.0)
    net = net + fixed - broken
    probabilities[((net > 0) & (fixed == 0)) | ((net < 0) & (broken == 0))] = 0.0
    probabilities[abs(net) > num_queries] = 0.0
    normalised: Float[np.ndarray, " difference"] = probabilities / probabilities.sum()
    return net, normalised


def _net_flip_probabilities(fixed: int, broken: int, num_queries: int) -> Float[np.ndarray, " difference"]:
    """Inverse transform of the ``num_queries``-th power of one draw's characteristic function.

    That function is ``1 + real + 1j * imaginary``; its logarithm is taken without forming the 1, so that the power
    keeps its digits for many queries.
    """
    from scipy.fft import next_fast_len

    gain, loss = fixed / num_queries, broken / num_queries
    length = next_fast_len(2 * num_queries + 1, real=True)
    angles = 2 * np.pi * np.arange(length // 2 + 1) / length
    real = -2 * (gain + loss) * np.sin(angles / 2) ** 2
    imaginary = (loss - gain) * np.sin(angles)
    with np.errstate(divide="ignore"):  # a modulus of 0 has the logarithm -inf and the power 0
        log_modulus = np.log1p((2 * real + real**2 + imaginary**2).clip(min=-1)) / 2
    power = np.exp(num_queries * log_modulus) * np.exp(1j * num_queries * np.arctan2(imaginary, 1 + real))
    circle = np.fft.irfft(power, n=length)
    probabilities = np.concatenate([circle[-num_queries:], circle[: num_queries + 1]]).clip(min=0.0)
    net = np.arange(-num_queries, num_queries + 1)
    probabilities[((net > 0) & (fixed == 0)) | ((net < 0) & (broken == 0))] = 0.0
    normalised: Float[np.ndarray, " difference"] = probabilities / probabilities.sum()
    return normalised
