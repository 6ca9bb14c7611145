import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.scoring import LogMeanExpPooling, MaxPooling, MeanPooling, PromptPooling, ensemble_top_items, top_items
from tests.scoring.brute_force import integers, log_mean_exp_by_hand


@given(
    seed=st.integers(0, 2**32 - 1),
    num_items=st.integers(1, 40),
    budget=st.sampled_from([10_000, 2**28]),
    data=st.data(),
)
@settings(max_examples=30, deadline=None)
def test_top_items_are_the_head_of_a_sort(seed: int, num_items: int, budget: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(1, num_items))
    rng = np.random.default_rng(seed)
    queries, gallery = integers(rng, 6, 3), integers(rng, num_items, 3)
    top = top_items(queries, gallery, k=k, memory_budget_bytes=budget)
    scores = queries.double().numpy() @ gallery.double().numpy().T
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    assert top.position.tolist() == order.tolist()
    assert top.score.tolist() == np.take_along_axis(scores, order, axis=1).tolist()


@pytest.mark.parametrize("pooling", [MaxPooling(), MeanPooling(), LogMeanExpPooling(0.4), LogMeanExpPooling(9.0)])
@pytest.mark.parametrize("budget", [20_000, 2**28])
def test_top_items_of_an_ensemble_are_the_head_of_a_sort(pooling: PromptPooling, budget: int) -> None:
    rng = np.random.default_rng(1)
    prompts, gallery = integers(rng, 20, 4, 5, most=2), integers(rng, 60, 5, most=2)
    scores = np.einsum("qpd,gd->qpg", prompts.double().numpy(), gallery.double().numpy())
    pooled = {
        "max": scores.max(axis=1),
        "mean": scores.mean(axis=1),
        "logmeanexp": log_mean_exp_by_hand(scores, getattr(pooling, "tau", 1.0)),
    }[pooling.name]
    top = ensemble_top_items(prompts, gallery, pooling, k=7, memory_budget_bytes=budget)
    assert top.position.tolist() == np.argsort(-pooled, axis=1, kind="stable")[:, :7].tolist()
    np.testing.assert_allclose(top.score, -np.sort(-pooled, axis=1)[:, :7], rtol=1e-6)


@pytest.mark.parametrize("k", [0, 5])
def test_k_must_be_within_the_gallery(k: int) -> None:
    with pytest.raises(UsageError, match=f"k must be from 1 to the gallery's 4 items, got {k}"):
        top_items(torch.ones(2, 3), torch.ones(4, 3), k=k)
