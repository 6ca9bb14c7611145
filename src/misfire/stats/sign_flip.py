"""Randomisation test of paired values: under no difference, each query's systems could as well be swapped."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int, Int8, Shaped

from misfire.stats.resampling import cluster_positions, paired_delta
from misfire.stats.settings import check_num_replicates

_SIGNS_IN_A_BLOCK = 2**22
_FEW_DISTINCT = 16  # queries to a distinct value, from which on counting beats flipping one by one


@final
@dataclass(frozen=True)
class SignFlipTest:
    """Outcome of the sign-flip test.

    Args:
        p_value: Two-sided p-value; never 0, and 1 where the systems agree on every query.
        mean_difference: Mean of ``ensembled - baseline`` over the queries, in the values' own unit.
        num_assignments: Assignments of signs that were looked at, the observed one included.
        is_exact: Whether these were all there are, rather than a sample.
    """

    p_value: float
    mean_difference: float
    num_assignments: int
    is_exact: bool


def sign_flip_test(
    baseline: Bool[np.ndarray, " query"] | Int[np.ndarray, " query"] | Float[np.ndarray, " query"],
    ensembled: Bool[np.ndarray, " query"] | Int[np.ndarray, " query"] | Float[np.ndarray, " query"],
    *,
    clusters: Shaped[np.ndarray, " query"] | None = None,
    num_replicates: int = 10_000,
    rng: np.random.Generator,
) -> SignFlipTest:
    """Two-sided test that ``ensembled - baseline`` is as likely as its negative, by its sum over the queries.

    Made for ranks and reciprocal ranks; of hits it is McNemar's exact test. Where there are no more than
    ``num_replicates`` different assignments up to a common sign, all are enumerated and ``rng`` isn't used; otherwise
    ``num_replicates`` are drawn, and the observed one counts as one more: (b + 1) / (m + 1).

    Args:
        baseline: Value of each query under the baseline, for example its reciprocal rank.
        ensembled: Value of the same queries under the other system.
        clusters: Which cluster each query belongs to, for example its image id; a cluster's queries change sign
            together. Each query by itself where it isn't given.
        num_replicates: How many assignments are drawn.
        rng: Source of the signs.

    Raises:
        UsageError: If there is no query, the arrays differ in length, a value isn't finite, or ``num_replicates`` < 1.

    Reference:
        Smucker, Allan and Carterette, "A comparison of statistical significance tests for information retrieval
        evaluation", CIKM 2007; Phipson and Smyth, "Permutation p-values should never be zero", Statistical
        Applications in Genetics and Molecular Biology 9, 2010.

    Example:
        >>> before, after = np.array([9, 4, 7, 5, 6]), np.array([2, 1, 3, 4, 1])
        >>> sign_flip_test(before, after, rng=np.random.default_rng(0)).p_value  # 2 of 32 assignments
        0.0625
    """
    check_num_replicates(num_replicates)
    delta = paired_delta(baseline, ensembled)
    sums = delta if clusters is None else np.bincount(cluster_positions(delta, clusters), weights=delta)
    size = np.abs(sums)[sums != 0]
    reached = abs(float(sums.sum())) - 1e-12 * size.sum()  # sums that are equal but for rounding count as equal
    if is_enumerable(len(size), num_replicates=num_replicates):
        extreme = sum(int((np.abs(signs @ size) >= reached).sum()) for signs in every_assignment(len(size)))
        num_assignments = 2 ** max(len(size) - 1, 0)
        return SignFlipTest(extreme / num_assignments, float(delta.mean()), num_assignments, True)
    flipped = _flipped_sums(size, num_replicates=num_replicates, rng=rng)
    extreme = 1 + int((np.abs(flipped) >= reached).sum())
    return SignFlipTest(extreme / (num_replicates + 1), float(delta.mean()), num_replicates + 1, False)


def is_enumerable(num_units: int, *, num_replicates: int) -> bool:
    """Whether no more than ``num_replicates`` assignments of signs differ by more than a common sign.

    Example:
        >>> is_enumerable(12, num_replicates=2048), is_enumerable(13, num_replicates=2048)
        (True, False)
    """
    return num_units <= num_replicates.bit_length() and 2 ** max(num_units - 1, 0) <= num_replicates


def every_assignment(num_units: int) -> Iterator[Int8[np.ndarray, "block unit"]]:
    """Every assignment of signs in which the first unit is positive, a row each; the others are their negatives.

    Example:
        >>> [signs.tolist() for signs in every_assignment(2)]
        [[[1, 1], [1, -1]]]
    """
    total, rows = 2 ** max(num_units - 1, 0), max(1, _SIGNS_IN_A_BLOCK // max(num_units, 1))
    powers = np.arange(num_units - 1, -1, -1)
    for start in range(0, total, rows):
        numbers = np.arange(start, min(start + rows, total))
        yield (1 - 2 * ((numbers[:, None] >> powers) & 1)).astype(np.int8)


def drawn_assignments(
    num_units: int, *, num_replicates: int, rng: np.random.Generator
) -> Iterator[Int8[np.ndarray, "block unit"]]:
    """Yield assignments of fair signs, a row a replicate, until there are ``num_replicates`` rows."""
    rows_in_a_block = max(1, _SIGNS_IN_A_BLOCK // num_units)
    for start in range(0, num_replicates, rows_in_a_block):
        rows = min(rows_in_a_block, num_replicates - start)
        eights = rng.integers(0, 256, size=(rows, -(-num_units // 8)), dtype=np.uint8)
        yield 1 - 2 * np.unpackbits(eights, axis=1, count=num_units).view(np.int8)


def _flipped_sums(
    size: Float[np.ndarray, " unit"], *, num_replicates: int, rng: np.random.Generator
) -> Float[np.ndarray, " replicate"]:
    distinct, counts = np.unique(size, return_counts=True)
    if len(distinct) * _FEW_DISTINCT <= len(size):
        positive = rng.binomial(counts, 0.5, size=(num_replicates, len(counts)))
        sums: Float[np.ndarray, " replicate"] = (2 * positive - counts) @ distinct
        return sums
    blocks = drawn_assignments(len(size), num_replicates=num_replicates, rng=rng)
    return np.concatenate([signs @ size for signs in blocks])
