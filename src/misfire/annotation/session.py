"""What an annotator is shown, in which order, with hidden repeats."""

from collections.abc import Sequence
from dataclasses import dataclass

from misfire.annotation.events import ItemKey
from misfire.core.errors import UsageError
from misfire.core.hashing import sha256_json
from misfire.core.seeding import generator

_SPACING = 20


@dataclass(frozen=True)
class Item:
    """One place of the order; ``id`` names it to the page and gives nothing away."""

    id: str
    key: ItemKey


def session_items(
    query_ids: Sequence[int], *, annotator: str, failure_set: str, seed: int, repeats: float
) -> tuple[Item, ...]:
    """All items in the order in which this annotator sees them.

    Everybody has an order of one's own, so that tiredness doesn't fall on the same items. A repeat stands at least 20
    places behind its first showing, or half the session where that is shorter.

    Args:
        query_ids: What is to be annotated.
        annotator: Whose order it is.
        failure_set: Its digest, part of the items' names.
        seed: Of the order and of the repeats.
        repeats: Share of the queries that are shown again, in [0, 1].

    Raises:
        UsageError: If the share is outside [0, 1] or a query stands twice.

    Example:
        >>> items = session_items(range(40), annotator="ann", failure_set="f", seed=0, repeats=0.05)
        >>> len(items), sum(item.key.is_repeat for item in items)
        (42, 2)
    """
    if not 0 <= repeats <= 1:
        raise UsageError(f"annotate.repeats must be in [0, 1], got {repeats}; use 0.05 for one item in twenty.")
    if len(set(query_ids)) < len(query_ids):
        raise UsageError(f"a query must stand once in a session, got {len(query_ids) - len(set(query_ids))} twice.")
    rng = generator(seed, "session", annotator)
    order = [int(query_id) for query_id in rng.permutation(list(query_ids))]
    spacing = min(_SPACING, len(order) // 2)
    candidates = len(order) - spacing
    num_repeats = min(round(repeats * len(order)), candidates)
    keyed = [(float(place), ItemKey(query_id)) for place, query_id in enumerate(order)]
    for place in rng.choice(candidates, size=num_repeats, replace=False) if num_repeats else ():
        # Behind at least `spacing` others, and never behind the last: a half stands between two places.
        behind = int(rng.integers(place + spacing, len(order)))
        keyed.append((behind + 0.5, ItemKey(order[place], is_repeat=True)))
    keyed.sort(key=lambda pair: pair[0])
    return tuple(Item(_name(failure_set, annotator, key), key) for _, key in keyed)


def _name(failure_set: str, annotator: str, key: ItemKey) -> str:
    return sha256_json([failure_set, annotator, *key])[:16]
