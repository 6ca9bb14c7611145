"""Several relevant items a query, against a sort; and near ties, which no order of summing may turn into misses."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.scoring import relevant_outcomes, target_outcomes
from tests.scoring.brute_force import as_tuples, integers, ranks_by_sorting, units

SMALL, LARGE = 3000, 2**28


def by_sorting(scores: np.ndarray, owners: np.ndarray) -> list[tuple[int, int, int]]:
    """Rank, best and worst of the best own item: the others of the same owner are taken out, then sorted."""
    found = []
    for query, row in enumerate(scores):
        own = np.flatnonzero(owners == query)
        best = min(own, key=lambda item: (-row[item], item))
        kept = [item for item in range(len(row)) if item == best or owners[item] != query]
        found += ranks_by_sorting(row[None, kept], np.array([kept.index(best)]))
    return found


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(0, 12), st.sampled_from([SMALL, LARGE]))
def test_ranks_are_those_of_a_sort(seed: int, num_queries: int, num_more: int, budget: int) -> None:
    rng = np.random.default_rng(seed)
    owners = rng.permutation(np.concatenate([np.arange(num_queries), rng.integers(num_queries, size=num_more)]))
    queries, gallery = integers(rng, num_queries, 3), integers(rng, len(owners), 3, most=1)
    found = relevant_outcomes(queries, gallery, torch.from_numpy(owners), memory_budget_bytes=budget)
    scores = (queries @ gallery.T).numpy()
    assert as_tuples(found.outcomes.ranks) == by_sorting(scores, owners)
    own_best = [min(np.flatnonzero(owners == q), key=lambda item: (-row[item], item)) for q, row in enumerate(scores)]
    assert found.best.tolist() == own_best
    alone = target_outcomes(queries, gallery, found.best, memory_budget_bytes=budget)
    assert torch.equal(found.outcomes.target_score, alone.target_score)
    assert torch.equal(found.outcomes.margin.nan_to_num(7), alone.margin.nan_to_num(7))


@pytest.mark.parametrize("budget", [200_000, 2_000_000, LARGE])
@pytest.mark.parametrize("num_queries", [130, 500])
def test_captions_that_score_alike_to_the_last_bits_are_no_rivals_of_each_other(budget: int, num_queries: int) -> None:
    rng = np.random.default_rng(0)
    images = units(rng, num_queries, 512)
    first = torch.nn.functional.normalize(
        images + 0.02 * torch.from_numpy(rng.standard_normal((num_queries, 512))), dim=1
    )
    captions = torch.stack([first + 2e-8 * torch.from_numpy(rng.standard_normal(first.shape)) for _ in range(3)], dim=1)
    captions = torch.nn.functional.normalize(captions, dim=2).reshape(-1, 512).float()
    owners = torch.arange(num_queries).repeat_interleave(3)
    found = relevant_outcomes(images, captions, owners, memory_budget_bytes=budget)
    assert (found.outcomes.ranks.rank == 1).all()  # no stranger comes near
    assert (found.outcomes.ranks.worst == 1).all()
    assert torch.equal(owners[found.best], torch.arange(num_queries))
    assert (found.outcomes.top_item == found.best).all()


def test_one_relevant_item_a_query_is_a_target() -> None:
    rng = np.random.default_rng(1)
    queries, gallery, targets = units(rng, 40, 16), units(rng, 40, 16), torch.from_numpy(rng.permutation(40))
    owners = torch.empty(40, dtype=torch.int64)
    owners[targets] = torch.arange(40)
    found, expected = relevant_outcomes(queries, gallery, owners), target_outcomes(queries, gallery, targets)
    assert torch.equal(found.best, targets)
    for name in ("rank", "best", "worst"):
        assert torch.equal(getattr(found.outcomes.ranks, name), getattr(expected.ranks, name))
    assert torch.equal(found.outcomes.margin, expected.margin)


def test_a_query_without_a_relevant_item_is_refused() -> None:
    with pytest.raises(UsageError, match="every query must have a relevant item, got 1 of 3 without; ask the others"):
        relevant_outcomes(torch.eye(3), torch.eye(3), torch.tensor([0, 2, 2]))
