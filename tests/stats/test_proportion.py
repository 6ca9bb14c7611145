import numpy as np
import pytest
from scipy import stats  # type: ignore[import-untyped]

from misfire.core.errors import UsageError
from misfire.stats import clustered_wilson_interval, wilson_interval


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize(("count", "total"), [(0, 1), (1, 1), (0, 24), (62, 210), (1, 210), (210, 210), (8, 24)])
def test_wilson_matches_scipy(count: int, total: int, confidence: float) -> None:
    expected = stats.binomtest(count, total).proportion_ci(confidence, method="wilson")
    assert wilson_interval(count, total, confidence=confidence) == pytest.approx(
        (expected.low, expected.high), abs=1e-12
    )


def test_clusters_of_one_are_nearly_the_plain_interval() -> None:
    hits = np.random.default_rng(0).random(4000) < 0.3
    plain = wilson_interval(int(hits.sum()), 4000)
    assert clustered_wilson_interval(hits, np.arange(4000)) == pytest.approx(plain, abs=1e-4)


def test_copies_of_a_query_are_worth_one() -> None:
    hits = np.random.default_rng(1).random(300) < 0.3
    once = clustered_wilson_interval(hits, np.arange(300))
    copied = clustered_wilson_interval(np.repeat(hits, 5), np.repeat(np.arange(300), 5))
    assert copied == pytest.approx(once, abs=1e-3)


def test_nothing_hit_counts_a_cluster_once() -> None:
    quantile = stats.t.ppf(0.975, 23)
    low, high = clustered_wilson_interval(np.zeros(120, dtype=bool), np.repeat(np.arange(24), 5))
    assert (low, high) == (0.0, pytest.approx(quantile**2 / (24 + quantile**2), abs=1e-12))


def test_clustered_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Images whose chance of a hit is their own, Beta(1, 2), 24 of five captions."""
    rng, images = np.random.default_rng(3), np.repeat(np.arange(24), 5)
    by_image = by_query = 0
    for _ in range(600):
        hits = rng.random(120) < np.repeat(rng.beta(1, 2, size=24), 5)
        low, high = clustered_wilson_interval(hits, images)
        by_image += low <= 1 / 3 <= high
        low, high = wilson_interval(int(hits.sum()), 120)
        by_query += low <= 1 / 3 <= high
    assert stats.binomtest(by_image, 600, 0.95).pvalue > 0.01
    assert by_query < 0.9 * 600


def test_bad_counts_are_refused_with_their_remedy() -> None:
    with pytest.raises(UsageError, match=r"got 5 of 4; the share of nothing is undefined"):
        wilson_interval(5, 4)
    with pytest.raises(UsageError, match=r"Use 0.95, not 95."):
        wilson_interval(1, 4, confidence=95.0)
    with pytest.raises(UsageError, match=r"clusters must name 2 different ones at least, got 1; what varies"):
        clustered_wilson_interval(np.ones(3, dtype=bool), np.zeros(3))
