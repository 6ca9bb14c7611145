"""All metrics of ranks: what they compute, what they take, what they refuse."""

import statistics
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.metrics import hit_at_k, median_rank, reciprocal_rank
from tests.scoring.unchecked import without_shape_checks

METRICS: dict[str, Callable[..., object]] = {
    "hit_at_k": lambda ranks: hit_at_k(ranks, k=3),
    "reciprocal_rank": reciprocal_rank,
    "median_rank": median_rank,
}
every_metric = pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS.keys())
some_ranks = st.lists(st.integers(1, 10**6), min_size=1, max_size=50)


@given(ranks=some_ranks, k=st.integers(1, 10**6))
def test_metrics_are_those_of_the_standard_library(ranks: list[int], k: int) -> None:
    array = np.array(ranks)
    assert hit_at_k(array, k=k).tolist() == [rank in range(1, k + 1) for rank in ranks]
    assert reciprocal_rank(array).tolist() == [1 / rank for rank in ranks]
    assert median_rank(array) == statistics.median(ranks)


@every_metric
@pytest.mark.parametrize(
    "ranks", [torch.tensor([4, 1, 3]), torch.tensor([4, 1, 3]).int(), np.array([4, 1, 3], "uint8")]
)
def test_any_integer_array_will_do(metric: Callable[..., object], ranks: object) -> None:
    np.testing.assert_array_equal(metric(ranks), metric(np.array([4, 1, 3])))


@every_metric
@pytest.mark.parametrize(
    ("ranks", "message"),
    [
        (np.array([1, 0]), "ranks must be counted from 1, got 0"),
        (np.array([[1]]), r"vector of integers, got int64 of shape \(1, 1\)"),
        (np.array([1.5]), "vector of integers, got float64"),
    ],
)
def test_what_is_no_rank_is_refused(metric: Callable[..., object], ranks: np.ndarray, message: str) -> None:
    with without_shape_checks(), pytest.raises(UsageError, match=message):
        metric(ranks)


def test_no_query_has_no_median() -> None:
    with pytest.raises(UsageError, match="at least one query, got 0"):
        median_rank(np.array([], dtype=np.int64))
    assert hit_at_k(np.array([], dtype=np.int64), k=1).shape == (0,)
    assert reciprocal_rank(np.array([], dtype=np.int64)).shape == (0,)


def test_k_must_be_positive() -> None:
    with pytest.raises(UsageError, match="k must be >= 1, got 0"):
        hit_at_k(np.array([1]), k=0)
