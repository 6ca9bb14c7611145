"""The law of a stratified rank sum when ranks are dealt at random: one law for all sentences."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import norm
from typing_extensions import override

from misfire.core.errors import UsageError

_MOST_VALUES = 2_500  # of an exact law, whose cost grows with the square of them
_VALUES_IN_A_BLOCK = 2**22


@final
@dataclass(frozen=True)
class RankSum:
    """A sum over classes of rank within the class times error, of each sentence.

    Ranks count from 1, the least similar image of a class. Where ranks have nothing to do with errors, all orders of a
    class's images are equally likely, so that the law of the sum depends on the errors and on nothing else.

    Attributes:
        values: The sum of each sentence.
        errors: Error of each image: 1 and 0 where a prediction is wrong or right, or any graded loss.
        strata: Class of each image.
    """

    values: Float[np.ndarray, " sentence"]
    errors: Float[np.ndarray, " image"]
    strata: Int[np.ndarray, " image"]

    @cached_property
    def groups(self) -> list[np.ndarray]:
        """The errors of each class."""
        order = np.argsort(self.strata, kind="stable")
        return np.split(self.errors[order], np.flatnonzero(np.diff(self.strata[order])) + 1)

    @property
    def is_binary(self) -> bool:
        """Whether every error is 0 or 1."""
        return bool(np.isin(self.errors, (0.0, 1.0)).all())

    @property
    def mean(self) -> float:
        """Expected sum."""
        return float(sum((len(group) + 1) / 2 * group.sum() for group in self.groups))

    @property
    def deviation(self) -> float:
        """Standard deviation of the sum; 0 where no class has different errors."""
        # Hoeffding's variance of a linear rank statistic, class by class.
        return float(np.sqrt(sum(len(g) * (len(g) + 1) / 12 * ((g - g.mean()) ** 2).sum() for g in self.groups)))

    @property
    def concordance(self) -> Float[np.ndarray, " sentence"]:
        """Where each sum lies between the least and the largest possible, in [0, 1]; 0.5 is no trend.

        Of right and wrong it is the probability that, of a right and a wrong image of one class, the wrong one is more
        similar to the sentence (the area under the ROC curve, classes weighted by their pairs). NaN where no class
        has different errors.
        """
        largest = sum(float(np.sort(group) @ np.arange(1, len(group) + 1)) for group in self.groups)
        reach = largest - self.mean
        return np.asarray(0.5 + 0.5 * (self.values - self.mean) / (reach if reach > 0 else np.nan))


class RankLaw(ABC):
    """A way to get the probability that a rank sum is as large as the observed one."""

    @abstractmethod
    def p_values(self, sums: RankSum, *, rng: np.random.Generator) -> tuple[Float[np.ndarray, " sentence"], str]:
        """One-sided p-values, small where errors grow with similarity, and how they were got, in words.

        All are NaN where no class has different errors.

        Raises:
            UsageError: If the law doesn't hold for such errors.
        """


@final
@dataclass(frozen=True)
class ExactLaw(RankLaw):
    """Every order counted; for right and wrong in sets of moderate size.

    The number of pairs of a wrong and a right image of one class, the wrong one ranked higher, has the Gaussian
    binomial coefficients as frequencies; classes are convolved.

    Reference:
        Mann and Whitney, "On a test of whether one of two random variables is stochastically larger than the other",
        Annals of Mathematical Statistics 18, 1947.
    """

    @override
    def p_values(self, sums: RankSum, *, rng: np.random.Generator) -> tuple[Float[np.ndarray, " sentence"], str]:
        _check_binary(sums, "an exact law")
        if not sums.deviation:
            return np.full(len(sums.values), np.nan), "undefined, as no class has both right and wrong images"
        law = np.ones(1)
        for num_wrong, num_right in _pairs(sums):
            law = np.convolve(law, _mann_whitney(num_wrong, num_right))
        tails = law[::-1].cumsum()[::-1]
        return tails[_num_pairs_higher(sums)].clip(max=1.0), "exact, all orders counted"


@final
@dataclass(frozen=True)
class SaddlepointLaw(RankLaw):
    """Lugannani and Rice's approximation of the exact law of right and wrong; for sets of any size.

    Its relative error is below a few per cent from samples of some ten images on, also far out in the tail, where
    corrected p-values are decided.

    Reference:
        Lugannani and Rice, "Saddle point approximation for the distribution of the sum of independent random
        variables", Advances in Applied Probability 12, 1980; the lattice's correction is Daniels', "Tail probability
        approximations", International Statistical Review 55, 1987.
    """

    @override
    def p_values(self, sums: RankSum, *, rng: np.random.Generator) -> tuple[Float[np.ndarray, " sentence"], str]:
        _check_binary(sums, "a saddlepoint law")
        if not sums.deviation:
            return np.full(len(sums.values), np.nan), "undefined, as no class has both right and wrong images"
        centre = sum(wrong * right for wrong, right in _pairs(sums)) / 2
        # Barndorff-Nielsen's r* hardly differs from a line in the standardised sum, so that few points give it all.
        places, normal = _tilted(_pairs(sums), sums.deviation)
        standard = (_num_pairs_higher(sums) - 0.5 - centre) / sums.deviation
        inside = np.interp(standard, places, normal)
        beyond = np.where(standard > places[-1], normal[-1], np.where(standard < places[0], normal[0], inside))
        return norm.sf(beyond), "by a saddlepoint approximation of the exact law"


@final
@dataclass(frozen=True)
class PermutationLaw(RankLaw):
    """Errors dealt anew within classes; the observed order counts as one more: (b + 1) / (m + 1).

    One sample of the law serves all sentences.

    Args:
        num_permutations: How many deals.

    Raises:
        UsageError: If there is less than one deal.

    Reference:
        Phipson and Smyth, "Permutation p-values should never be zero", Statistical Applications in Genetics and
        Molecular Biology 9, 2010.
    """

    num_permutations: int = 99_999

    def __post_init__(self) -> None:
        if self.num_permutations < 1:
            raise UsageError(
                f"num_permutations must be >= 1, got {self.num_permutations}; no p-value is lower than 1 in one more."
            )

    @override
    def p_values(self, sums: RankSum, *, rng: np.random.Generator) -> tuple[Float[np.ndarray, " sentence"], str]:
        if not sums.deviation:
            return np.full(len(sums.values), np.nan), "undefined, as no class has different errors"
        drawn = np.zeros(self.num_permutations)
        for group in sums.groups:
            ranks = np.arange(1.0, len(group) + 1)
            rows = max(1, _VALUES_IN_A_BLOCK // len(group))
            for start in range(0, self.num_permutations, rows):
                block = drawn[start : start + rows]
                block += rng.permuted(np.broadcast_to(group, (len(block), len(group))), axis=1) @ ranks
        drawn.sort()
        slack = 1e-9 * sums.deviation  # sums that are equal but for rounding count as equal
        num_larger = self.num_permutations - np.searchsorted(drawn, sums.values - slack, side="left")
        words = f"by {self.num_permutations:,} deals of the errors within classes"
        return (1 + num_larger) / (1 + self.num_permutations), words


@final
@dataclass(frozen=True)
class NormalLaw(RankLaw):
    """The normal limit with the permutations' exact mean and variance; for graded errors of many images.

    Reference:
        Hoeffding, "A combinatorial central limit theorem", Annals of Mathematical Statistics 22, 1951.
    """

    @override
    def p_values(self, sums: RankSum, *, rng: np.random.Generator) -> tuple[Float[np.ndarray, " sentence"], str]:
        if not sums.deviation:
            return np.full(len(sums.values), np.nan), "undefined, as no class has different errors"
        return norm.sf((sums.values - sums.mean) / sums.deviation), "by the normal limit of all deals"


@final
@dataclass(frozen=True)
class SuitedLaw(RankLaw):
    """The strictest law that can be had in about a second; the report says which.

    Right and wrong: exact where few sums are possible, a saddlepoint otherwise. Graded errors: as many deals as a
    correction over the sentences needs to reject any, or the normal limit where these would take long.

    Args:
        most_dealt: Most images times deals.
    """

    most_dealt: int = 10**8

    @override
    def p_values(self, sums: RankSum, *, rng: np.random.Generator) -> tuple[Float[np.ndarray, " sentence"], str]:
        return self._law(sums).p_values(sums, rng=rng)

    def _law(self, sums: RankSum) -> RankLaw:
        if sums.is_binary:
            num_values = sum(wrong * right for wrong, right in _pairs(sums))
            return ExactLaw() if num_values <= _MOST_VALUES else SaddlepointLaw()
        num_sentences = len(sums.values)
        smallest = 0.01 / (num_sentences * (1.0 / np.arange(1, num_sentences + 1)).sum())
        num_permutations = max(9_999, int(np.ceil(1 / smallest)))
        return (
            PermutationLaw(num_permutations) if num_permutations * len(sums.errors) <= self.most_dealt else NormalLaw()
        )


def _check_binary(sums: RankSum, what: str) -> None:
    if not sums.is_binary:
        raise UsageError(
            f"{what} needs errors of 0 and 1, got {len(np.unique(sums.errors))} different values; take deals or the "
            "normal limit for graded errors."
        )


def _pairs(sums: RankSum) -> list[tuple[int, int]]:
    """Wrong and right images of each class that has both."""
    counts = [(int(group.sum()), len(group) - int(group.sum())) for group in sums.groups]
    return [(wrong, right) for wrong, right in counts if wrong and right]


def _num_pairs_higher(sums: RankSum) -> Int[np.ndarray, " sentence"]:
    """Pairs of a wrong and a right image of one class in which the wrong one is more similar."""
    lowest = sum(wrong * (wrong + 1) // 2 for wrong in (int(group.sum()) for group in sums.groups))
    return np.asarray(np.rint(sums.values - lowest).astype(np.int64))


def _mann_whitney(num_wrong: int, num_right: int) -> Float[np.ndarray, " count"]:
    """Probability of each number of pairs in which the wrong image is the higher one."""
    few, many = sorted((num_wrong, num_right))
    # Row m holds the law for m of the few among the first n images; an image put on top of n - m others of the many
    # and m - 1 of the few passes exactly those of the many.
    laws = np.zeros((few + 1, few * many + 1))
    laws[0, 0] = 1.0
    for total in range(1, few + many + 1):
        for chosen in range(min(few, total), max(0, total - many - 1), -1):
            passed = total - chosen
            share = chosen / total  # the top image is one of the few
            above = np.zeros_like(laws[chosen])
            above[passed:] = laws[chosen - 1, : len(above) - passed]
            laws[chosen] = share * above + (1 - share) * laws[chosen] * (passed > 0)
    return np.asarray(laws[few])


def _tilted(
    pairs: list[tuple[int, int]], deviation: float, *, num_points: int = 400
) -> tuple[Float[np.ndarray, " point"], Float[np.ndarray, " point"]]:
    """Standardised sums, ascending, and the normal quantile with the same upper tail at each."""
    # The generating function of a class is a product of (1 - q^(many + i)) / (1 - q^i): differences of log sinh.
    tops, bottoms = [], []
    for few, many in (sorted(pair) for pair in pairs):
        bottoms.append(np.arange(1, few + 1))
        tops.append(many + bottoms[-1])
    sizes, multiplicity = np.unique(np.concatenate(tops + bottoms), return_inverse=True)
    signs = np.concatenate([np.ones(sum(map(len, tops))), -np.ones(sum(map(len, bottoms)))])
    weights = np.bincount(multiplicity.ravel(), weights=signs)
    sizes, weights = sizes[weights != 0].astype(np.float64), weights[weights != 0]
    # Tilts up to where the standardised sum is far beyond any p-value that matters; denser in the middle.
    span = np.linspace(0.02, 1, num_points // 2) ** 1.5
    tilts = span * 14.0 / deviation
    half = np.outer(tilts, sizes) / 2
    with np.errstate(over="ignore"):
        log_sinh = half + np.log1p(-np.exp(-2 * half)) - np.log(2 * half)  # log(sinh(x) / x) without overflow
        cotangent = 1 / np.tanh(half) - 1 / half
        inverse_square = np.where(half > 300, 0.0, 1 / np.sinh(np.minimum(half, 300)) ** 2)
        curvature = 1 / half**2 - inverse_square
    cumulant = log_sinh @ weights
    slope = (cotangent * sizes / 2) @ weights
    bend = (curvature * sizes**2 / 4) @ weights
    root = np.sqrt(np.maximum(2 * (tilts * slope - cumulant), 0))
    jump = 2 * np.sinh(tilts / 2) * np.sqrt(bend)
    normal = root + np.log(jump / root) / root
    places = slope / deviation
    return np.concatenate([-places[::-1], places]), np.concatenate([-normal[::-1], normal])
