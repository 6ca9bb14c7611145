from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.failures import plan_assignment

ANNOTATORS = ["ann", "bob", "cem", "dot", "eva"]


@given(
    ids=st.lists(st.integers(0, 10**6), min_size=1, max_size=60, unique=True),
    num_annotators=st.integers(2, 5),
    seed=st.integers(0, 100),
    data=st.data(),
)
def test_everybody_has_the_overlap_and_the_rest_is_dealt_out(
    ids: list[int], num_annotators: int, seed: int, data: st.DataObject
) -> None:
    overlap = data.draw(st.integers(0, len(ids)))
    annotators = ANNOTATORS[:num_annotators]
    plan = plan_assignment(ids, annotators, overlap=overlap, seed=seed)
    shares = {name: set(plan.query_ids[name]) for name in annotators}
    assert len(plan.shared) == overlap
    assert set().union(*shares.values()) == set(ids)
    assert all(first & second == set(plan.shared) for first, second in combinations(shares.values(), 2))
    sizes = [len(plan.query_ids[name]) for name in annotators]
    assert sizes == [len(share) for share in shares.values()]
    assert max(sizes) - min(sizes) <= 1
    assert all(list(share) == sorted(share) for share in plan.query_ids.values())
    assert plan == plan_assignment(ids, annotators, overlap=overlap, seed=seed)


def test_the_planned_case() -> None:
    plan = plan_assignment(range(150), ["a", "b", "c"], overlap=30, seed=42)
    assert [len(ids) for ids in plan.query_ids.values()] == [70, 70, 70]
    assert plan.shared != plan_assignment(range(150), ["a", "b", "c"], overlap=30, seed=43).shared


def test_backups_are_kept_back_and_disjoint() -> None:
    plain = plan_assignment(range(100), ["a", "b", "c"], overlap=20, seed=42)
    plan = plan_assignment(range(100), ["a", "b", "c"], overlap=20, seed=42, num_backups=10)
    assert plan.shared == plain.shared
    backups = [query_id for ids in plan.backups.values() for query_id in ids]
    assert [len(ids) for ids in plan.backups.values()] == [4, 3, 3]
    assert len(set(backups)) == 10
    assert set().union(*plan.query_ids.values()) == set(range(100)) - set(backups)
    assert not any(plain.backups.values())


def test_a_single_annotator_has_everything() -> None:
    assert plan_assignment([3, 1, 2], ["ann"], overlap=0, seed=0).query_ids == {"ann": (1, 2, 3)}


def test_too_many_backups_are_refused() -> None:
    with pytest.raises(UsageError, match="backups must be between 0 and the 5 queries that aren't shared, got 6"):
        plan_assignment(range(10), ["a", "b"], overlap=5, seed=0, num_backups=6)


@pytest.mark.parametrize(
    ("ids", "annotators", "overlap", "message"),
    [
        ([1, 2], ["a", "b"], 3, "overlap must be between 0 and the 2 queries to annotate, got 3"),
        ([1, 2], ["a", "b"], -1, "overlap must be between 0 and the 2 queries to annotate, got -1"),
        ([1, 1], ["a", "b"], 0, "queries must be assigned once, got 1 repeated"),
        ([1, 2], ["a"], 1, "overlap must be 0 for a single annotator, got 1"),
        ([1, 2], [], 0, "there must be an annotator, got none"),
        ([1, 2], ["a", "a"], 0, r"annotators must have different names, got 1 \(a\) twice"),
        ([1, 2], ["a/b", "a b"], 0, r"an annotator's name must be letters, digits, - and _, got 2 \('a/b', 'a b'\)"),
    ],
)
def test_an_impossible_plan_is_refused(ids: list[int], annotators: list[str], overlap: int, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        plan_assignment(ids, annotators, overlap=overlap, seed=0)
