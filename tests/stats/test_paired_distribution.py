import itertools
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]

from misfire.core.errors import UsageError
from misfire.stats import exact_paired_distribution, paired_bootstrap


def every_resample(fixed: int, broken: int, num_queries: int) -> dict[int, Fraction]:
    """Probability of each net count, from all ``num_queries ** num_queries`` equally likely resamples."""
    delta = [1] * fixed + [-1] * broken + [0] * (num_queries - fixed - broken)
    counts = Counter(sum(draw) for draw in itertools.product(delta, repeat=num_queries))
    return {net: Fraction(count, num_queries**num_queries) for net, count in counts.items()}


def whole_number_convolution(fixed: int, broken: int, num_queries: int) -> list[Fraction]:
    """The same from integer polynomials, for more queries than can be enumerated."""
    one_draw, result = (
        np.array([broken, num_queries - fixed - broken, fixed], dtype=object),
        np.array([1], dtype=object),
    )
    for _ in range(num_queries):
        result = np.convolve(result, one_draw)
    return [Fraction(int(weight), num_queries**num_queries) for weight in result]


@pytest.mark.parametrize(
    ("fixed", "broken", "num_queries"),
    [(f, b, n) for n in range(1, 6) for f in range(n + 1) for b in range(n + 1 - f)] + [(2, 1, 6), (3, 4, 7)],
)
def test_distribution_matches_every_possible_resample(fixed: int, broken: int, num_queries: int) -> None:
    truth = every_resample(fixed, broken, num_queries)
    result = exact_paired_distribution(fixed, broken, num_queries)
    expected = [float(truth.get(net, Fraction(0))) for net in range(-num_queries, num_queries + 1)]
    assert result.probability == pytest.approx(expected, abs=1e-13)
    assert result.p_positive == pytest.approx(float(sum(p for net, p in truth.items() if net > 0)), abs=1e-13)
    assert result.mean == pytest.approx(float(sum(net * p for net, p in truth.items())) / num_queries)


@pytest.mark.parametrize(("fixed", "broken", "num_queries"), [(6, 1, 24), (5, 0, 24), (7, 1, 87), (3, 30, 87)])
def test_distribution_matches_whole_number_arithmetic(fixed: int, broken: int, num_queries: int) -> None:
    truth = whole_number_convolution(fixed, broken, num_queries)
    result = exact_paired_distribution(fixed, broken, num_queries)
    assert result.probability == pytest.approx([float(p) for p in truth], abs=1e-12)
    cumulative = list(itertools.accumulate(truth))
    outside = Fraction(25, 1000)
    low = next(position for position, p in enumerate(cumulative) if p >= outside) - num_queries
    high = next(position for position, p in enumerate(cumulative) if p >= 1 - outside) - num_queries
    assert result.interval() == (low / num_queries, high / num_queries)


@pytest.mark.parametrize(
    ("fixed", "broken", "p_positive"), [(1, 0, "0.63992"), (5, 0, "0.99633"), (6, 1, "0.97070"), (0, 0, "0.00000")]
)
def test_known_probabilities_of_24_queries(fixed: int, broken: int, p_positive: str) -> None:
    assert f"{exact_paired_distribution(fixed, broken, 24).p_positive:.5f}" == p_positive


def test_one_gain_has_a_closed_form() -> None:
    for num_queries in (2, 24, 5000, 25_000):
        result = exact_paired_distribution(1, 0, num_queries)
        assert result.p_positive == pytest.approx(1 - (1 - 1 / num_queries) ** num_queries, abs=1e-11)


def test_simulation_tends_to_it() -> None:
    delta = np.array([1] * 6 + [-1] + [0] * 17)
    simulated = paired_bootstrap(np.zeros(24), delta, num_replicates=200_000, rng=np.random.default_rng(0))
    result = exact_paired_distribution(6, 1, 24)
    assert simulated.p_positive == pytest.approx(result.p_positive, abs=0.0015)
    assert (simulated.low, simulated.high) == pytest.approx(result.interval(), abs=1e-12)


def test_many_queries_look_normal() -> None:
    result = exact_paired_distribution(3000, 2800, 25_000)
    spread = np.sqrt(5800 - 200**2 / 25_000)
    low, high = result.interval()
    assert low * 25_000 == pytest.approx(200 - 1.959964 * spread, abs=2)
    assert high * 25_000 == pytest.approx(200 + 1.959964 * spread, abs=2)
    assert result.p_positive == pytest.approx(stats.norm.sf((0.5 - 200) / spread), abs=1e-3)


@given(st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(1, 40)), st.floats(0.5, 0.99))
def test_swapping_the_systems_mirrors_the_distribution(counts: tuple[int, int, int], confidence: float) -> None:
    fixed, broken, rest = counts
    num_queries = fixed + broken + rest
    forth = exact_paired_distribution(fixed, broken, num_queries)
    back = exact_paired_distribution(broken, fixed, num_queries)
    assert forth.probability == pytest.approx(back.probability[::-1], abs=1e-13)
    assert forth.mean == -back.mean
    assert forth.probability.sum() == pytest.approx(1, abs=1e-13)
    assert forth.probability @ forth.support == pytest.approx(forth.mean, abs=1e-13)
    low, high = forth.interval(confidence)
    assert low <= high
    wider = forth.interval((1 + confidence) / 2)
    assert wider[0] <= low
    assert high <= wider[1]


def test_bad_counts_are_refused_with_their_remedy() -> None:
    with pytest.raises(UsageError, match=r"got fixed=3, broken=2, num_queries=4; count each query once."):
        exact_paired_distribution(3, 2, 4)
    with pytest.raises(UsageError, match=r"num_queries must be >= 1, got 0; a rate over no query is undefined."):
        exact_paired_distribution(0, 0, 0)
    with pytest.raises(UsageError, match=r"Use 0.95, not 95."):
        exact_paired_distribution(1, 0, 4).interval(95.0)


@pytest.mark.parametrize("num_queries", [100_001, 20_000_000])
def test_of_very_many_queries_only_what_is_likely_is_held_and_it_is_the_same(num_queries: int) -> None:
    one_sided = exact_paired_distribution(7, 0, num_queries)
    net = np.rint(one_sided.support * num_queries).astype(int)
    assert one_sided.probability == pytest.approx(stats.binom.pmf(net, num_queries, 7 / num_queries), abs=1e-11)
    # Few flips of very many queries are two Poisson counts, but for terms of 1 / num_queries.
    both = exact_paired_distribution(5, 3, num_queries)
    net = np.rint(both.support * num_queries).astype(int)
    assert both.probability == pytest.approx(stats.skellam.pmf(net, 5, 3), abs=10 / num_queries)
    many = exact_paired_distribution(num_queries // 4, num_queries // 8, num_queries)
    spread = float(np.sqrt(num_queries * (1 / 4 + 1 / 8 - (1 / 8) ** 2))) / num_queries
    assert many.interval() == pytest.approx((many.mean - 1.96 * spread, many.mean + 1.96 * spread), abs=3 / num_queries)
    assert len(many.support) < 200_000
