import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.stats import paired_bootstrap
from misfire.stats.resampling import index_draws
from tests.published import TABLE_2, hits


@pytest.mark.parametrize("k", [1, 5, 10])
@pytest.mark.parametrize("pooling", ["max", "mean", "logmeanexp"])
def test_every_digit_of_the_published_table(pooling: str, k: int) -> None:
    result = paired_bootstrap(
        hits(pooling, "baseline", k), hits(pooling, "ensembled", k), rng=np.random.default_rng(42)
    )
    *shares, p_positive = TABLE_2[pooling, k]
    printed = [f"{100 * value:.2f}" for value in (result.mean, result.low, result.high)]
    assert printed == [f"{share:.2f}" for share in shares]
    assert f"{result.p_positive:.3f}" == f"{p_positive:.3f}"


@pytest.mark.parametrize("num_items", [1, 2, 3, 24, 25, 1000, 70_001])
def test_blocks_of_draws_are_the_draws_of_the_protocol(num_items: int) -> None:
    one_by_one, in_blocks = np.random.default_rng(42), np.random.default_rng(42)
    expected = [one_by_one.integers(0, num_items, size=num_items) for _ in range(40)]
    drawn = np.concatenate(list(index_draws(num_items, num_replicates=40, rng=in_blocks)))
    assert (drawn == np.stack(expected)).all()
    assert one_by_one.integers(2**62) == in_blocks.integers(2**62)


def replicate_by_replicate(delta: np.ndarray, num_replicates: int, rng: np.random.Generator) -> list[float]:
    return [float(np.mean(delta[rng.integers(0, len(delta), size=len(delta))])) for _ in range(num_replicates)]


def test_float_values_follow_the_protocol_too() -> None:
    source = np.random.default_rng(0)
    baseline, ensembled = 1.0 / source.integers(1, 9, size=31), 1.0 / source.integers(1, 9, size=31)
    result = paired_bootstrap(baseline, ensembled, num_replicates=300, confidence=0.8, rng=np.random.default_rng(3))
    expected = replicate_by_replicate(ensembled - baseline, 300, np.random.default_rng(3))
    assert result.replicates == pytest.approx(expected)
    assert result.mean == pytest.approx(np.mean(expected))
    assert (result.low, result.high) == pytest.approx(tuple(np.percentile(expected, [10, 90])))
    assert result.p_positive == np.mean(np.array(expected) > 0)
    assert result.confidence == 0.8


def test_rounding_is_no_gain() -> None:
    """0.1 + 0.2 - 0.3 is 5.6e-17 in floating point; a resample that holds each of them once is worth nothing."""
    delta = np.array([0.1, 0.2, -0.3])
    result = paired_bootstrap(np.zeros(3), delta, rng=np.random.default_rng(0))
    draws = np.random.default_rng(0).integers(0, 3, size=(2000, 3))
    exact = np.array([1, 2, -3])[draws].sum(axis=1)
    assert result.p_positive == (exact > 0).mean()
    assert ((result.replicates == 0) == (exact == 0)).all()


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30), st.integers(0, 2**32))
def test_swapping_the_systems_mirrors_the_replicates(pairs: list[tuple[bool, bool]], seed: int) -> None:
    baseline, ensembled = np.array(pairs).T
    forth = paired_bootstrap(baseline, ensembled, num_replicates=50, rng=np.random.default_rng(seed))
    back = paired_bootstrap(ensembled, baseline, num_replicates=50, rng=np.random.default_rng(seed))
    assert (forth.replicates == -back.replicates).all()
    assert forth.low == pytest.approx(-back.high)
    assert forth.p_positive + back.p_positive <= 1
    assert forth.low <= forth.mean + 1e-12
    assert forth.mean <= forth.high + 1e-12


def test_no_difference_is_a_plain_zero() -> None:
    values = np.array([True, False, True])
    result = paired_bootstrap(values, values, rng=np.random.default_rng(0))
    assert str([result.mean, result.low, result.high, result.p_positive]) == "[0.0, 0.0, 0.0, 0.0]"


def test_a_lower_bound_is_never_minus_zero() -> None:
    losses = paired_bootstrap(np.eye(1, 40)[0], np.zeros(40), confidence=0.5, rng=np.random.default_rng(0))
    assert str(losses.high) == "0.0"


def test_bad_input_is_refused_with_its_remedy() -> None:
    rng, two = np.random.default_rng(0), np.array([0.0, 1.0])
    with pytest.raises(UsageError, match=r"at least one, got 0 and 0; join them by query id first"):
        paired_bootstrap(np.empty(0), np.empty(0), rng=rng)
    with pytest.raises(UsageError, match=r"must be finite, got 1 of 2 that are not; leave out queries"):
        paired_bootstrap(two, np.array([np.nan, 1.0]), rng=rng)
    with pytest.raises(UsageError, match=r"confidence must be a fraction in \(0, 1\), got 95.0. Use 0.95, not 95."):
        paired_bootstrap(two, two, confidence=95.0, rng=rng)
    with pytest.raises(UsageError, match=r"num_replicates must be an integer >= 1, got 0. Use 2000."):
        paired_bootstrap(two, two, num_replicates=0, rng=rng)
