"""Shapley values against the definition over all orders, and against what must always hold."""

from collections.abc import Sequence
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.stats import shapley
from misfire.stats.shapley import Coalition, Worth, attribute


def random_game(num_players: int, num_queries: int, seed: int) -> Worth:
    """A worth drawn independently for each coalition."""

    def worth(team: Coalition) -> np.ndarray:
        code = sum(1 << player for player in team)
        return np.random.default_rng([seed, code]).random(num_queries) < 0.5

    return worth


def over_all_orders(worth: Worth, num_players: int) -> np.ndarray:
    """Mean marginal contribution, order by order."""
    orders: Sequence[tuple[int, ...]] = list(permutations(range(num_players)))
    total = np.zeros((len(worth(frozenset())), num_players))
    for order in orders:
        for place, player in enumerate(order):
            before, after = frozenset(order[:place]), frozenset(order[: place + 1])
            total[:, player] += worth(after).astype(float) - worth(before).astype(float)
    return total / len(orders)


@settings(max_examples=25, deadline=None)
@given(num_players=st.integers(1, 5), seed=st.integers(0, 1000))
def test_values_equal_the_mean_over_all_orders_and_sum_to_the_gain(num_players: int, seed: int) -> None:
    worth = random_game(num_players, 6, seed)
    found = attribute(worth, num_players, num_orders=1, rng=np.random.default_rng(0))
    np.testing.assert_allclose(found.shapley, over_all_orders(worth, num_players), atol=1e-12)
    whole = frozenset(range(num_players))
    gain = worth(whole).astype(float) - worth(frozenset()).astype(float)
    np.testing.assert_allclose(found.shapley.sum(axis=1), gain, atol=1e-12)
    assert found.num_orders == 0


def test_leaving_one_out_is_the_difference_to_the_whole_team() -> None:
    worth = random_game(3, 50, seed=4)
    found = attribute(worth, 3, num_orders=1, rng=np.random.default_rng(0))
    expected = worth(frozenset({0, 1, 2})).astype(float) - worth(frozenset({0, 2})).astype(float)
    np.testing.assert_array_equal(found.leave_one_out[:, 1], expected)


def test_sampled_orders_come_close_to_all_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    worth = random_game(6, 200, seed=1)
    exact = attribute(worth, 6, num_orders=1, rng=np.random.default_rng(0)).shapley
    monkeypatch.setattr(shapley, "_MOST_PLAYERS_ENUMERATED", 3)
    sampled = attribute(worth, 6, num_orders=600, rng=np.random.default_rng(0))
    assert sampled.num_orders == 600
    np.testing.assert_allclose(sampled.shapley.mean(axis=0), exact.mean(axis=0), atol=0.01)
    gain = worth(frozenset(range(6))).astype(float) - worth(frozenset()).astype(float)
    np.testing.assert_allclose(sampled.shapley.sum(axis=1), gain, atol=1e-12)


def test_a_player_who_changes_nothing_is_worth_nothing() -> None:
    found = attribute(lambda team: np.array([0 in team] * 4), 3, num_orders=1, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(found.shapley, [[1.0, 0.0, 0.0]] * 4)


def test_many_players_ask_each_coalition_once() -> None:
    asked: list[Coalition] = []

    def worth(team: Coalition) -> np.ndarray:
        asked.append(team)
        return np.array([len(team) > 5])

    found = attribute(worth, 14, num_orders=20, rng=np.random.default_rng(0))
    assert len(asked) == len(set(asked))
    np.testing.assert_allclose(found.shapley.sum(), 1.0)


@pytest.mark.parametrize(("num_players", "num_orders"), [(0, 1), (2, 0)])
def test_nobody_to_attribute_to_is_refused(num_players: int, num_orders: int) -> None:
    with pytest.raises(UsageError, match=r"an attribution must have a player and an order, got"):
        attribute(lambda team: np.array([True]), num_players, num_orders=num_orders, rng=np.random.default_rng(0))
