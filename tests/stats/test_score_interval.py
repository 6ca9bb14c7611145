import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, special, stats  # type: ignore[import-untyped]

from misfire.core.errors import UsageError
from misfire.stats import clustered_score_interval, mcnemar, paired_score_interval, wilson_interval

COUNTS = st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(1, 60))


def likelihood_score(fixed: int, broken: int, num_queries: int, difference: float) -> float:
    """The score statistic with the share of broken queries found by maximising the likelihood numerically."""
    rest = num_queries - fixed - broken

    def loss(share: float) -> float:
        shares = np.array([share + difference, share, 1 - 2 * share - difference]).clip(min=1e-300)
        return -float(special.xlogy([fixed, broken, rest], shares).sum())

    found = optimize.minimize_scalar(
        loss, bounds=(max(0.0, -difference), (1 - difference) / 2), method="bounded", options={"xatol": 1e-12}
    )
    variance = (2 * found.x + difference - difference**2) / num_queries
    return float(((fixed - broken) / num_queries - difference) / math.sqrt(variance))


@pytest.mark.parametrize("confidence", [0.8, 0.95])
@pytest.mark.parametrize(
    ("fixed", "broken", "num_queries"), [(5, 1, 24), (6, 2, 24), (1, 3, 24), (9, 30, 87), (2, 2, 8)]
)
def test_the_statistic_at_either_end_is_the_quantile(
    fixed: int, broken: int, num_queries: int, confidence: float
) -> None:
    low, high = paired_score_interval(fixed, broken, num_queries, confidence=confidence)
    quantile = stats.norm.isf((1 - confidence) / 2)
    assert likelihood_score(fixed, broken, num_queries, low) == pytest.approx(quantile, abs=1e-5)
    assert likelihood_score(fixed, broken, num_queries, high) == pytest.approx(-quantile, abs=1e-5)


def test_published_example() -> None:
    """Airway hyper-responsiveness of 21 children before and after: 1 and 7 discordant pairs.

    Fagerland, Lydersen and Laake, "Recommended tests and confidence intervals for paired binomial proportions",
    Statistics in Medicine 33, 2014, table 5.
    """
    low, high = paired_score_interval(1, 7, 21)
    assert (round(low, 3), round(high, 3)) == (-0.517, -0.026)


@given(COUNTS)
def test_zero_lies_outside_where_mcnemars_test_rejects(counts: tuple[int, int, int]) -> None:
    fixed, broken, rest = counts
    low, high = paired_score_interval(fixed, broken, fixed + broken + rest)
    assert (not low <= 0 <= high) == (mcnemar(fixed, broken).p_asymptotic < 0.05)


@given(COUNTS)
def test_swapping_the_systems_mirrors_it_and_it_holds_the_estimate(counts: tuple[int, int, int]) -> None:
    fixed, broken, rest = counts
    num_queries = fixed + broken + rest
    low, high = paired_score_interval(fixed, broken, num_queries)
    assert paired_score_interval(broken, fixed, num_queries) == (-high, -low)
    assert -1 <= low < (fixed - broken) / num_queries < high <= 1
    wider = paired_score_interval(fixed, broken, num_queries, confidence=0.99)
    assert wider[0] < low
    assert high < wider[1]


@pytest.mark.parametrize("num_queries", [1, 24, 25_000])
def test_no_flips_are_wilsons_bound_and_only_fixed_ones_end_at_1(num_queries: int) -> None:
    _, bound = wilson_interval(0, num_queries)
    assert paired_score_interval(0, 0, num_queries) == pytest.approx((-bound, bound), abs=1e-12)
    assert paired_score_interval(num_queries, 0, num_queries)[1] == 1.0


def _trinomial(fixed: int, broken: int, num_queries: int, p_fixed: float, p_broken: float) -> float:
    rest = num_queries - fixed - broken
    ways = math.comb(num_queries, fixed) * math.comb(num_queries - fixed, broken)
    return float(ways * p_fixed**fixed * p_broken**broken * (1 - p_fixed - p_broken) ** rest)


@pytest.mark.parametrize(
    ("num_queries", "p_fixed", "p_broken"),
    [(24, 0.25, 0.04), (24, 0.12, 0.05), (24, 0.1, 0.1), (87, 0.25, 0.04), (87, 0.04, 0.03), (87, 0.12, 0.0)],
)
def test_it_holds_the_truth_as_often_as_it_says(num_queries: int, p_fixed: float, p_broken: float) -> None:
    """Exactly: the probabilities of all possible counts, summed over those whose interval holds the truth."""
    probability, held = 0.0, 0.0
    for fixed in range(num_queries + 1):
        for broken in range(num_queries + 1 - fixed):
            chance = _trinomial(fixed, broken, num_queries, p_fixed, p_broken)
            if chance < 1e-7:
                continue
            low, high = paired_score_interval(fixed, broken, num_queries)
            probability += chance
            held += chance * (low <= p_fixed - p_broken <= high)
    assert probability > 0.999
    assert 0.93 <= held <= 0.97


def test_clusters_of_one_are_nearly_the_plain_interval() -> None:
    rng = np.random.default_rng(0)
    before, after = rng.random(4000) < 0.3, rng.random(4000) < 0.33
    fixed, broken = int((after & ~before).sum()), int((before & ~after).sum())
    plain = paired_score_interval(fixed, broken, 4000)
    assert clustered_score_interval(before, after, np.arange(4000)) == pytest.approx(plain, abs=1e-4)


def test_copies_of_a_query_are_worth_one() -> None:
    rng = np.random.default_rng(1)
    before, after = rng.random(300) < 0.3, rng.random(300) < 0.4
    once = clustered_score_interval(before, after, np.arange(300))
    copied = clustered_score_interval(np.repeat(before, 5), np.repeat(after, 5), np.repeat(np.arange(300), 5))
    assert copied == pytest.approx(once, abs=1e-3)


def test_no_flips_in_clusters_count_a_cluster_once() -> None:
    hits = np.ones(120, dtype=bool)
    interval = clustered_score_interval(hits, hits, np.repeat(np.arange(24), 5))
    quantile = stats.t.ppf(0.975, 23)
    bound = quantile**2 / (24 + quantile**2)
    assert interval == pytest.approx((-bound, bound), abs=1e-12)


def test_clustered_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Captions of an image share their outcome half of the time; a seeded simulation with 87 images of five."""
    rng = np.random.default_rng(3)
    images = np.repeat(np.arange(87), 5)
    by_image = by_query = 0
    for _ in range(250):
        shared, own = rng.random((2, 87, 5))
        draw = np.where(rng.random((87, 5)) < 0.7, shared[:, :1], own).ravel()
        before, after = (draw > 0.2) & (draw < 0.5), (draw < 0.15) | ((draw > 0.2) & (draw < 0.45))
        low, high = clustered_score_interval(before, after, images)
        by_image += low <= 0.1 <= high
        low, high = paired_score_interval(int((after & ~before).sum()), int((before & ~after).sum()), len(images))
        by_query += low <= 0.1 <= high
    assert stats.binomtest(by_image, 250, 0.95).pvalue > 0.01
    assert by_query < 0.9 * 250


def test_bad_input_is_refused_with_its_remedy() -> None:
    hits = np.ones(3, dtype=bool)
    with pytest.raises(UsageError, match=r"got fixed=3, broken=2, num_queries=4; count each query once."):
        paired_score_interval(3, 2, 4)
    with pytest.raises(UsageError, match=r"num_queries must be >= 1, got 0"):
        paired_score_interval(0, 0, 0)
    with pytest.raises(UsageError, match=r"Use 0.95, not 95."):
        paired_score_interval(1, 0, 4, confidence=95.0)
    with pytest.raises(UsageError, match=r"got 1; what varies between clusters can't be seen in one."):
        clustered_score_interval(hits, hits, np.zeros(3))
