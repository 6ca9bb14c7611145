import math

import numpy as np
import pytest
import torch

from misfire.core.errors import UsageError
from misfire.scoring import prompt_spread
from tests.scoring.brute_force import log_mean_exp_by_hand, units


@pytest.mark.parametrize("budget", [100_000, 2**28])
@pytest.mark.parametrize("tau", [0.02, 1.0])
def test_spread_is_that_of_all_scores_held_at_once(tau: float, budget: int) -> None:
    rng = np.random.default_rng(3)
    prompts, gallery = units(rng, 20, 1, 16) + 0.2 * units(rng, 20, 5, 16), units(rng, 301, 16)
    targets = torch.from_numpy(rng.integers(301, size=20))
    found = prompt_spread(prompts, gallery, targets, tau=tau, memory_budget_bytes=budget)
    scores = np.einsum("qpd,gd->qpg", prompts.double().numpy(), gallery.double().numpy())
    mean = scores.mean(axis=1)
    shift = log_mean_exp_by_hand(scores, tau) - mean
    ordered = np.sort(scores.std(axis=1).ravel())
    assert found.deviation == pytest.approx(ordered[(len(ordered) - 1) // 2], rel=1e-5)
    assert found.largest_shift == pytest.approx(shift.max(), rel=1e-4)
    assert found.shift == pytest.approx(np.median(shift), rel=1e-3)
    rows = np.arange(20)
    distance = np.abs(mean - mean[rows, targets.numpy()][:, None])
    distance[rows, targets.numpy()] = np.inf
    assert found.gap == pytest.approx(np.sort(distance.min(axis=1))[9], rel=1e-2, abs=1e-7)


def test_far_above_the_spread_the_shift_is_half_the_variance_over_tau() -> None:
    rng = np.random.default_rng(4)
    prompts, gallery = units(rng, 8, 1, 32) + 0.05 * units(rng, 8, 10, 32), units(rng, 50, 32)
    found = prompt_spread(prompts, gallery, torch.arange(8), tau=1.0)
    variance = np.einsum("qpd,gd->qpg", prompts.double().numpy(), gallery.double().numpy()).var(axis=1)
    assert found.deviation < 0.02
    assert found.largest_shift == pytest.approx(variance.max() / 2, rel=0.02)


def test_prompts_that_agree_have_no_spread() -> None:
    rng = np.random.default_rng(5)
    prompts, gallery = units(rng, 4, 1, 8).repeat(1, 6, 1), units(rng, 9, 8)
    found = prompt_spread(prompts, gallery, torch.arange(4), tau=0.1)
    assert found.deviation == pytest.approx(0.0, abs=1e-7)
    assert found.largest_shift == pytest.approx(0.0, abs=1e-7)
    assert found.gap > 0


def test_twins_count_once_and_a_target_alone_has_no_gap() -> None:
    prompts, gallery = torch.eye(2)[None], torch.tensor([[0.5, 0.5], [0.5, 0.5]])
    assert math.isnan(prompt_spread(prompts, gallery, torch.tensor([1]), tau=1.0).gap)


def test_no_query_has_no_spread() -> None:
    with pytest.raises(UsageError, match="a spread over prompts needs a query, got none; give some"):
        prompt_spread(torch.zeros(0, 2, 3), torch.ones(2, 3), torch.zeros(0, dtype=torch.int64), tau=1.0)
