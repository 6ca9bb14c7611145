"""Shapley values against the definition over all orders, and against what must always hold."""

from collections.abc import Sequence
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.stats import shapley
from misfire.stats.shapley import CoalitionPlan, plan_coalitions


def random_worth(coalitions: np.ndarray, num_queries: int, seed: int) -> np.ndarray:
    """A worth drawn independently for each coalition, whatever its place."""
    codes = coalitions @ (1 << np.arange(coalitions.shape[1]))
    return np.array([np.random.default_rng([seed, code]).random(num_queries) < 0.5 for code in codes])


def over_all_orders(plan: CoalitionPlan, worth: np.ndarray) -> np.ndarray:
    """Mean marginal contribution, order by order."""
    num_players = plan.coalitions.shape[1]
    found = {
        frozenset(np.flatnonzero(row).tolist()): own.astype(float)
        for row, own in zip(plan.coalitions, worth, strict=True)
    }
    orders: Sequence[tuple[int, ...]] = list(permutations(range(num_players)))
    total = np.zeros((worth.shape[1], num_players))
    for order in orders:
        for place, player in enumerate(order):
            total[:, player] += found[frozenset(order[: place + 1])] - found[frozenset(order[:place])]
    return total / len(orders)


@settings(max_examples=25, deadline=None)
@given(num_players=st.integers(1, 5), seed=st.integers(0, 1000))
def test_values_equal_the_mean_over_all_orders_and_sum_to_the_gain(num_players: int, seed: int) -> None:
    plan = plan_coalitions(num_players, num_orders=1, rng=np.random.default_rng(0))
    worth = random_worth(plan.coalitions, 6, seed)
    found = plan.attribute(worth)
    np.testing.assert_allclose(found.shapley, over_all_orders(plan, worth), atol=1e-12)
    np.testing.assert_allclose(found.shapley.sum(axis=1), worth[1].astype(float) - worth[0], atol=1e-11)
    assert plan.num_orders == 0
    assert len(plan.coalitions) == len(np.unique(plan.coalitions, axis=0)) == 2**num_players
    assert found.order_error.tolist() == [0.0] * num_players


@pytest.mark.parametrize("num_players", [3, 14])
def test_leaving_one_out_is_the_difference_to_the_whole_team(num_players: int) -> None:
    plan = plan_coalitions(num_players, num_orders=4, rng=np.random.default_rng(0))
    worth = random_worth(plan.coalitions, 50, seed=4)
    everybody_but_one = np.arange(num_players) != 1
    (without,) = np.flatnonzero((plan.coalitions == everybody_but_one).all(axis=1))
    assert plan.coalitions[1].all()
    np.testing.assert_array_equal(
        plan.attribute(worth).leave_one_out[:, 1], worth[1].astype(float) - worth[without].astype(float)
    )


def test_sampled_orders_come_as_close_to_all_orders_as_they_say(monkeypatch: pytest.MonkeyPatch) -> None:
    every = plan_coalitions(6, num_orders=1, rng=np.random.default_rng(0))
    exact = every.attribute(random_worth(every.coalitions, 40, 1)).shapley.mean(axis=0)
    monkeypatch.setattr(shapley, "MOST_PLAYERS_ENUMERATED", 3)
    misses, errors = [], []
    for seed in range(60):
        plan = plan_coalitions(6, num_orders=41, rng=np.random.default_rng(seed))
        worth = random_worth(plan.coalitions, 40, 1)
        sampled = plan.attribute(worth)
        assert plan.num_orders == 42
        np.testing.assert_allclose(sampled.shapley.sum(axis=1), worth[1].astype(float) - worth[0], atol=1e-11)
        misses.append(sampled.shapley.mean(axis=0) - exact)
        errors.append(sampled.order_error)
    told = np.sqrt(np.square(errors).mean())
    assert np.sqrt(np.square(misses).mean()) == pytest.approx(told, rel=0.15)
    assert np.abs(np.mean(misses, axis=0)).max() < 4 * told / np.sqrt(60)


def test_the_error_of_one_pair_of_orders_is_unknown() -> None:
    plan = plan_coalitions(13, num_orders=2, rng=np.random.default_rng(0))
    assert np.isnan(plan.attribute(random_worth(plan.coalitions, 3, 0)).order_error).all()


def test_a_player_who_changes_nothing_is_worth_nothing() -> None:
    plan = plan_coalitions(3, num_orders=1, rng=np.random.default_rng(0))
    found = plan.attribute(np.repeat(plan.coalitions[:, :1], 4, axis=1))
    np.testing.assert_allclose(found.shapley, [[1.0, 0.0, 0.0]] * 4, atol=1e-12)


def test_of_many_players_each_coalition_on_the_way_is_asked_once() -> None:
    plan = plan_coalitions(14, num_orders=20, rng=np.random.default_rng(0))
    assert len(plan.coalitions) == len(np.unique(plan.coalitions, axis=0)) <= 2 + 14 + 20 * 13
    assert not plan.coalitions[0].any()
    by_size = plan.coalitions.sum(axis=1, keepdims=True) > 5
    np.testing.assert_allclose(plan.attribute(by_size).shapley.sum(), 1.0)


@pytest.mark.parametrize(("num_players", "num_orders"), [(0, 1), (2, 0)])
def test_nobody_to_attribute_to_is_refused(num_players: int, num_orders: int) -> None:
    with pytest.raises(UsageError, match=r"an attribution must have a player and an order, got"):
        plan_coalitions(num_players, num_orders=num_orders, rng=np.random.default_rng(0))
