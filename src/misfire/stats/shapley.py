"""How much each player of a team adds: Shapley values of a game whose outcome is known query by query."""

from dataclasses import dataclass
from math import comb
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int

from misfire.core.errors import UsageError

MOST_PLAYERS_ENUMERATED = 12

_DIGITS = 12
_VALUES_AT_ONCE = 2**22


@final
@dataclass(frozen=True, eq=False)
class Attribution:
    """What each player adds on each query, as fractions that sum over players to the whole team's gain.

    Attributes:
        shapley: Mean marginal contribution over all orders of joining, or over those drawn.
        leave_one_out: What is lost if the player alone is taken from the whole team.
        order_error: Standard error that drawing orders leaves in the mean over queries of ``shapley``; 0 if all were
            counted, NaN if a single pair of orders was drawn.
    """

    shapley: Float[np.ndarray, "query player"]
    leave_one_out: Float[np.ndarray, "query player"]
    order_error: Float[np.ndarray, " player"]


@final
@dataclass(frozen=True, eq=False)
class CoalitionPlan:
    """Which coalitions must be valued for Shapley values, and how these follow from them.

    Attributes:
        coalitions: Who is in each; the first has nobody, the second everybody, and no two are the same.
        num_orders: How many orders were drawn; 0 if all are counted.
        shapley_weights: Weight of each coalition's worth in each player's value.
        orders: The orders drawn, an order beside its reverse; no row if all are counted.
        steps: The coalition before each step of an order, and after the last.
    """

    coalitions: Bool[np.ndarray, "coalition player"]
    num_orders: int
    shapley_weights: Float[np.ndarray, "player coalition"]
    orders: Int[np.ndarray, "order player"]
    steps: Int[np.ndarray, "order step"]

    def attribute(self, worth: Bool[np.ndarray, "coalition query"]) -> Attribution:
        """Shapley values and leave-one-out losses of each player on each query.

        Args:
            worth: Whether each coalition hits each query, in the plan's order.
        """
        place = _places(self.coalitions)
        without = [place[row.tobytes()] for row in ~np.eye(len(self.shapley_weights), dtype=bool)]
        return Attribution(
            shapley=self._shapley(worth),
            leave_one_out=(worth[1].astype(np.int64) - worth[without]).T.astype(np.float64),
            order_error=self._order_error(worth.mean(axis=1)),
        )

    def _shapley(self, worth: Bool[np.ndarray, "coalition query"]) -> Float[np.ndarray, "query player"]:
        at_once = max(1, _VALUES_AT_ONCE // len(worth))
        starts = range(0, worth.shape[1], at_once)
        values = [(self.shapley_weights @ worth[:, start : start + at_once]).T for start in starts]
        # What is nothing but for rounding is nothing: tests count how many queries a player changes.
        return np.round(np.concatenate(values), _DIGITS) + 0.0

    def _order_error(self, worth: Float[np.ndarray, " coalition"]) -> Float[np.ndarray, " player"]:
        """An order and its reverse are one draw: they depend on each other, pairs don't."""
        if not self.num_orders:
            return np.zeros(len(self.shapley_weights))
        added = np.empty(self.orders.shape)
        np.put_along_axis(added, self.orders, np.diff(worth[self.steps], axis=1), axis=1)
        pairs = added.reshape(-1, 2, len(self.shapley_weights)).mean(axis=1)
        if len(pairs) < 2:
            return np.full(len(self.shapley_weights), np.nan)
        return np.asarray(pairs.std(axis=0, ddof=1) / np.sqrt(len(pairs)))


def plan_coalitions(num_players: int, *, num_orders: int, rng: np.random.Generator) -> CoalitionPlan:
    """Coalitions from whose worth the players' Shapley values and leave-one-out losses follow.

    Up to twelve players these are all there are, and the values are exact; beyond, those on the way of ``num_orders``
    random orders, each with its reverse, which cancels much of the sampling error. Either way the values of a query
    sum to the worth of the whole team less that of nobody.

    Args:
        num_players: At least one.
        num_orders: Random orders for many players; reverses count too, and an odd number is made even.
        rng: Source of the orders; not used where all are counted.

    Raises:
        UsageError: If there is no player, or no order is asked for.

    Reference:
        Shapley, "A value for n-person games", 1953; Castro, Gómez and Tejada, "Polynomial calculation of the Shapley
        value based on sampling", Computers & Operations Research 2009 (orders); Mitchell, Cooper, Frank and Holmes,
        "Sampling permutations for Shapley value estimation", JMLR 2022 (antithetic orders).

    Example:
        >>> plan = plan_coalitions(2, num_orders=1, rng=np.random.default_rng(0))
        >>> both_needed = plan.coalitions.all(axis=1, keepdims=True)
        >>> plan.attribute(both_needed).shapley.tolist()
        [[0.5, 0.5]]
    """
    if num_players < 1 or num_orders < 1:
        raise UsageError(
            f"an attribution must have a player and an order, got {num_players} players and {num_orders} orders; "
            "use a template set with more than the plain caption."
        )
    if num_players <= MOST_PLAYERS_ENUMERATED:
        return _every_coalition(num_players)
    return _on_the_way(_orders(num_players, num_orders + num_orders % 2, rng))


def _every_coalition(num_players: int) -> CoalitionPlan:
    """The definition: marginal contributions weighted by how many orders put the coalition before the player."""
    codes = np.concatenate([[0, 2**num_players - 1], np.arange(1, 2**num_players - 1)])[: 2**num_players]
    coalitions = (codes[:, None] >> np.arange(num_players) & 1).astype(bool)
    size = coalitions.sum(axis=1)
    before = np.array([1 / (num_players * comb(num_players - 1, others)) for others in range(num_players)])
    # A coalition with the player counts as what it became by joining, one without as what it was before.
    weights = np.where(
        coalitions, before[np.maximum(size - 1, 0)][:, None], -before[np.minimum(size, num_players - 1)][:, None]
    )
    none = np.zeros((0, num_players), dtype=np.int64)
    return CoalitionPlan(coalitions, 0, weights.T, none, np.zeros((0, num_players + 1), dtype=np.int64))


def _on_the_way(orders: Int[np.ndarray, "order player"]) -> CoalitionPlan:
    """Nobody, everybody, everybody but one, and whoever has joined before each step of an order."""
    num_orders, num_players = orders.shape
    joined_at = np.argsort(orders, axis=1)
    on_the_way = joined_at[:, None, :] < np.arange(num_players + 1)[:, None]
    everybody = np.ones((1, num_players), dtype=bool)
    all_rows = np.concatenate(
        [~everybody, everybody, ~np.eye(num_players, dtype=bool), on_the_way.reshape(-1, num_players)]
    )
    place = _places(all_rows)
    number = {key: index for index, key in enumerate(place)}
    coalitions = all_rows[list(place.values())]
    steps = np.array([number[row.tobytes()] for row in on_the_way.reshape(-1, num_players)]).reshape(num_orders, -1)
    weights = np.zeros((num_players, len(coalitions)))
    np.add.at(weights, (orders, steps[:, 1:]), 1 / num_orders)
    np.add.at(weights, (orders, steps[:, :-1]), -1 / num_orders)
    return CoalitionPlan(coalitions, num_orders, weights, orders, steps)


def _places(coalitions: Bool[np.ndarray, "coalition player"]) -> dict[bytes, int]:
    """Where each coalition stands first, in the order of these places."""
    found: dict[bytes, int] = {}
    for index, row in enumerate(coalitions):
        found.setdefault(row.tobytes(), index)
    return found


def _orders(num_players: int, num_orders: int, rng: np.random.Generator) -> Int[np.ndarray, "order player"]:
    drawn = [rng.permutation(num_players) for _ in range(num_orders // 2)]
    return np.array([order for one in drawn for order in (one, one[::-1])])
