"""What every pooling must do; a new one is found by itself."""

import importlib
import pkgutil

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import misfire.scoring.pooling as room
from misfire.scoring import PromptPooling, ScorePooling, ensemble_ranks, ensemble_top_items, target_ranks
from tests.scoring.brute_force import as_tuples, units

for module in pkgutil.iter_modules(room.__path__):
    importlib.import_module(f"{room.__name__}.{module.name}")


def concrete(family: type[PromptPooling]) -> list[type[PromptPooling]]:
    """Every class of the package's family that can be made."""
    found = [leaf for child in family.__subclasses__() for leaf in [child, *concrete(child)]]
    return [leaf for leaf in found if not leaf.__abstractmethods__ and leaf.__module__.startswith(room.__name__)]


poolings = pytest.mark.parametrize("pooling", [make() for make in concrete(PromptPooling)], ids=lambda p: p.name)
score_poolings = pytest.mark.parametrize(
    "pooling", [make() for make in concrete(ScorePooling)], ids=lambda pooling: pooling.name
)


def problem(seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    prompts = units(rng, 30, 1, 16) + 0.3 * units(rng, 30, 4, 16)
    return torch.nn.functional.normalize(prompts, dim=-1), units(rng, 50, 16), torch.arange(30)


def some_scores(seed: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(0.2, 0.05, size=(3, 5, 7))).to(dtype)


@poolings
def test_order_of_the_prompts_does_not_matter(pooling: PromptPooling) -> None:
    prompts, gallery, targets = problem(0)
    expected = as_tuples(ensemble_ranks(prompts, gallery, targets, pooling))
    assert as_tuples(ensemble_ranks(prompts[:, [2, 0, 3, 1]], gallery, targets, pooling)) == expected


@poolings
def test_one_prompt_ranks_as_itself(pooling: PromptPooling) -> None:
    prompts, gallery, targets = problem(1)
    expected = as_tuples(target_ranks(prompts[:, 0], gallery, targets))
    assert as_tuples(ensemble_ranks(prompts[:, :1], gallery, targets, pooling)) == expected


@poolings
def test_a_prompt_given_thrice_ranks_as_itself(pooling: PromptPooling) -> None:
    prompts, gallery, targets = problem(2)
    expected = as_tuples(target_ranks(prompts[:, 0], gallery, targets))
    assert as_tuples(ensemble_ranks(prompts[:, :1].repeat(1, 3, 1), gallery, targets, pooling)) == expected


@poolings
def test_top_item_has_rank_one(pooling: PromptPooling) -> None:
    prompts, gallery, _ = problem(3)
    top = ensemble_top_items(prompts, gallery, pooling, k=3).position
    for column in range(3):
        assert (ensemble_ranks(prompts, gallery, top[:, column], pooling).rank == column + 1).all()


@poolings
def test_values_against_a_reference_compare_as_the_pooled_scores(pooling: PromptPooling) -> None:
    prompts, gallery, _ = problem(4)
    parts, _ = pooling.before_product(prompts)
    scores = torch.einsum("qpd,gd->qpg", parts, gallery).contiguous()
    pooled = pooling.after_product(scores.clone())
    reference = pooled.median(dim=1).values
    values = pooling.against(scores.clone(), reference, num_best=4)
    assert torch.equal((values - reference[:, None]).sign(), (pooled - reference[:, None]).sign())
    assert torch.equal(values.topk(4).values, pooled.topk(4).values)
    assert torch.equal(values.topk(4).indices, pooled.topk(4).indices)


@poolings
def test_a_running_pool_compares_as_the_pooled_scores_and_sets_nothing_further_apart(pooling: PromptPooling) -> None:
    running = pooling.running()
    if running is None:
        pytest.skip(f"{pooling.name} doesn't grow by a prompt")
    prompts, gallery, targets = problem(7)
    parts, divisor = pooling.before_product(prompts.double())
    pooled = pooling.after_product(torch.einsum("qpd,gd->qpg", parts.double(), gallery.double()) / divisor)
    scores = torch.einsum("qpd,gd->pqg", running.parts_of(prompts).double(), gallery.double())
    state = running.state_of(scores[2])
    for prompt in (0, 3, 1):
        state = running.join(state, running.state_of(scores[prompt]))
    ran = running.score_of(state, torch.tensor(4))
    lead, ran_lead = (one - one.gather(1, targets[:, None]) for one in (pooled, ran))
    clear = lead.abs() > 1e-6
    assert torch.equal(lead[clear].sign(), ran_lead[clear].sign())
    assert (ran_lead.abs() <= lead.abs() + 1e-6).all()


@poolings
def test_describe_holds_the_name_and_the_parameters(pooling: PromptPooling) -> None:
    described = pooling.describe()
    assert described.pop("pooling") == pooling.name
    assert type(pooling)(**described) == pooling


@score_poolings
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_pooled_scores_keep_dtype_and_drop_the_prompt_axis(pooling: ScorePooling, dtype: torch.dtype) -> None:
    scores = some_scores(5, dtype)
    pooled = pooling(scores)
    assert pooled.dtype == dtype
    assert pooled.shape == (3, 7)
    assert torch.equal(pooling(scores[0]), pooled[0])


@score_poolings
@given(seed=st.integers(0, 2**32 - 1), shift=st.floats(-5, 5))
@settings(max_examples=20, deadline=None)
def test_pooled_scores_lie_between_least_and_greatest_and_move_with_a_shift(
    pooling: ScorePooling, seed: int, shift: float
) -> None:
    scores = some_scores(seed)
    pooled = pooling(scores)
    assert (pooled <= scores.amax(dim=1) + 1e-12).all()
    assert (pooled >= scores.amin(dim=1) - 1e-12).all()
    torch.testing.assert_close(pooling(scores + shift), pooled + shift, rtol=0, atol=1e-12)
    torch.testing.assert_close(pooling(scores.flip(1)), pooled, rtol=0, atol=1e-12)


@score_poolings
@given(seed=st.integers(0, 2**32 - 1), rise=st.floats(0, 1))
@settings(max_examples=20, deadline=None)
def test_a_higher_score_never_lowers_the_pooled_score(pooling: ScorePooling, seed: int, rise: float) -> None:
    scores = some_scores(seed)
    raised = scores.clone()
    raised[:, 2] += rise
    assert (pooling(raised) >= pooling(scores) - 1e-12).all()


@score_poolings
def test_one_prompt_is_its_own_pooled_score_and_copies_change_nothing(pooling: ScorePooling) -> None:
    scores = some_scores(6, torch.float32)[:, :1]
    assert torch.equal(pooling(scores), scores[:, 0])
    torch.testing.assert_close(pooling(scores.repeat(1, 4, 1)), scores[:, 0], rtol=2e-7, atol=0)
