"""Intervals of class summaries and the choice of the worst classes: against draws of images and known truth."""

import numpy as np
import pytest

from misfire.core.errors import UsageError
from misfire.methods.classification.uncertainty import (
    class_intervals,
    held_out_worst,
    paired_class_intervals,
    summaries,
    times_among_worst,
)
from misfire.metrics import ClassCounts, geometric_mean, harmonic_mean, worst_at_k
from misfire.stats import StatisticsSettings

COUNTS = ClassCounts(np.array([20, 30, 10, 40]), np.array([5, 20, 9, 36]))
SETTINGS = StatisticsSettings(num_replicates=2000)


def resampled_images(rng: np.random.Generator) -> np.ndarray:
    """Class accuracies of images drawn one by one within their classes."""
    drawn = []
    for num_images, hits in zip(*COUNTS, strict=True):
        images = np.arange(num_images) < hits
        drawn.append(images[rng.integers(num_images, size=num_images)].mean())
    return np.array(drawn)


def test_intervals_are_those_of_images_drawn_one_by_one() -> None:
    found = class_intervals(COUNTS, summaries((1, 2)), SETTINGS)
    rng = np.random.default_rng(1)
    replicates = np.array([resampled_images(rng) for _ in range(1500)])
    accuracy = COUNTS.accuracy
    weights = COUNTS.num_images / COUNTS.num_images.sum()
    slow = {
        "accuracy": (accuracy @ weights, replicates @ weights),
        "macro_accuracy": (accuracy.mean(), replicates.mean(axis=1)),
        "worst_at_1": (worst_at_k(accuracy, 1), replicates.min(axis=1)),
        "worst_at_2": (worst_at_k(accuracy, 2), np.sort(replicates, axis=1)[:, :2].mean(axis=1)),
        "harmonic_mean": (harmonic_mean(accuracy), np.array([harmonic_mean(row) for row in replicates])),
        "geometric_mean": (geometric_mean(accuracy), np.array([geometric_mean(row) for row in replicates])),
    }
    assert found.keys() == slow.keys()
    for name, (value, drawn) in slow.items():
        assert found[name].value == pytest.approx(value)
        high, low = (2 * value - np.percentile(drawn, [2.5, 97.5])).clip(max=1)
        assert (found[name].low, found[name].high) == (pytest.approx(low, abs=0.04), pytest.approx(high, abs=0.04))


def test_intervals_cover_what_the_lowest_of_noisy_accuracies_hide() -> None:
    rng = np.random.default_rng(3)
    truth = rng.beta(5, 1.6, size=200)
    chosen = summaries((5, 20))
    true = {name: summary(truth[None], np.full(200, 50))[0] for name, summary in chosen.items()}
    covered = []
    for seed in range(60):
        counts = ClassCounts(np.full(200, 50), rng.binomial(50, truth))
        found = class_intervals(counts, chosen, StatisticsSettings(num_replicates=200, seed=seed))
        covered.append([found[name].low <= value <= found[name].high for name, value in true.items()])
    assert np.mean(covered, axis=0).min() > 0.8  # percentiles cover the harmonic mean in 1 of 4


def test_a_class_at_0_makes_the_means_0() -> None:
    found = class_intervals(ClassCounts(np.array([5, 5]), np.array([0, 5])), summaries((1,)), SETTINGS)
    assert (found["harmonic_mean"].value, found["harmonic_mean"].high) == (0.0, 0.0)
    assert (found["geometric_mean"].value, found["geometric_mean"].high) == (0.0, 0.0)


def test_paired_intervals_are_those_of_pairs_drawn_one_by_one() -> None:
    before, after = (
        ClassCounts(np.array([30, 20]), np.array([10, 15])),
        ClassCounts(np.array([30, 20]), np.array([16, 13])),
    )
    fixed = np.array([8, 1])
    chosen = summaries((1,))
    found = paired_class_intervals(before, after, fixed, chosen, SETTINGS)
    hits = []
    for one in range(2):
        was = np.arange(before.num_images[one]) < before.num_hits[one]
        broken = before.num_hits[one] - after.num_hits[one] + fixed[one]
        now = was.copy()
        now[:broken] = False
        now[before.num_hits[one] : before.num_hits[one] + fixed[one]] = True
        assert now.sum() == after.num_hits[one]
        hits.append((was, now))
    rng = np.random.default_rng(2)
    differences = []
    for _ in range(1500):
        draws = [rng.integers(len(was), size=len(was)) for was, _ in hits]
        accuracy = np.array(
            [[pair[side][draw].mean() for pair, draw in zip(hits, draws, strict=True)] for side in (0, 1)]
        )
        differences.append(accuracy[1].min() - accuracy[0].min())
    high, low = 2 * (16 / 30 - 10 / 30) - np.percentile(differences, [2.5, 97.5])
    assert found["worst_at_1"].value == pytest.approx(16 / 30 - 10 / 30)
    assert found["worst_at_1"].low == pytest.approx(low, abs=0.05)
    assert found["worst_at_1"].high == pytest.approx(high, abs=0.05)
    assert found["accuracy"].value == pytest.approx((29 - 25) / 50)


def test_classes_that_are_equally_good_are_no_worse_on_other_images() -> None:
    rng = np.random.default_rng(0)
    naive, held_out = [], []
    for _ in range(40):
        counts = ClassCounts(np.full(100, 50), rng.binomial(50, 0.7, size=100))
        found = held_out_worst(counts, 5, num_splits=20, rng=rng)
        naive.append(found.naive)
        held_out.append(found.value)
    assert np.mean(naive) < 0.6  # low by chance alone
    assert np.mean(held_out) == pytest.approx(0.7, abs=0.01)


def test_classes_that_are_clearly_worse_are_always_chosen() -> None:
    counts = ClassCounts(np.full(10, 100), np.array([5, 3, 90, 91, 92, 93, 94, 95, 96, 97]))
    found = held_out_worst(counts, 2, rng=np.random.default_rng(0))
    assert found.value == pytest.approx(0.04, abs=1e-9)
    assert found.times_chosen.tolist() == [1.0, 1.0, *[0.0] * 8]
    assert found.naive == 0.04


def test_halves_are_hypergeometric_as_shuffled_images_are() -> None:
    found = held_out_worst(COUNTS, 2, num_splits=2000, rng=np.random.default_rng(0))
    rng = np.random.default_rng(5)
    values = []
    for _ in range(1500):
        halves = []
        for num_images, hits in zip(*COUNTS, strict=True):
            images = rng.permutation(np.arange(num_images) < hits)
            halves.append((images[: num_images // 2].mean(), images[num_images // 2 :].mean()))
        accuracy = np.array(halves).T
        values.append(
            np.mean([accuracy[1 - side][accuracy[side].argsort(kind="stable")[:2]].mean() for side in (0, 1)])
        )
    assert found.value == pytest.approx(np.mean(values), abs=0.01)
    assert found.low == pytest.approx(np.percentile(values, 2.5), abs=0.04)


def test_a_class_of_one_image_is_left_out_of_the_halves_and_named() -> None:
    counts = ClassCounts(np.array([1, 10, 10]), np.array([0, 5, 9]))
    found = held_out_worst(counts, 1, rng=np.random.default_rng(0))
    assert found.left_out == (0,)
    assert found.naive == 0.5


def test_a_class_that_many_models_fail_is_counted() -> None:
    rng = np.random.default_rng(0)
    accuracies = {name: rng.random(20) for name in "abc"}
    for accuracy in accuracies.values():
        accuracy[4] = 0.0
    times = times_among_worst(accuracies, 3)
    assert times[4] == 3
    assert times.sum() == 9


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (
            lambda: class_intervals(ClassCounts(np.array([3, 0]), np.array([1, 0])), summaries(()), SETTINGS),
            r"every class must have an image, got none for classes 1 \(1\)",
        ),
        (
            lambda: held_out_worst(COUNTS, 5, rng=np.random.default_rng(0)),
            "k must be from 1 to the number of classes that can be split, 4, got 5",
        ),
        (
            lambda: paired_class_intervals(COUNTS, COUNTS, np.array([0, 0, 2, 0]), summaries(()), SETTINGS),
            "both classifiers must be counted on the same images",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(wrong: object, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        wrong()  # type: ignore[operator]
