import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from misfire.annotation import Item, ItemKey, session_items
from misfire.core.errors import UsageError


def items(query_ids: list[int], *, annotator: str = "ann", seed: int = 1, repeats: float = 0.05) -> tuple[Item, ...]:
    return session_items(query_ids, annotator=annotator, failure_set="f" * 64, seed=seed, repeats=repeats)


@given(st.sets(st.integers(0, 10_000), min_size=1, max_size=80), st.integers(0, 99), st.floats(0, 1))
def test_every_query_stands_once_and_repeats_stand_apart(ids: set[int], seed: int, repeats: float) -> None:
    order = [item.key for item in items(sorted(ids), seed=seed, repeats=repeats)]
    assert sorted(key.query_id for key in order if not key.is_repeat) == sorted(ids)
    again = [key.query_id for key in order if key.is_repeat]
    assert len(again) == len(set(again)) == min(round(repeats * len(ids)), len(ids) - min(20, len(ids) // 2))
    for query_id in again:
        distance = order.index(ItemKey(query_id, True)) - order.index(ItemKey(query_id))
        assert distance > min(20, len(ids) // 2) or len(ids) == 1


def test_an_order_depends_on_who_looks_and_on_the_seed_alone() -> None:
    ids = list(range(50))
    assert items(ids) == items(ids)
    assert [item.key for item in items(ids)] != [item.key for item in items(ids, annotator="bob")]
    assert [item.key for item in items(ids)] != [item.key for item in items(ids, seed=2)]
    assert [item.key.query_id for item in items(ids, repeats=0.0)] != ids


def test_a_name_gives_nothing_away_and_outlives_the_order() -> None:
    ids = list(range(1000, 1100))
    named = {item.key: item.id for item in items(ids, repeats=0.1)}
    assert len(set(named.values())) == 110
    assert {item.key: item.id for item in items(ids, repeats=0.0, seed=9)}.items() <= named.items()
    assert not any(str(query_id) in named[ItemKey(query_id)] for query_id in ids[:3])
    assert set(named.values()).isdisjoint(item.id for item in items(ids, annotator="bob"))


def test_every_query_is_as_likely_to_come_first() -> None:
    first = [items(list(range(4)), seed=seed, repeats=0.0)[0].key.query_id for seed in range(400)]
    assert np.bincount(first, minlength=4).min() > 60  # 100 each are expected, 8.7 the standard deviation


@pytest.mark.parametrize("repeats", [-0.1, 1.1, 5.0, float("nan")])
def test_a_share_outside_its_range_is_refused(repeats: float) -> None:
    with pytest.raises(UsageError, match=r"annotate.repeats must be in \[0, 1\], got .*; use 0.05"):
        items([1, 2], repeats=repeats)


def test_a_query_that_stands_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="a query must stand once in a session, got 1 twice"):
        items([1, 2, 1])
