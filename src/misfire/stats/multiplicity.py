"""p-values of many tests, adjusted for how many they are."""

import numpy as np
from jaxtyping import Float

from misfire.core.errors import UsageError


def holm(p_values: Float[np.ndarray, " test"]) -> Float[np.ndarray, " test"]:
    """Holm's adjusted p-values: reject those up to alpha, and any false rejection has probability alpha at most.

    Whatever the dependence between the tests. NaN, an undefined test, stays NaN and isn't counted.

    Raises:
        UsageError: If a p-value lies outside [0, 1].

    Reference:
        Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6, 1979.

    Example:
        >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
        [0.03, 0.06, 0.06]
    """
    ascending, order = _sorted_defined(p_values)
    scaled = ascending * np.arange(len(ascending), 0, -1)
    return _put_back(np.maximum.accumulate(scaled), order, p_values)


def benjamini_hochberg(
    p_values: Float[np.ndarray, " test"], *, num_tests: int | None = None
) -> Float[np.ndarray, " test"]:
    """Benjamini and Hochberg's adjusted p-values: of those up to q, a share q is expected to be false at most.

    For independent or positively dependent tests. NaN, an undefined test, stays NaN and isn't counted.

    Args:
        p_values: One a test.
        num_tests: How many tests were made in all, where only some can be rejected: the others count as p = 1. As many
            as there are p-values if it isn't given.

    Raises:
        UsageError: If a p-value lies outside [0, 1], or there are more of them than ``num_tests``.

    Reference:
        Benjamini and Hochberg, "Controlling the false discovery rate", Journal of the Royal Statistical Society B 57,
        1995.

    Example:
        >>> benjamini_hochberg(np.array([0.01, 0.04, 0.03])).tolist()
        [0.03, 0.04, 0.04]
    """
    ascending, order = _sorted_defined(p_values)
    if num_tests is not None and num_tests < len(ascending):
        raise UsageError(
            f"num_tests must be at least the number of p-values, got {num_tests} for {len(ascending)}; count every "
            "test that was made."
        )
    scaled = ascending * (len(ascending) if num_tests is None else num_tests) / np.arange(1, len(ascending) + 1)
    return _put_back(np.minimum.accumulate(scaled[::-1])[::-1], order, p_values)


def benjamini_yekutieli(p_values: Float[np.ndarray, " test"]) -> Float[np.ndarray, " test"]:
    """Benjamini and Yekutieli's adjusted p-values: Benjamini and Hochberg's times 1 + 1/2 + ... + 1/tests.

    Whatever the dependence between the tests. NaN, an undefined test, stays NaN and isn't counted.

    Raises:
        UsageError: If a p-value lies outside [0, 1].

    Reference:
        Benjamini and Yekutieli, "The control of the false discovery rate in multiple testing under dependency", Annals
        of Statistics 29, 2001.

    Example:
        >>> benjamini_yekutieli(np.array([0.01, 0.04])).tolist()
        [0.03, 0.06]
    """
    num_tests = int((~np.isnan(p_values)).sum())
    harmonic = float((1.0 / np.arange(1, num_tests + 1)).sum())
    return np.asarray(np.minimum(benjamini_hochberg(p_values) * harmonic, 1.0))


def _sorted_defined(p_values: Float[np.ndarray, " test"]) -> tuple[np.ndarray, np.ndarray]:
    """The defined p-values, ascending, and where they stand; NumPy sorts NaN last."""
    outside = p_values[(p_values < 0) | (p_values > 1)]
    if len(outside):
        raise UsageError(
            f"p-values must lie in [0, 1], got {len(outside)} of {len(p_values)} outside, the first {outside[0]}; "
            "pass p-values, not statistics."
        )
    order = np.argsort(p_values, kind="stable")[: int((~np.isnan(p_values)).sum())]
    return p_values[order], order


def _put_back(
    adjusted: Float[np.ndarray, " defined"], order: np.ndarray, p_values: Float[np.ndarray, " test"]
) -> Float[np.ndarray, " test"]:
    result = np.full(len(p_values), np.nan)
    result[order] = adjusted.clip(max=1.0)
    return result
