"""Cells side by side: against the stored ledger, brute force over all swaps, and simulations whose truth is known."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from misfire.cells import CHOSEN, OTHERS, Flips, Paired
from misfire.cells.comparison import Compared, Verdict, compare, detectable_gain, net_change
from misfire.core.errors import UsageError
from misfire.stats import clustered_score_interval

K = 10


def records(before: list[int], after: list[int], num_subset: int, *, first_query: int = 0) -> pd.DataFrame:
    """Ranks as a cell's records; each query has an image of its own."""
    places = np.arange(first_query, first_query + len(before))
    return pd.DataFrame(
        {
            "query_id": places,
            "image_id": places + 1000,
            "part": ["subset"] * num_subset + ["complement"] * (len(before) - num_subset),
            "baseline_rank": np.array(before, dtype=np.int64),
            "ensembled_rank": np.array(after, dtype=np.int64),
        }
    )


def paired(frame: pd.DataFrame, *, num_others: int = 0, is_mined: bool = False, data: str = "", k: int = K) -> Paired:
    """Hits at a cut-off before and after; the others stand for as many as there are."""
    is_chosen = (frame["part"] == "subset").to_numpy()
    num_asked = int((~is_chosen).sum())
    weight = np.where(is_chosen, 1.0, num_others / max(num_asked, 1))
    if num_others and not num_asked:
        weight[:] = np.nan
    return Paired(
        unit=frame["query_id"].to_numpy(),
        cluster=frame["image_id"].to_numpy(),
        part=np.where(is_chosen, CHOSEN, OTHERS),
        weight=weight,
        before=(frame["baseline_rank"] <= k).to_numpy(dtype=np.float64),
        after=(frame["ensembled_rank"] <= k).to_numpy(dtype=np.float64),
        data=data,
        is_chosen_by_failing=is_mined,
    )


def compared(
    *frames: pd.DataFrame, num_others: int = 0, is_failure_mined: bool = False, num_replicates: int = 2000
) -> list[Compared]:
    comparisons = [paired(frame, num_others=num_others, is_mined=is_failure_mined) for frame in frames]
    return compare(comparisons, num_replicates=num_replicates, rng=np.random.default_rng(0))


def test_flips_and_effect_are_the_counts_of_the_records() -> None:
    [cell] = compared(records([11, 11, 1, 1, 30, 2], [1, 10, 11, 1, 20, 2], 6))
    assert cell.flips == Flips(fixed=2, broken=1, still_right=2, still_wrong=1)
    assert cell.effect.odds_ratio == 2.0
    assert cell.test.p_exact == 1.0
    assert cell.num_compared == 1
    assert math.isnan(cell.least_gain) is False
    assert cell.least_gain == 1.0  # 6 of 6
    assert cell.low < 1 / 6 < cell.high


def test_adjusted_p_values_equal_all_swaps_by_hand() -> None:
    first = np.array([1, 1, 1, 0, 0, 1])
    second = np.array([1, 0, -1, 1, 1, 0])
    frames = [
        records([20 if d > 0 else 1 for d in cell], [20 if d < 0 else 1 for d in cell], 6) for cell in (first, second)
    ]
    found = compared(*frames, num_replicates=64)
    cells = np.stack([first, second])
    scale = np.sqrt((cells**2).sum(axis=1))
    swaps = np.array(list(itertools.product([-1, 1], repeat=6)))
    z = np.abs(swaps @ cells.T) / scale
    observed = np.abs(cells.sum(axis=1)) / scale
    best = float((z.max(axis=1) >= observed[0] - 1e-9).mean())
    other = float((z[:, 1] >= observed[1] - 1e-9).mean())
    assert found[0].p_adjusted == pytest.approx(best, abs=1e-12)
    assert found[1].p_adjusted == pytest.approx(max(best, other), abs=1e-12)


def test_captions_of_an_image_are_swapped_together() -> None:
    frame = records([20] * 8, [1] * 8, 8).assign(image_id=[1, 1, 1, 1, 2, 2, 2, 2])
    assert compared(frame)[0].p_adjusted == 0.5  # two images: both swapped or neither, of four


def test_change_over_all_queries_weighs_the_sample() -> None:
    # 2 of 4 fixed on the subset; 1 of 4 broken among 40 others: (2 - 10) / 44
    frame = records([20] * 4 + [1] * 4, [1, 1, 20, 20, 20, 1, 1, 1], 4)
    assert compared(frame, num_others=40)[0].net_everywhere == pytest.approx(-8 / 44)


def test_unasked_others_leave_the_whole_undefined() -> None:
    [cell] = compared(records([20] * 8, [1] * 8, 8), num_others=40, is_failure_mined=True)
    assert math.isnan(cell.net_everywhere)
    assert math.isnan(cell.p_everywhere)
    assert cell.verdict is Verdict.CHOSEN


@pytest.mark.parametrize(
    ("before", "after", "is_mined", "others", "claim"),
    [
        ([20] * 12, [1] * 12, False, ([1] * 20, [1] * 20), Verdict.GAIN),
        ([20] * 12, [1] * 12, True, ([1] * 20, [1] * 20), Verdict.GAIN),
        ([20] * 12, [1] * 12, True, ([1] * 20, [20] * 12 + [1] * 8), Verdict.CHOSEN),
        ([1] * 12, [20] * 12, True, ([1] * 20, [1] * 20), Verdict.LOSS),
        ([20] * 12, [1] * 4 + [20] * 8, False, ([1] * 20, [1] * 20), Verdict.NONE),
        ([5] * 12, [5] * 12, False, ([1] * 20, [1] * 20), Verdict.NONE),
        ([20], [1], False, ([1], [1]), Verdict.NONE),
    ],
)
def test_claim(
    before: list[int], after: list[int], is_mined: bool, others: tuple[list[int], list[int]], claim: Verdict
) -> None:
    frame = records(before + others[0], after + others[1], len(before))
    [cell] = compared(frame, num_others=len(others[0]), is_failure_mined=is_mined)
    assert cell.verdict is claim


def _equal_systems(rng: np.random.Generator, num_cells: int) -> list[pd.DataFrame]:
    """A baseline's failures and a sample of its other queries, and cells that are as good as it on all of them."""
    ability = rng.random(400) ** 0.5
    before = np.where(rng.random(400) < ability, 1, 20)
    subset = rng.permutation(np.flatnonzero(before > 1))[:60]
    others = rng.permutation(np.setdiff1d(np.arange(400), subset))[:150]
    asked = np.concatenate([subset, others])
    frames = []
    for _ in range(num_cells):
        after = np.where(rng.random(400) < ability, 1, 20)
        frames.append(
            records(before[asked].tolist(), after[asked].tolist(), len(subset)).assign(
                query_id=asked, image_id=asked // 2
            )
        )
    return frames


def test_equal_systems_are_called_no_gain_although_their_gain_on_failures_is_significant() -> None:
    rng = np.random.default_rng(7)
    sweeps = [
        compared(*_equal_systems(rng, 6), num_others=340, is_failure_mined=True, num_replicates=200) for _ in range(40)
    ]
    fooled = sum(any(cell.p_adjusted <= 0.05 for cell in sweep) for sweep in sweeps)
    assert fooled == 40  # the subset's own test sees a gain each time
    called = sum(any(cell.verdict is Verdict.GAIN for cell in sweep) for sweep in sweeps)
    assert called <= 5  # 5 % of 40 is 2; more than 5 has a probability below 2 %


def _rarely_broken(rng: np.random.Generator) -> pd.DataFrame:
    """All 40 failures of 1,000 queries, and 20 of the others, of which an equal cell breaks about 2 in 100."""
    ability = np.where(np.arange(1000) < 940, 0.98, 0.3)
    before, after = (np.where(rng.random(1000) < ability, 1, 20) for _ in range(2))
    subset = np.flatnonzero(before > 1)
    others = rng.permutation(np.flatnonzero(before == 1))[:20]
    asked = np.concatenate([subset, others])
    frame = records(before[asked].tolist(), after[asked].tolist(), len(subset))
    return frame.assign(query_id=asked, image_id=asked)


def test_others_too_few_to_show_a_loss_make_no_gain() -> None:
    """No flip among 20 of a thousand others is no proof that none of a thousand flips."""
    rng = np.random.default_rng(11)
    cells = []
    for _ in range(60):
        frame = _rarely_broken(rng)
        num_others = 1000 - int((frame["part"] == "subset").sum())
        cells += compared(frame, num_others=num_others, is_failure_mined=True, num_replicates=200)
    by_swaps_alone = sum(cell.p_everywhere <= 0.05 and cell.net_everywhere > 0 for cell in cells)
    assert by_swaps_alone > 20
    assert sum(cell.verdict is Verdict.GAIN for cell in cells) <= 7  # 5 % of 60 is 3; above 7 in 1 of 100


def test_the_whole_is_bounded_at_a_level_shared_by_all_cells() -> None:
    frame = records([20] * 30 + [1] * 200, [1] * 30 + [1] * 200, 30)
    [alone] = compared(frame, num_others=200, is_failure_mined=True)
    one_of_twenty = compared(*[frame] * 20, num_others=200, is_failure_mined=True)[0]
    for cell, confidence in ((alone, 0.95), (one_of_twenty, 0.9975)):
        net = net_change(paired(frame, num_others=200), confidence=confidence)
        assert net is not None
        assert cell.net_low == net.low
    assert one_of_twenty.net_low < alone.net_low
    assert (alone.shared_low, alone.shared_high) == (alone.low, alone.high)
    assert (one_of_twenty.low, one_of_twenty.high) == (alone.low, alone.high)
    assert (one_of_twenty.shared_low, one_of_twenty.shared_high) == pytest.approx(
        clustered_score_interval(np.zeros(30, bool), np.ones(30, bool), np.arange(30), confidence=0.9975)
    )


def test_what_a_broken_half_leaves_undetectable_has_a_reason() -> None:
    assert detectable_gain(5, 10, alpha=0.05).reason == "half of them or more broke."
    assert detectable_gain(0, 24, alpha=0.05).gain == pytest.approx(0.3094, abs=1e-4)


def test_same_ids_of_two_datasets_are_different_queries() -> None:
    frames = [records([20] * 6, [1] * 6, 6), records([20] * 6, [1] * 6, 6)]
    together = compare([paired(frame) for frame in frames], rng=np.random.default_rng(0))
    apart = compare(
        [paired(frame, data=name) for name, frame in zip("cd", frames, strict=True)], rng=np.random.default_rng(0)
    )
    assert together[0].p_adjusted == 2 / 64
    assert apart[0].p_adjusted > together[0].p_adjusted


def test_ids_may_be_texts() -> None:
    frames = [records([20] * 6, [1] * 6, 6), records([20] * 6, [1] * 5 + [20], 6)]
    named = [
        frame.assign(query_id=frame["query_id"].astype(str), image_id="x" + frame["image_id"].astype(str))
        for frame in frames
    ]
    assert [one.p_adjusted for one in compared(*named)] == [one.p_adjusted for one in compared(*frames)]


def test_nothing_and_what_is_no_hit_are_refused() -> None:
    with pytest.raises(UsageError, match="comparisons must be there and of outcomes that are 0 or 1, got 0"):
        compare([], rng=np.random.default_rng(0))
    frame = records([20] * 4, [1] * 4, 4)
    half = replace(paired(frame), after=np.full(4, 0.5))
    with pytest.raises(UsageError, match="name a metric that counts right and wrong"):
        compare([half], rng=np.random.default_rng(0))
