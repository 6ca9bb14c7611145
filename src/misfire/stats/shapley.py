"""How much each player of a team adds: Shapley values of a game whose outcome is known query by query."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from jaxtyping import Bool, Float

from misfire.core.errors import UsageError

Coalition = frozenset[int]
Worth = Callable[[Coalition], Bool[np.ndarray, " query"]]
_MOST_PLAYERS_ENUMERATED = 10


@dataclass(frozen=True, eq=False)
class Attribution:
    """What each player adds on each query, as fractions that sum over players to the whole team's gain.

    Attributes:
        shapley: Mean marginal contribution over all orders of joining, or over those drawn.
        leave_one_out: What is lost if the player alone is taken from the whole team.
        num_orders: How many orders were drawn; 0 if all were counted.
    """

    shapley: Float[np.ndarray, "query player"]
    leave_one_out: Float[np.ndarray, "query player"]
    num_orders: int


def attribute(worth: Worth, num_players: int, *, num_orders: int, rng: np.random.Generator) -> Attribution:
    """Shapley values and leave-one-out losses of each player on each query.

    Up to ten players every coalition is asked and the values are exact; beyond, ``num_orders`` random orders are
    followed, each with its reverse, which cancels much of the sampling error. A coalition is asked once.

    Args:
        worth: Whether a coalition hits each query; the empty one is the baseline.
        num_players: At least one.
        num_orders: Random orders for many players; reverses count too.
        rng: Source of the orders.

    Raises:
        UsageError: If there is no player, or no order is asked for.

    Reference:
        Shapley, "A value for n-person games", 1953; Castro, Gómez and Tejada, "Polynomial calculation of the Shapley
        value based on sampling", Computers & Operations Research 2009 (orders); Mitchell, Cooper, Frank and Holmes,
        "Sampling permutations for Shapley value estimation", JMLR 2022 (antithetic orders).

    Example:
        >>> import numpy as np
        >>> both_needed = lambda team: np.array([len(team) == 2])
        >>> attribute(both_needed, 2, num_orders=1, rng=np.random.default_rng(0)).shapley.tolist()
        [[0.5, 0.5]]
    """
    if num_players < 1 or num_orders < 1:
        raise UsageError(
            f"an attribution must have a player and an order, got {num_players} players and {num_orders} orders; "
            "use a template set with more than the plain caption."
        )
    known: dict[Coalition, Float[np.ndarray, " query"]] = {}

    def values(team: Coalition) -> Float[np.ndarray, " query"]:
        if team not in known:
            known[team] = worth(team).astype(np.float64)
        return known[team]

    whole = frozenset(range(num_players))
    is_exact = num_players <= _MOST_PLAYERS_ENUMERATED
    num_orders += num_orders % 2  # each order comes with its reverse
    shapley = _enumerated(values, whole) if is_exact else _sampled(values, whole, _orders(num_players, num_orders, rng))
    losses = np.stack([values(whole) - values(whole - {player}) for player in sorted(whole)], axis=1)
    return Attribution(shapley, losses, 0 if is_exact else num_orders)


def _enumerated(
    values: Callable[[Coalition], Float[np.ndarray, " query"]], whole: Coalition
) -> Float[np.ndarray, "query player"]:
    """The definition: marginal contributions weighted by how many orders put the coalition before the player."""
    columns = []
    for player in sorted(whole):
        others = sorted(whole - {player})
        total = np.zeros(len(values(whole)))
        for size in range(len(others) + 1):
            weight = 1 / (len(whole) * comb(len(others), size))
            for team in map(frozenset, combinations(others, size)):
                total += weight * (values(team | {player}) - values(team))
        columns.append(total)
    return np.stack(columns, axis=1)


def _sampled(
    values: Callable[[Coalition], Float[np.ndarray, " query"]], whole: Coalition, orders: Iterator[list[int]]
) -> Float[np.ndarray, "query player"]:
    total = np.zeros((len(values(whole)), len(whole)))
    num_orders = 0
    for order in orders:
        num_orders += 1
        team: Coalition = frozenset()
        for player in order:
            joined = team | {player}
            total[:, player] += values(joined) - values(team)
            team = joined
    return total / num_orders


def _orders(num_players: int, num_orders: int, rng: np.random.Generator) -> Iterator[list[int]]:
    for _ in range(num_orders // 2):
        order = rng.permutation(num_players).tolist()
        yield order
        yield order[::-1]
