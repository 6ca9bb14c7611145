import operator
from collections.abc import Callable

import numpy as np
import pytest
import torch

from misfire.scoring import target_ranks
from misfire.scoring.comparison import _compare, _count
from tests.scoring.brute_force import as_tuples, ranks_by_sorting


@pytest.mark.parametrize("num_members", [1, 7, 8, 9, 2039, 2040, 2041, 4083, 5000])
@pytest.mark.parametrize("num_queries", [0, 1, 3])
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_mask_is_counted_as_adding_it_up_does(num_members: int, num_queries: int, share: float) -> None:
    mask = torch.rand(num_queries, num_members, generator=torch.Generator().manual_seed(0)) < share
    assert _count(mask).tolist() == [sum(row) for row in mask.tolist()]


def test_a_gallery_of_thousands_ranks_as_a_sort_does() -> None:
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 900, size=(9, 4100)).astype(np.float32)
    targets = rng.integers(4100, size=9)
    ranks = target_ranks(torch.from_numpy(scores), torch.eye(4100), torch.from_numpy(targets))
    assert as_tuples(ranks) == ranks_by_sorting(scores.astype(float), targets)


@pytest.mark.parametrize("relation", [operator.gt, operator.ge])
def test_the_smallest_differences_and_both_zeros_compare_as_torch_has_it(
    relation: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
) -> None:
    values, target_score = torch.tensor([[-0.0, 0.0, 1e-45, -1e-45]]), torch.zeros(1, 1)
    assert _compare(relation, values, target_score).tolist() == relation(values, target_score).tolist()
