import math
from itertools import permutations

import numpy as np
import pytest

from misfire.core.errors import UsageError
from misfire.stats import label_change


def exchange_sum(after: list[str], all_labels: tuple[str, ...], pair: tuple[str, str]) -> float:
    """By the definition: each later "b" counts as the share of "a" among the other labels, each "a" the other way."""
    others = len(all_labels) - 1
    return (
        after.count(pair[1]) * all_labels.count(pair[0]) - after.count(pair[0]) * all_labels.count(pair[1])
    ) / others


@pytest.mark.parametrize("num_cuts", [1, 3])
def test_statistic_and_p_value_are_those_of_every_order(num_cuts: int) -> None:
    observed = ("a", "a", "a", "c", "b", "b", "a", "b")
    pairs = [("a", "b"), ("a", "c"), ("b", "c")]
    cuts = [8 * cut // (num_cuts + 1) for cut in range(1, num_cuts + 1)]
    every = [observed, *permutations(observed)]
    sums = np.array([[[exchange_sum(list(row[cut:]), row, pair) for pair in pairs] for cut in cuts] for row in every])
    statistics = (np.abs(sums) / np.sqrt((sums[1:] ** 2).mean(axis=0) + 0.5)).max(axis=(1, 2))
    found = label_change(observed, num_cuts=num_cuts, num_permutations=20_000, rng=np.random.default_rng(0))
    assert found.statistic == pytest.approx(statistics[0], rel=0.02)
    assert found.p_value == pytest.approx((statistics[1:] >= statistics[0] - 1e-9).mean(), abs=0.015)
    assert (found.from_category, found.to_category, found.cut) == ("a", "b", 4)
    assert (found.share_before, found.share_after) == (0.0, 0.75)


def test_a_run_of_other_items_is_no_change_of_the_annotator() -> None:
    truth = ["a"] * 30 + ["b"] * 30
    rng = np.random.default_rng(0)
    assert label_change(truth, rng=rng).p_value < 0.001
    with_reference = label_change(truth, reference=truth, rng=rng)
    assert (with_reference.p_value, with_reference.statistic, with_reference.from_category) == (1.0, 0.0, None)


def test_one_kind_of_disagreement_stands_out_against_a_reference() -> None:
    rng, trials, paired, plain = np.random.default_rng(1), 60, 0, 0
    for _ in range(trials):
        truth = rng.choice(4, p=[0.36, 0.36, 0.18, 0.1], size=200)
        own = np.where(rng.random(200) < 0.85, truth, (truth + rng.integers(1, 4, size=200)) % 4)
        own = np.where((np.arange(200) >= 100) & (own == 1) & (rng.random(200) < 0.3), 2, own)
        found = label_change(own, reference=truth, num_permutations=199, rng=rng)
        paired += found.p_value <= 0.05
        plain += label_change(own, num_permutations=199, rng=rng).p_value <= 0.05
    assert paired / trials > 0.45
    assert plain < 0.7 * paired


@pytest.mark.parametrize("num_cuts", [1, 7])
def test_an_unchanging_annotator_is_flagged_as_seldom_as_the_level_says(num_cuts: int) -> None:
    rng, trials = np.random.default_rng(2), 300
    flagged = 0
    for _ in range(trials):
        labels = rng.choice(4, p=[0.4, 0.3, 0.2, 0.1], size=60)
        flagged += label_change(labels, num_cuts=num_cuts, num_permutations=99, rng=rng).p_value <= 0.05
    assert flagged / trials < 0.09


def test_missing_labels_and_references_are_left_out() -> None:
    labels, truth = ["a", None, "b", "a", "b"], ["a", "a", None, "a", "b"]
    assert label_change(labels, rng=np.random.default_rng(0)).num_labels == 4
    assert label_change(labels, reference=truth, rng=np.random.default_rng(0)).num_labels == 3


def test_fewer_than_two_labels_are_undefined() -> None:
    found = label_change(["a", None], rng=np.random.default_rng(0))
    assert math.isnan(found.p_value)
    assert found.reason == "fewer than two labels have no order."


def test_bad_input_is_refused_with_its_remedy() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(UsageError, match=r"a reference a label, got 1 for 2; join by id"):
        label_change(["a", "b"], reference=["a"], rng=rng)
    with pytest.raises(UsageError, match=r"must be >= 1, got 2000 and 0"):
        label_change(["a", "b"], num_cuts=0, rng=rng)
