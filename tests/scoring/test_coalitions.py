"""Hits of coalitions against every coalition ranked by itself, as a cell ranks its prompts."""

from dataclasses import dataclass, replace
from typing import ClassVar, final

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import Float

from misfire.core.errors import UsageError
from misfire.scoring import (
    EmbeddingMean,
    LogMeanExpPooling,
    MaxPooling,
    MeanPooling,
    PromptPooling,
    ScorePooling,
    coalition_hits,
    coalitions,
    ensemble_ranks,
)
from misfire.scoring.pooling.base import RunningPool
from tests.scoring.brute_force import integers, log_mean_exp_by_hand, ranks_by_sorting, units

KS = (1, 3, 8)
POOLINGS = [
    MaxPooling(),
    MeanPooling(),
    EmbeddingMean(),
    *(LogMeanExpPooling(tau) for tau in (1e-4, 0.02, 1.0, 1e4, 1e9)),
]


@final
@dataclass(frozen=True)
class FirstPooling(ScorePooling):
    """Has no running form."""

    name: ClassVar[str] = "first"

    def __call__(self, scores: Float[torch.Tensor, "*query prompt gallery"]) -> Float[torch.Tensor, "*query gallery"]:
        return scores[..., 0, :]


def every_coalition(num_prompts: int) -> torch.Tensor:
    codes = torch.arange(1, 2**num_prompts)
    return (codes[:, None] >> torch.arange(num_prompts) & 1).bool()


def one_by_one(
    prompts: torch.Tensor,
    gallery: torch.Tensor,
    targets: torch.Tensor,
    pooling: PromptPooling,
    chosen: torch.Tensor,
) -> torch.Tensor:
    ranks = [ensemble_ranks(prompts[:, members], gallery, targets, pooling).rank for members in chosen]
    return torch.stack(ranks)[:, :, None] <= torch.tensor(KS)


def near_misses(seed: int, *, has_near_twins: bool = True) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Prompts that agree in part, targets near the top, some gallery rows twice, some but for rounding."""
    rng = np.random.default_rng(seed)
    gallery = units(rng, 120, 24)
    gallery[40:60] = gallery[:20]
    if has_near_twins:
        gallery[60:80] = gallery[20:40] * (1 + 2.0**-22)
    targets = torch.from_numpy(rng.integers(120, size=35))
    prompts = 0.6 * gallery[targets][:, None] + units(rng, 35, 1, 24) + 0.5 * units(rng, 35, 5, 24)
    return torch.nn.functional.normalize(prompts, dim=-1), gallery, targets


every_pooling = pytest.mark.parametrize(
    "pooling", [*POOLINGS, FirstPooling()], ids=lambda pooling: "-".join(map(str, pooling.describe().values()))
)


@every_pooling
def test_each_coalition_hits_as_if_it_were_ranked_alone(pooling: PromptPooling) -> None:
    problem, chosen = near_misses(1), every_coalition(5)
    hits = coalition_hits(*problem, pooling, chosen, ks=KS)
    assert torch.equal(hits, one_by_one(*problem, pooling, chosen))
    assert hits.any()
    assert not hits.all()


@every_pooling
def test_blocks_of_queries_and_gallery_change_nothing(pooling: PromptPooling) -> None:
    prompts, *others = near_misses(2, has_near_twins=False)
    problem, chosen = (prompts[:, :4], *others), every_coalition(4)
    hits = coalition_hits(*problem, pooling, chosen, ks=KS, memory_budget_bytes=60_000)
    assert torch.equal(hits, one_by_one(*problem, pooling, chosen))


@given(
    seed=st.integers(0, 2**32 - 1),
    num_items=st.integers(1, 30),
    num_prompts=st.integers(1, 4),
    pooling=st.sampled_from([MaxPooling(), MeanPooling(), LogMeanExpPooling(0.7), LogMeanExpPooling(20.0)]),
)
@settings(max_examples=25, deadline=None)
def test_exact_scores_with_many_ties_hit_as_a_sort_says(
    seed: int, num_items: int, num_prompts: int, pooling: PromptPooling
) -> None:
    rng = np.random.default_rng(seed)
    prompts, gallery = integers(rng, 6, num_prompts, 4, most=2), integers(rng, num_items, 4, most=2)
    targets = rng.integers(num_items, size=6)
    chosen = every_coalition(num_prompts)
    hits = coalition_hits(prompts, gallery, torch.from_numpy(targets), pooling, chosen, ks=KS)
    scores = np.einsum("qpd,gd->qpg", prompts.double().numpy(), gallery.double().numpy())
    for members, found in zip(chosen.numpy(), hits, strict=True):
        by_hand = {
            "max": lambda own: own.max(axis=1),
            "mean": lambda own: own.sum(axis=1),
            "logmeanexp": lambda own: log_mean_exp_by_hand(own, float(pooling.describe()["tau"])),
        }[pooling.name](scores[:, members])
        ranks = [rank for rank, _, _ in ranks_by_sorting(by_hand, targets)]
        assert found.tolist() == [[rank <= k for k in KS] for rank in ranks]


def test_only_what_rounding_may_decide_is_ranked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def counted(prompts: torch.Tensor, *others: object, **settings: object) -> object:
        asked.append(prompts.shape[1])
        return ensemble_ranks(prompts, *others, **settings)

    monkeypatch.setattr(coalitions, "ensemble_ranks", counted)
    rng = np.random.default_rng(5)
    prompts, gallery = units(rng, 30, 6, 24), units(rng, 90, 24)
    coalition_hits(prompts, gallery, torch.arange(30), MeanPooling(), every_coalition(6), ks=KS)
    assert len(asked) < 10  # of 63


def test_an_error_as_large_as_the_slack_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores that are off by half a comparison's slack are put right by the ranks that are asked for."""
    prompts, gallery, targets = near_misses(3)
    chosen = every_coalition(5)
    monkeypatch.setattr(coalitions, "_ROUNDINGS", 2e-3)
    noise = 2e-3 * 24**0.5 / 8
    shaken = MeanPooling().running()
    generator = torch.Generator().manual_seed(0)

    def moved(state: torch.Tensor) -> torch.Tensor:
        return state + noise * (2 * torch.rand(state.shape, generator=generator, dtype=state.dtype) - 1)

    class ShakenMean(ScorePooling):
        name = "mean"

        def __call__(self, scores: torch.Tensor) -> torch.Tensor:
            return MeanPooling()(scores)

        def before_product(self, prompts: torch.Tensor) -> tuple[torch.Tensor, float]:
            return MeanPooling().before_product(prompts)

        def running(self) -> RunningPool:
            return replace(shaken, state_of=moved)

    hits = coalition_hits(prompts, gallery, targets, ShakenMean(), chosen, ks=KS)
    assert torch.equal(hits, one_by_one(prompts, gallery, targets, MeanPooling(), chosen))


def test_no_queries_have_no_hits() -> None:
    hits = coalition_hits(
        torch.zeros(0, 2, 3), torch.ones(4, 3), torch.zeros(0).long(), MaxPooling(), every_coalition(2), ks=(1,)
    )
    assert hits.shape == (3, 0, 1)


@pytest.mark.parametrize(
    ("chosen", "ks", "message"),
    [
        (torch.tensor([[False, False]]), (1,), "coalitions must be some and have a prompt each, got 1 with 1 empty; "),
        (torch.zeros(0, 2).bool(), (1,), "coalitions must be some and have a prompt each, got 0 with 0 empty; "),
        (torch.tensor([[True, False]]), (), r"cut-offs must be positive and not none, got \[\]; "),
        (torch.tensor([[True, False]]), (0, 5), r"cut-offs must be positive and not none, got \[0, 5\]; "),
    ],
)
def test_what_has_no_hits_is_refused(chosen: torch.Tensor, ks: tuple[int, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        coalition_hits(torch.ones(1, 2, 3), torch.ones(4, 3), torch.tensor([0]), MaxPooling(), chosen, ks=ks)
