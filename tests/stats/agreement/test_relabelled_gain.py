import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.stats import paired_bootstrap, relabelled_gain, smoothed_confusion

SIZE = 4


def noisy(accuracy: float) -> np.ndarray:
    return np.full((SIZE, SIZE), (1 - accuracy) / (SIZE - 1)) + np.eye(SIZE) * (accuracy - (1 - accuracy) / (SIZE - 1))


def hits(num_queries: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Baseline hits, ensembled hits and labels; the gain grows with the label."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(SIZE, p=[0.4, 0.3, 0.2, 0.1], size=num_queries)
    baseline = rng.random(num_queries) < 0.1
    return baseline, baseline | (rng.random(num_queries) < 0.1 + 0.15 * labels), labels


@settings(deadline=None)
@given(st.integers(5, 200), st.integers(0, 2**32), st.integers(0, SIZE - 1))
def test_certain_labels_give_the_plain_interval_to_the_last_digit(num_queries: int, seed: int, category: int) -> None:
    baseline, ensembled, labels = hits(num_queries, seed)
    sure = smoothed_confusion(np.diag([30, 10, 0, 3]))[labels][:, category]
    is_labelled = labels == category
    gain = relabelled_gain(baseline, ensembled, is_labelled, sure, num_replicates=50, rng=np.random.default_rng(42))
    if not is_labelled.any():
        assert math.isnan(gain.low)
        return
    plain = paired_bootstrap(
        baseline[is_labelled], ensembled[is_labelled], num_replicates=50, rng=np.random.default_rng(42)
    )
    assert (gain.low, gain.high) == (gain.plain_low, gain.plain_high) == (plain.low, plain.high)
    assert (gain.label_deviation, gain.num_empty) == (0.0, 0)
    assert gain.estimate == pytest.approx(gain.imputed_mean)


@settings(deadline=None)
@given(st.integers(5, 200), st.integers(0, 2**32), st.floats(0.3, 1.0))
def test_the_interval_is_never_narrower_than_the_plain_one(num_queries: int, seed: int, accuracy: float) -> None:
    baseline, ensembled, labels = hits(num_queries, seed)
    probability = noisy(accuracy)[labels][:, 0]
    gain = relabelled_gain(
        baseline, ensembled, labels == 0, probability, num_replicates=50, rng=np.random.default_rng(0)
    )
    if not math.isnan(gain.estimate):
        assert -1 <= gain.low <= gain.plain_low <= gain.plain_high <= gain.high <= 1


def test_the_interval_widens_with_the_confusion_and_comes_back_to_the_plain_one() -> None:
    baseline, ensembled, labels = hits(200, seed=1)
    gains = [
        relabelled_gain(baseline, ensembled, labels == 2, noisy(accuracy)[labels][:, 2], rng=np.random.default_rng(42))
        for accuracy in (1.0, 0.999, 0.95, 0.85, 0.7)
    ]
    widths = [gain.high - gain.low for gain in gains]
    assert widths == sorted(widths)
    assert widths[4] > 1.15 * widths[0]
    assert widths[1] == pytest.approx(widths[0], rel=0.01)
    assert len({(gain.estimate, gain.plain_low, gain.plain_high) for gain in gains}) == 1


def test_the_deviation_is_that_of_every_labelling_enumerated() -> None:
    """Four queries, two in doubt: four labellings."""
    delta, probability = np.array([1, 0, 1, -1]), np.array([1.0, 1.0, 0.25, 0.5])
    gain = relabelled_gain(
        np.zeros(4), delta, np.array([True, True, False, False]), probability, num_replicates=200_000,
        rng=np.random.default_rng(0),
    )  # fmt: skip
    outcomes = np.array([1 / 2, 2 / 3, 0 / 3, 1 / 4])  # neither, the third, the fourth, both
    weights = np.array([0.75 * 0.5, 0.25 * 0.5, 0.75 * 0.5, 0.25 * 0.5])
    mean = float(weights @ outcomes)
    assert gain.imputed_mean == pytest.approx(mean, abs=0.003)
    assert gain.label_deviation == pytest.approx(math.sqrt(weights @ (outcomes - mean) ** 2), abs=0.003)
    reach = math.hypot(gain.estimate - gain.plain_low, 1.959964 * gain.label_deviation)
    assert gain.low == pytest.approx(max(gain.estimate - reach, -1))


def test_the_truth_is_covered_where_the_plain_interval_misses_it() -> None:
    """One label an item, right with 0.7; the confusion is measured on another annotator's labels of the same items."""
    rng, trials, covered, plain = np.random.default_rng(5), 150, 0, 0
    for _ in range(trials):
        truth = rng.choice(SIZE, p=[0.4, 0.3, 0.2, 0.1], size=250)
        given = [(rng.random(250)[:, None] > noisy(0.7)[truth].cumsum(axis=1)).sum(axis=1) for _ in "ab"]
        counts = np.zeros((SIZE, SIZE), dtype=np.int64)
        np.add.at(counts, (given[0], given[1]), 1)
        probability = smoothed_confusion(counts + counts.T)[given[0]][:, 1]
        after = rng.random(250) < np.array([0.3, 0.1, 0.3, 0.3])[truth]
        gain = relabelled_gain(np.zeros(250), after, given[0] == 1, probability, num_replicates=300, rng=rng)
        covered += gain.low <= 0.1 <= gain.high
        plain += gain.plain_low <= 0.1 <= gain.plain_high
    assert plain / trials < 0.9 < covered / trials


def test_empty_labellings_are_counted_and_left_out() -> None:
    baseline, ensembled = np.zeros(2), np.ones(2)
    is_labelled = np.array([True, False])
    gain = relabelled_gain(baseline, ensembled, is_labelled, np.array([0.1, 0.1]), rng=np.random.default_rng(0))
    assert gain.num_empty / 2000 == pytest.approx(0.81, abs=0.03)
    assert gain.imputed_mean == 1.0
    never = relabelled_gain(baseline, ensembled, is_labelled, np.zeros(2), rng=np.random.default_rng(0))
    assert math.isnan(never.estimate)
    assert (never.num_empty, never.reason) == (2000, "every imputed labelling leaves the category without a query.")
    nobody = relabelled_gain(baseline, ensembled, ~np.ones(2, bool), np.ones(2), rng=np.random.default_rng(0))
    assert math.isnan(nobody.low)
    assert nobody.reason == "no query was labelled with the category."


def test_bad_input_is_refused_with_its_remedy() -> None:
    rng, one, two = np.random.default_rng(0), np.ones(1), np.ones(2)
    with pytest.raises(UsageError, match=r"at least one, got 0, 0, 0 and 0; join them by query id"):
        relabelled_gain(one[:0], one[:0], one[:0] > 0, one[:0], rng=rng)
    with pytest.raises(UsageError, match=r"must be in \[0, 1\], got 1 of 2 outside"):
        relabelled_gain(two, two, two > 0, np.array([0.5, np.nan]), rng=rng)
    with pytest.raises(UsageError, match=r"must be finite, got 1 of 2"):
        relabelled_gain(two, np.array([np.nan, 1.0]), np.array([False, True]), two, rng=rng)
