import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.scoring import LogMeanExpPooling, MaxPooling, MeanPooling, ensemble_ranks, tau_profile
from tests.scoring.brute_force import integers, log_mean_exp_by_hand, ranks_by_sorting, units

TAUS = [10.0, 1e-3, 0.03, 0.1, 1.0, 0.01]  # in no order


@given(
    seed=st.integers(0, 2**32 - 1),
    num_items=st.integers(1, 40),
    num_prompts=st.integers(1, 6),
    dim=st.integers(1, 7),
    taus=st.lists(st.floats(1e-3, 100.0), min_size=1, max_size=9),
    budget=st.sampled_from([10_000, 2**28]),
)
@settings(max_examples=30, deadline=None)
def test_exact_scores_rank_as_a_sort_does_for_every_tau(
    seed: int, num_items: int, num_prompts: int, dim: int, taus: list[float], budget: int
) -> None:
    rng = np.random.default_rng(seed)
    prompts, gallery = integers(rng, 5, num_prompts, dim, most=2), integers(rng, num_items, dim, most=2)
    targets = rng.integers(num_items, size=5)
    profile = tau_profile(
        prompts, gallery, torch.from_numpy(targets), torch.tensor(taus, dtype=torch.float64), memory_budget_bytes=budget
    )
    scores = np.einsum("qpd,gd->qpg", prompts.double().numpy(), gallery.double().numpy())
    for tau, ranks in zip(taus, profile.tolist(), strict=True):
        expected = ranks_by_sorting(log_mean_exp_by_hand(scores, tau), targets)
        assert ranks == [rank for rank, _, _ in expected]


@pytest.mark.parametrize("spread", [0.05, 0.5])
@pytest.mark.parametrize("budget", [200_000, 2**28])
def test_profile_is_the_ensemble_s_rank_at_every_tau(spread: float, budget: int) -> None:
    rng = np.random.default_rng(1)
    prompts, gallery = units(rng, 40, 1, 32) + spread * units(rng, 40, 7, 32), units(rng, 300, 32)
    gallery[rng.integers(300, size=80)] = gallery[rng.integers(300, size=80)]
    targets = torch.from_numpy(rng.integers(300, size=40))
    profile = tau_profile(prompts, gallery, targets, torch.tensor(TAUS), memory_budget_bytes=budget)
    for tau, ranks in zip(torch.tensor(TAUS).double().tolist(), profile, strict=True):
        pooling = LogMeanExpPooling(tau)
        expected = ensemble_ranks(prompts, gallery, targets, pooling, memory_budget_bytes=budget)
        assert torch.equal(ranks, expected.rank)


def test_profile_ends_at_max_and_mean() -> None:
    rng = np.random.default_rng(2)
    prompts, gallery = units(rng, 60, 1, 48) + 0.3 * units(rng, 60, 5, 48), units(rng, 150, 48)
    targets = torch.from_numpy(rng.integers(150, size=60))
    profile = tau_profile(prompts, gallery, targets, torch.tensor([1e-4, 1e4]))
    assert torch.equal(profile[0], ensemble_ranks(prompts, gallery, targets, MaxPooling()).rank)
    assert torch.equal(profile[1], ensemble_ranks(prompts, gallery, targets, MeanPooling()).rank)


def test_no_tau_and_no_query_have_no_rank() -> None:
    prompts, gallery = torch.ones(2, 3, 4), torch.ones(5, 4)
    assert tau_profile(prompts, gallery, torch.tensor([0, 1]), torch.ones(0)).shape == (0, 2)
    assert tau_profile(prompts[:0], gallery, torch.zeros(0).long(), torch.ones(6)).shape == (6, 0)


@pytest.mark.parametrize("tau", [0.0, -1.0, float("inf"), float("nan")])
def test_tau_must_be_positive_and_finite(tau: float) -> None:
    with pytest.raises(UsageError, match=f"tau must be a positive finite number, got {tau}"):
        tau_profile(torch.ones(2, 3, 4), torch.ones(5, 4), torch.tensor([0, 1]), torch.tensor([1.0, tau]))
