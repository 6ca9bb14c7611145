"""Coalitions grown prompt by prompt against coalitions pooled from nothing."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from misfire.scoring import LogMeanExpPooling, MaxPooling, MeanPooling
from misfire.scoring.coalition_lattice import CoalitionLattice

SCORES = torch.rand(5, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def members(codes: list[int]) -> torch.Tensor:
    return torch.tensor([[bool(code >> place & 1) for place in range(5)] for code in codes])


@given(codes=st.lists(st.integers(1, 31), min_size=1, max_size=12))
@settings(max_examples=60, deadline=None)
def test_every_coalition_asked_for_is_pooled_from_its_own_prompts(codes: list[int]) -> None:
    lattice = CoalitionLattice.of(members(codes))
    for pooling in (MeanPooling(), MaxPooling(), LogMeanExpPooling(0.1)):
        pooled = lattice.pooled(SCORES, pooling.running())[lattice.asked]
        expected = torch.stack([pooling(SCORES[chosen]) for chosen in members(codes)])
        torch.testing.assert_close(pooled, expected, rtol=0, atol=1e-12)


def test_all_coalitions_are_joined_once_each() -> None:
    assert len(CoalitionLattice.of(members(list(range(1, 32))))) == 31


def test_what_is_missing_on_the_way_is_added() -> None:
    lattice = CoalitionLattice.of(members([0b11010]))
    assert lattice.size.tolist() == [1, 2, 3]
    assert lattice.asked.tolist() == [2]
