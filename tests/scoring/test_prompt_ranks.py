import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.scoring import (
    EmbeddingMean,
    LogMeanExpPooling,
    MaxPooling,
    MeanPooling,
    PromptPooling,
    ensemble_outcomes,
    ensemble_outcomes_beside_prompts,
    pools_scores,
)
from tests.scoring.brute_force import integers, ranks_by_sorting, units

POOLINGS = [MaxPooling(), LogMeanExpPooling(0.7), LogMeanExpPooling(20.0)]


@given(
    seed=st.integers(0, 2**32 - 1),
    num_items=st.integers(1, 40),
    num_prompts=st.integers(1, 5),
    budget=st.sampled_from([10_000, 2**28]),
    pooling=st.sampled_from(POOLINGS),
)
@settings(max_examples=30, deadline=None)
def test_each_prompt_alone_ranks_as_a_sort_of_its_scores_does(
    seed: int, num_items: int, num_prompts: int, budget: int, pooling: PromptPooling
) -> None:
    rng = np.random.default_rng(seed)
    prompts, gallery = integers(rng, 6, num_prompts, 4, most=2), integers(rng, num_items, 4, most=2)
    targets = rng.integers(num_items, size=6)
    _, alone = ensemble_outcomes_beside_prompts(
        prompts, gallery, torch.from_numpy(targets), pooling, memory_budget_bytes=budget
    )
    scores = np.einsum("qpd,gd->qpg", prompts.double().numpy(), gallery.double().numpy())
    by_prompt = [ranks_by_sorting(scores[:, place], targets) for place in range(num_prompts)]
    assert alone.T.tolist() == [[rank for rank, *_ in ranks] for ranks in by_prompt]


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("budget", [200_000, 2**28])
def test_the_pooled_outcomes_are_those_without_the_prompts_beside(pooling: PromptPooling, budget: int) -> None:
    rng = np.random.default_rng(3)
    prompts, gallery = units(rng, 50, 4, 16), units(rng, 300, 16)
    gallery[200:220] = gallery[:20]
    targets = torch.from_numpy(rng.integers(300, size=50))
    found, _ = ensemble_outcomes_beside_prompts(prompts, gallery, targets, pooling, memory_budget_bytes=budget)
    expected = ensemble_outcomes(prompts, gallery, targets, pooling, memory_budget_bytes=budget)
    for name in ("target_score", "top_item", "top_score", "margin"):
        assert torch.equal(getattr(found, name), getattr(expected, name)), name
    for name in ("rank", "best", "worst"):
        assert torch.equal(getattr(found.ranks, name), getattr(expected.ranks, name)), name


def test_a_pooling_that_mixes_prompts_before_the_product_is_refused() -> None:
    with pytest.raises(UsageError, match=r"must take the prompts' own scores .* rank the prompts by target_ranks\.$"):
        ensemble_outcomes_beside_prompts(torch.ones(1, 2, 3), torch.ones(2, 3), torch.tensor([0]), MeanPooling())


def test_only_what_pools_the_products_pools_scores() -> None:
    assert [pools_scores(pooling) for pooling in (*POOLINGS, MeanPooling(), EmbeddingMean())] == [True] * 3 + [
        False
    ] * 2
