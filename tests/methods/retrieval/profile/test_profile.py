"""A profile against its cells, run one by one, and against loops."""

import itertools
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from misfire.cells.lab import Workbench
from misfire.failures import CategorySubset, FailureSet, Selection
from misfire.methods.retrieval.ensemble.ensembling import ensemble_outcome
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.methods.retrieval.profile.logged import LoggedProfile, point_name
from misfire.methods.retrieval.profile.profile import AS_MAXIMUM, ProfilePlan, profile_outcome
from misfire.methods.retrieval.profile.tau_grid import TauGrid
from misfire.methods.retrieval.profile.words import profile_conclusion, reference_sentence, transition_sentence
from misfire.methods.retrieval.prompted import PromptedQueries
from misfire.scoring import LogMeanExpPooling, MaxPooling, MeanPooling, ensemble_ranks, tau_profile
from misfire.stats import StatisticsSettings
from tests.methods.retrieval import invented
from tests.methods.retrieval.finished import of_outcome
from tests.methods.retrieval.invented import KS
from tests.scoring.brute_force import integers

STATISTICS = StatisticsSettings(num_replicates=5000, confidence=0.9, seed=11)
GRID = TauGrid(0.01, 3.0, 9)


@dataclass
class ConstantEncoder(invented.HashEncoder):
    """Whatever it is shown, it says the same."""

    label: str = "constant"

    def encode_images(self, images: torch.Tensor) -> torch.Tensor:
        return torch.ones(len(images), self.dim) / self.dim**0.5

    def encode_texts(self, tokens: torch.Tensor) -> torch.Tensor:
        return torch.ones(len(tokens), self.dim) / self.dim**0.5

    def describe(self) -> dict[str, str]:
        return {"encoder": "constant", "precision": "fp32"}


def plan_of(bench: Workbench, subset: Selection, *, num_others: int | None = None) -> ProfilePlan:
    return ProfilePlan(
        invented.cell(bench, subset, pooling=MaxPooling(), statistics=STATISTICS, num_others=num_others), GRID
    )


def run_profile(plan: ProfilePlan, bench: Workbench) -> LoggedProfile:
    return LoggedProfile(of_outcome("profile", profile_outcome(plan, bench, None)))


def run_cell(cell: PromptedQueries, bench: Workbench) -> LoggedEnsemble:
    return LoggedEnsemble(of_outcome("ensemble", ensemble_outcome(cell, bench, None)))


@pytest.fixture(scope="module")
def plan(bench: Workbench, failure_set: FailureSet) -> ProfilePlan:
    return plan_of(bench, CategorySubset(["object", "action"]).select(bench.dataset, failure_set))


@pytest.fixture(scope="module")
def result(plan: ProfilePlan, bench: Workbench) -> LoggedProfile:
    return run_profile(plan, bench)


def test_the_profile_is_its_cells(plan: ProfilePlan, result: LoggedProfile, bench: Workbench) -> None:
    ranks = [column for column in result.logged.records if column.startswith("rank_")]
    assert ranks == ["rank_max", *(f"rank_tau_{tau}" for tau in GRID.taus), "rank_mean"]
    for column, cell, place in zip(ranks, plan.cells(), range(11), strict=True):
        alone = run_cell(cell, bench)
        for name in ("query_id", "text_sha256", "image_id", "part", "baseline_rank"):
            assert result.logged.records[name].tolist() == alone.logged.records[name].tolist()
        assert result.logged.records[column].tolist() == alone.logged.records.ensembled_rank.tolist()
        for k in KS:
            point, gain = result.at(k)[place], alone.at("delta", k)
            flips, others = alone.flips(k), alone.flips(k, "complement")
            assert (point.pooling, point.k) == (cell.pooling.name, k)
            assert (point.fixed, point.broken) == (flips.fixed, flips.broken)
            assert (point.complement_fixed, point.complement_broken) == (others.fixed, others.broken)
            assert (point.hits, result.baseline(k)) == (flips.right_after, flips.right_before)
            assert (point.low, point.high) == (gain.low, gain.high)
            assert point.gain == pytest.approx(gain.value)


def test_few_draws_are_the_cells_own(plan: ProfilePlan, bench: Workbench) -> None:
    few = StatisticsSettings(num_replicates=17, confidence=0.7, seed=5)
    hasty = replace(plan, cell=replace(plan.cell, statistics=few))
    profile = run_profile(hasty, bench)
    gains = [run_cell(cell, bench).at("delta", 6) for cell in hasty.cells()[::5]]
    assert [(point.low, point.high) for point in profile.at(6)[::5]] == [(gain.low, gain.high) for gain in gains]


@given(seed=st.integers(0, 2**32 - 1), num_prompts=st.integers(1, 12))
@settings(max_examples=40, deadline=None)
def test_the_smallest_tau_is_the_maximum_ties_and_zeros_included(seed: int, num_prompts: int) -> None:
    rng = np.random.default_rng(seed)
    prompts, gallery = integers(rng, 5, num_prompts, 3, most=1), integers(rng, 30, 3, most=1) * 0.1
    targets = torch.from_numpy(rng.integers(30, size=5))
    found = tau_profile(prompts, gallery, targets, torch.tensor([AS_MAXIMUM], dtype=torch.float64))
    assert torch.equal(found[0], ensemble_ranks(prompts, gallery, targets, MaxPooling()).rank)


def test_the_ends_are_max_and_mean(plan: ProfilePlan, result: LoggedProfile) -> None:
    assert [type(pooling) for pooling in plan.poolings] == [MaxPooling, *[LogMeanExpPooling] * 9, MeanPooling]
    for k in KS:
        points = result.at(k)
        assert [point.tau for point in points] == [0.0, *GRID.taus, np.inf]
        assert [point.label for point in (points[0], points[1], points[-1])] == ["max", "tau=0.01", "mean"]
    assert result.num_taus == 9
    assert result.num_points == 11 * len(KS)


def test_p_values_count_every_look(plan: ProfilePlan, result: LoggedProfile) -> None:
    """Every exchange of before and after, image by image, and the largest z of any pooling and cut-off in each."""
    records = result.logged.records[result.logged.records.part == "subset"]
    ranks = [records[column].to_numpy() for column in records if column.startswith("rank_")]
    delta = np.array([(one <= k) * 1 - (records.baseline_rank <= k).to_numpy() * 1 for one in ranks for k in KS])
    images = records.image_id.to_numpy()
    sums = np.stack([delta[:, images == image].sum(axis=1) for image in sorted(set(images))], axis=1)
    scale = np.sqrt((sums**2).sum(axis=1))
    scale[scale == 0] = np.inf
    observed = np.abs(sums.sum(axis=1)) / scale
    assert sums.any()
    largest = [
        (np.abs(sums @ np.array(signs)) / scale).max() for signs in itertools.product((1, -1), repeat=sums.shape[1])
    ]
    strongest = int(observed.argmax())
    expected = np.mean(np.array(largest) >= observed[strongest] - 1e-9)
    points = [point for place in range(len(ranks)) for point in (result.at(k)[place] for k in KS)]
    assert points[strongest].p_adjusted == pytest.approx(expected)
    assert min(point.p_adjusted for point in points) == pytest.approx(expected)


def test_the_transition_is_that_of_loops(result: LoggedProfile) -> None:
    ranks = np.stack([result.logged.records[column] for column in result.logged.records if column.startswith("rank_")])
    first, last = ranks[0], ranks[-1]
    movable = [query for query in range(ranks.shape[1]) if first[query] != last[query]]
    left = [sum(row[query] != first[query] for query in movable) / len(movable) for row in ranks]
    there = [sum(row[query] == last[query] for query in movable) / len(movable) for row in ranks]
    moved = {
        what: [
            result.logged.estimates.at("t2i/rank_moved", group=f"{point_name(point.tau)}/{what}").value
            for point in result.at(KS[0])
        ]
        for what in ("left_max", "at_mean")
    }
    assert moved["left_max"] == pytest.approx(left)
    assert moved["at_mean"] == pytest.approx(there)
    assert (moved["left_max"][0], moved["at_mean"][0], moved["left_max"][-1], moved["at_mean"][-1]) == (0, 0, 1, 1)
    transition = result.transition
    assert (transition["num_queries"], transition["num_movable"]) == (ranks.shape[1], len(movable))
    started = [tau for tau, share in zip(GRID.taus, left[1:-1], strict=True) if share >= 0.1]
    assert transition["start"] == min(started)
    end = [tau for place, tau in enumerate(GRID.taus, start=1) if all(share >= 0.9 for share in there[place:-1])]
    assert transition["end"] == (min(end) if end else None)


def test_tau_1_is_held_against_the_mean(plan: ProfilePlan, result: LoggedProfile, bench: Workbench) -> None:
    alone = run_cell(replace(plan.cell, pooling=LogMeanExpPooling(1.0)), bench)
    assert [result.published_hits(k) for k in KS] == [alone.flips(k).right_after for k in KS]
    assert result.num_as_mean == (alone.logged.records.ensembled_rank == result.logged.records.rank_mean).sum()
    assert result.published_tau == 1.0
    assert result.spread("deviation") > 0


def test_the_best_is_the_largest_gain_and_does_least_harm(result: LoggedProfile) -> None:
    for k in KS:
        points, best = result.at(k), result.best(k)
        assert best.hits == max(point.hits for point in points)
        equals = [point for point in points if point.hits == best.hits]
        assert result.as_good(k) == equals
        net = [point.complement_fixed - point.complement_broken for point in equals]
        assert best.complement_fixed - best.complement_broken == max(net)
        assert best.tau == max(point.tau for point, value in zip(equals, net, strict=True) if value == max(net))


def test_one_query_has_a_profile(bench: Workbench, failure_set: FailureSet) -> None:
    whole = CategorySubset(["object"]).select(bench.dataset, failure_set)
    one = replace(whole, positions=whole.positions[:1])
    profile = run_profile(plan_of(bench, one, num_others=0), bench)
    assert (profile.num_queries, profile.num_others_asked) == (1, 0)
    for point in (point for k in KS for point in profile.at(k)):
        assert (point.low, point.high) == (point.gain, point.gain)
        assert point.p_adjusted == 1.0
    assert "wasn't asked" not in profile_conclusion(profile)


def test_constant_scores_have_no_transition_and_no_spread(tmp_path: Path) -> None:
    bench = invented.workbench(tmp_path, encoder=ConstantEncoder())
    everything = Selection("all", np.arange(len(bench.dataset.captions)), "all", is_failure_mined=False)
    result = run_profile(plan_of(bench, everything), bench)
    ranks = result.logged.records[[column for column in result.logged.records if "rank" in column]].to_numpy()
    assert (ranks == 1 + bench.dataset.targets[:, None]).all()  # ties go by gallery order
    profile = result
    assert [profile.transition[name] for name in ("num_movable", "start", "end")] == [0, None, None]
    assert all(point.fixed == point.broken == 0 and point.p_adjusted == 1.0 for k in KS for point in profile.at(k))
    assert transition_sentence(profile) == "Max and mean rank each of the 28 queries alike, so no tau matters."
    assert "28 of 28 queries rank as under mean" in reference_sentence(profile)
    assert profile_conclusion(profile) == (
        "No pooling between max and mean hits more of the 28 queries at 6 than the plain caption does."
    )
