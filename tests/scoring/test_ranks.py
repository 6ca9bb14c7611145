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
    ensemble_ranks,
    target_outcomes,
    target_ranks,
)
from tests.scoring.brute_force import as_tuples, integers, log_mean_exp_by_hand, ranks_by_sorting, units
from tests.scoring.unchecked import without_shape_checks

BUDGETS = [10_000, 30_000, 2**28]  # two divide the gallery and the queries, the last neither


def exact_scores(queries: torch.Tensor, gallery: torch.Tensor) -> np.ndarray:
    return queries.double().numpy() @ gallery.double().numpy().T


def pool_by_hand(pooling: PromptPooling, scores: np.ndarray) -> np.ndarray:
    by_hand = {
        "max": lambda: scores.max(axis=1),
        "mean": lambda: scores.sum(axis=1),
        "logmeanexp": lambda: log_mean_exp_by_hand(scores, float(pooling.describe()["tau"])),
    }
    return by_hand[pooling.name]()


@pytest.mark.parametrize("budget", BUDGETS)
def test_exact_scores_rank_as_a_sort_does(budget: int) -> None:
    rng = np.random.default_rng(1)
    queries, gallery = integers(rng, 30, 5), integers(rng, 47, 5)
    targets = rng.integers(47, size=30)
    ranks = target_ranks(queries, gallery, torch.from_numpy(targets), memory_budget_bytes=budget)
    assert as_tuples(ranks) == ranks_by_sorting(exact_scores(queries, gallery), targets)


@given(
    seed=st.integers(0, 2**32 - 1),
    num_items=st.integers(1, 40),
    num_prompts=st.integers(1, 5),
    dim=st.integers(1, 9),
    budget=st.sampled_from([10_000, 2**28]),
    pooling=st.sampled_from([MaxPooling(), MeanPooling(), LogMeanExpPooling(0.7), LogMeanExpPooling(20.0)]),
)
@settings(max_examples=30, deadline=None)
def test_pooled_exact_scores_rank_as_a_sort_does(
    seed: int, num_items: int, num_prompts: int, dim: int, budget: int, pooling: PromptPooling
) -> None:
    rng = np.random.default_rng(seed)
    prompts, gallery = integers(rng, 6, num_prompts, dim, most=2), integers(rng, num_items, dim, most=2)
    targets = rng.integers(num_items, size=6)
    ranks = ensemble_ranks(prompts, gallery, torch.from_numpy(targets), pooling, memory_budget_bytes=budget)
    scores = np.einsum("qpd,gd->qpg", prompts.double().numpy(), gallery.double().numpy())
    assert as_tuples(ranks) == ranks_by_sorting(pool_by_hand(pooling, scores), targets)


@pytest.mark.parametrize("pooling", [MaxPooling(), MeanPooling(), LogMeanExpPooling(), EmbeddingMean()])
@pytest.mark.parametrize("budget", [50_000, 2**28])
def test_equal_gallery_rows_tie_wherever_they_stand(pooling: PromptPooling, budget: int) -> None:
    rng = np.random.default_rng(2)
    for num_items in [2, 8, 33, 70]:
        for dim in (3, 37):
            gallery = units(rng, num_items, dim)
            twins = np.sort(rng.choice(num_items, size=min(num_items, 5), replace=False))
            gallery[twins] = gallery[twins[0]].clone()
            prompts = units(rng, len(twins), 1, dim).repeat(1, 3, 1) + 0.1 * units(rng, len(twins), 3, dim)
            prompts[:] = prompts[:1]  # one query, asked for every twin
            ranks = ensemble_ranks(prompts, gallery, torch.from_numpy(twins), pooling, memory_budget_bytes=budget)
            assert (ranks.best == ranks.best[0]).all()
            assert (ranks.worst == ranks.best + len(twins) - 1).all()
            assert (ranks.rank == ranks.best + torch.arange(len(twins))).all()


@pytest.mark.parametrize("num_items", [1, 2, 7, 16, 31, 33, 70])
def test_constant_embeddings_tie_everywhere(num_items: int) -> None:
    ranks = target_ranks(torch.full((3, 7), 0.1), torch.full((num_items, 7), 0.3), torch.full((3,), num_items - 1))
    assert ranks.rank.tolist() == [num_items] * 3
    assert ranks.best.tolist() == [1] * 3
    assert ranks.worst.tolist() == [num_items] * 3


def test_a_budget_too_small_for_anything_scores_one_query_by_one_row() -> None:
    rng = np.random.default_rng(8)
    prompts, gallery = integers(rng, 3, 2, 4), integers(rng, 9, 4)
    targets = torch.tensor([8, 0, 4])
    small = ensemble_ranks(prompts, gallery, targets, MaxPooling(), memory_budget_bytes=1)
    assert as_tuples(small) == as_tuples(ensemble_ranks(prompts, gallery, targets, MaxPooling()))


def test_negative_zero_is_zero() -> None:
    gallery = torch.tensor([[0.0, 0.3, 0.7], [-0.0, 0.3, 0.7]])
    assert target_ranks(torch.tensor([[0.2, 0.1, 0.9]]), gallery, torch.tensor([1])).best.tolist() == [1]


def test_scores_are_float32_whatever_the_embeddings() -> None:
    rng = np.random.default_rng(3)
    queries, gallery = units(rng, 40, 16).bfloat16(), units(rng, 300, 16).bfloat16()
    targets = torch.from_numpy(rng.integers(300, size=40))
    low, full = target_outcomes(queries, gallery, targets), target_outcomes(queries.float(), gallery.float(), targets)
    assert low.target_score.dtype == torch.float32
    assert as_tuples(low.ranks) == as_tuples(full.ranks)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(target_outcomes(queries, gallery, targets).target_score, full.target_score)


def test_gradients_and_strides_do_not_matter() -> None:
    rng = np.random.default_rng(4)
    queries, gallery = units(rng, 9, 8), units(rng, 20, 8)
    targets = torch.arange(9)
    expected = as_tuples(target_ranks(queries, gallery, targets))
    strided = gallery.T.contiguous().T.requires_grad_()
    assert as_tuples(target_ranks(queries.clone().requires_grad_(), strided, targets.int())) == expected


@pytest.mark.parametrize("pooling", [MaxPooling(), MeanPooling(), LogMeanExpPooling(0.02), EmbeddingMean()])
def test_the_budget_does_not_change_the_ranks(pooling: PromptPooling) -> None:
    rng = np.random.default_rng(5)
    prompts, gallery = units(rng, 25, 1, 12) + 0.3 * units(rng, 25, 4, 12), units(rng, 90, 12)
    targets = torch.from_numpy(rng.integers(90, size=25))
    found = [
        as_tuples(ensemble_ranks(prompts, gallery, targets, pooling, memory_budget_bytes=budget)) for budget in BUDGETS
    ]
    assert all(ranks == found[0] for ranks in found)


def test_logmeanexp_ranks_as_max_for_a_small_tau_and_as_mean_for_a_large_one() -> None:
    rng = np.random.default_rng(6)
    prompts, gallery = units(rng, 100, 1, 64) + 0.3 * units(rng, 100, 6, 64), units(rng, 200, 64)
    targets = torch.from_numpy(rng.integers(200, size=100))
    by_max, by_mean = (ensemble_ranks(prompts, gallery, targets, p) for p in (MaxPooling(), MeanPooling()))
    assert torch.equal(ensemble_ranks(prompts, gallery, targets, LogMeanExpPooling(1e-4)).rank, by_max.rank)
    assert torch.equal(ensemble_ranks(prompts, gallery, targets, LogMeanExpPooling(1e4)).rank, by_mean.rank)
    assert not torch.equal(by_max.rank, by_mean.rank)


@pytest.mark.parametrize("pooling", [MaxPooling(), MeanPooling(), LogMeanExpPooling(0.05), LogMeanExpPooling(3.0)])
@pytest.mark.parametrize("budget", BUDGETS)
def test_outcomes_are_those_of_the_dense_scores(pooling: PromptPooling, budget: int) -> None:
    rng = np.random.default_rng(7)
    prompts, gallery = integers(rng, 40, 3, 4, most=2) / 8, integers(rng, 21, 4, most=2) / 8
    targets = rng.integers(21, size=40)
    outcomes = ensemble_outcomes(prompts, gallery, torch.from_numpy(targets), pooling, memory_budget_bytes=budget)
    scores = np.einsum("qpd,gd->qpg", prompts.double().numpy(), gallery.double().numpy())
    pooled = pool_by_hand(pooling, scores) / (3 if pooling.name == "mean" else 1)
    others = np.where(np.arange(21) == targets[:, None], -np.inf, pooled)
    own = pooled[np.arange(40), targets]
    assert as_tuples(outcomes.ranks) == ranks_by_sorting(pooled, targets)
    assert outcomes.top_item.tolist() == pooled.argmax(axis=1).tolist()
    np.testing.assert_allclose(outcomes.top_score, pooled.max(axis=1), rtol=1e-6)
    np.testing.assert_allclose(outcomes.target_score, own, rtol=1e-6)
    np.testing.assert_allclose(outcomes.margin, own - others.max(axis=1), atol=1e-6)


def test_margin_is_undefined_where_there_is_no_other_item() -> None:
    outcomes = target_outcomes(torch.ones(2, 3), torch.ones(1, 3), torch.zeros(2, dtype=torch.int64))
    assert outcomes.margin.isnan().all()
    assert outcomes.top_item.tolist() == [0, 0]
    assert outcomes.top_score.tolist() == [3.0, 3.0]


def test_no_query_has_no_rank() -> None:
    ranks = ensemble_ranks(torch.ones(0, 2, 3), torch.ones(4, 3), torch.zeros(0, dtype=torch.int64), MeanPooling())
    assert ranks.rank.shape == (0,)


@pytest.mark.parametrize(
    ("queries", "gallery", "targets", "message"),
    [
        (torch.ones(2, 3), torch.ones(4, 5), torch.zeros(2).long(), "same dim .* got shapes .2, 1, 3. and .4, 5."),
        (torch.ones(2, 3), torch.ones(0, 3), torch.zeros(2).long(), "gallery must have items"),
        (torch.ones(2, 3), torch.ones(4, 3), torch.zeros(3).long(), r"shape \(3,\) for 2 queries"),
        (torch.ones(2, 3), torch.ones(4, 3), torch.tensor([0, 4]), "gallery of 4, got 1 outside it, the first 4"),
        (torch.ones(2, 3), torch.ones(4, 3), torch.tensor([-1, 2]), "the first -1"),
        (torch.ones(2, 3), torch.ones(4, 3), torch.zeros(2), "targets must be integers, got torch.float32"),
        (torch.full((2, 3), torch.nan), torch.ones(4, 3), torch.zeros(2).long(), "queries must be finite .* got 2"),
        (torch.ones(2, 3), torch.tensor([[1.0, torch.inf, 0.0]]), torch.zeros(2).long(), "gallery must be finite"),
        (
            torch.ones(2, 3),
            torch.full((4, 3), -1e300, dtype=torch.float64),
            torch.zeros(2).long(),
            "gallery must be finite in fl",
        ),
        (torch.full((2, 3), 1e30), torch.full((4, 3), 1e30), torch.zeros(2).long(), "scores must fit float32"),
        (torch.ones(2, 3).int(), torch.ones(4, 3), torch.zeros(2).long(), "floating-point embeddings, got torch.int32"),
        (torch.ones(2, 3, device="meta"), torch.ones(4, 3), torch.zeros(2).long(), "on one device, got meta and cpu"),
    ],
)
def test_bad_inputs_are_refused(
    queries: torch.Tensor, gallery: torch.Tensor, targets: torch.Tensor, message: str
) -> None:
    with without_shape_checks(), pytest.raises(UsageError, match=message):
        target_ranks(queries, gallery, targets)


def test_no_prompt_is_refused() -> None:
    with pytest.raises(UsageError, match="at least one prompt, got 0"):
        ensemble_ranks(torch.ones(2, 0, 3), torch.ones(4, 3), torch.zeros(2).long(), MaxPooling())


def test_no_budget_is_refused() -> None:
    with pytest.raises(UsageError, match="memory_budget_bytes must be >= 1, got 0"):
        target_ranks(torch.ones(2, 3), torch.ones(4, 3), torch.zeros(2).long(), memory_budget_bytes=0)
