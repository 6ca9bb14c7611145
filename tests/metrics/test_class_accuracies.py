"""Class accuracies and their summaries: identities, the standard library's means, real outcomes, what is refused."""

import statistics
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.metrics import (
    ClassCounts,
    class_counts,
    geometric_mean,
    harmonic_mean,
    smoothed_class_accuracy,
    worst_at_k,
    worst_classes,
)

IMAGENET_X = Path(__file__).parents[2] / "../shared/data/imagenet_x/predictions.parquet"
some_accuracies = st.lists(st.sampled_from([0.0, 0.02, 0.5, 0.74, 1.0]) | st.floats(0, 1), min_size=1, max_size=40)


@given(some_accuracies)
def test_the_means_are_those_of_the_standard_library_and_stand_in_their_order(accuracies: list[float]) -> None:
    mean = statistics.fmean(accuracies)
    assert harmonic_mean(accuracies) == pytest.approx(statistics.harmonic_mean(accuracies), rel=1e-9)
    if min(accuracies) > 0:
        assert geometric_mean(accuracies) == pytest.approx(statistics.geometric_mean(accuracies), rel=1e-9)
    else:
        assert geometric_mean(accuracies) == harmonic_mean(accuracies) == 0.0
    assert harmonic_mean(accuracies) <= geometric_mean(accuracies) + 1e-12
    assert geometric_mean(accuracies) <= mean + 1e-12


@given(some_accuracies)
def test_worst_at_k_never_falls_and_ends_at_the_macro_accuracy(accuracies: list[float]) -> None:
    values = [worst_at_k(accuracies, k) for k in range(1, len(accuracies) + 1)]
    assert values[0] == min(accuracies)
    assert all(later >= earlier - 1e-12 for earlier, later in pairwise(values))
    assert values[-1] == pytest.approx(statistics.fmean(accuracies))


@given(some_accuracies, st.randoms())
def test_the_order_of_the_classes_changes_nothing(accuracies: list[float], random: object) -> None:
    shuffled = sorted(accuracies, key=lambda _: random.random())  # type: ignore[attr-defined]
    assert worst_at_k(shuffled, 1 + len(accuracies) // 2) == pytest.approx(
        worst_at_k(accuracies, 1 + len(accuracies) // 2)
    )
    assert harmonic_mean(shuffled) == pytest.approx(harmonic_mean(accuracies))
    assert geometric_mean(shuffled) == pytest.approx(geometric_mean(accuracies))


@given(some_accuracies)
def test_worst_classes_are_the_ones_that_worst_at_k_averages(accuracies: list[float]) -> None:
    k = 1 + len(accuracies) // 3
    worst = worst_classes(accuracies, k)
    assert worst.tolist() == sorted(range(len(accuracies)), key=lambda index: (accuracies[index], index))[:k]
    assert np.array(accuracies)[worst].mean() == pytest.approx(worst_at_k(accuracies, k))


def test_arrays_and_tensors_of_any_precision_are_the_same() -> None:
    accuracies = [0.25, 0.5, 1.0]
    for same in (np.array(accuracies), torch.tensor(accuracies), np.array(accuracies, dtype=np.float32)):
        assert worst_at_k(same, 2) == 0.375
        assert harmonic_mean(same) == harmonic_mean(accuracies)
        assert geometric_mean(same) == geometric_mean(accuracies)


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=60))
def test_counts_are_those_of_a_loop(outcomes: list[tuple[int, bool]]) -> None:
    labels = np.array([label for label, _ in outcomes], dtype=np.int64)
    hits = np.array([hit for _, hit in outcomes], dtype=np.bool_)
    counts = class_counts(labels, hits, num_classes=5)
    for one in range(5):
        of_class = [hit for label, hit in outcomes if label == one]
        assert (counts.num_images[one], counts.num_hits[one]) == (len(of_class), sum(of_class))
        assert np.isnan(counts.accuracy[one]) if not of_class else counts.accuracy[one] == statistics.fmean(of_class)


def test_smoothing_tells_classifiers_apart_that_both_have_a_class_at_0() -> None:
    better, worse = (
        ClassCounts(np.array([50, 50]), np.array([0, 40])),
        ClassCounts(np.array([50, 50]), np.array([0, 4])),
    )
    assert harmonic_mean(better.accuracy) == harmonic_mean(worse.accuracy) == 0.0
    assert harmonic_mean(smoothed_class_accuracy(better)) > harmonic_mean(smoothed_class_accuracy(worse)) > 0
    assert np.isnan(smoothed_class_accuracy(ClassCounts(np.array([0]), np.array([0])))).all()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (lambda: worst_at_k([0.5], 2), "k must be from 1 to the number of classes, 1, got 2; choose a smaller k."),
        (lambda: worst_at_k([0.5], 0), "k must be from 1 to the number of classes, 1, got 0"),
        (lambda: harmonic_mean([]), "must be a vector of at least one class, got shape (0,)"),
        (lambda: harmonic_mean([0.5, float("nan")]), "got NaN for classes 1 (1); leave out classes without an image"),
        (lambda: geometric_mean([50.0]), "must lie in [0, 1], got 1 (50.0) outside; pass fractions, not percent."),
        (
            lambda: class_counts(np.array([0, 3]), np.array([True, True]), num_classes=2),
            "labels must lie in 0 to 1, got 1 (3 at position 1) outside",
        ),
        (
            lambda: class_counts(np.array([0.5]), np.array([True]), num_classes=2),
            "labels must be a vector of integers, got float64",
        ),
        (
            lambda: class_counts(np.array([0]), np.array([1]), num_classes=2),
            "hits must say true or false of each of 1 images, got int64",
        ),
        (
            lambda: smoothed_class_accuracy(ClassCounts(np.array([1]), np.array([1])), pseudo_count=0.0),
            "pseudo_count must be > 0, got 0.0",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(wrong: object, sentence: str) -> None:
    with pytest.raises(UsageError) as refusal:
        wrong()  # type: ignore[operator]
    assert sentence in str(refusal.value)


@pytest.mark.skipif(not IMAGENET_X.is_file(), reason="the outcomes of ImageNet-X aren't beside the repository")
def test_the_worst_classes_of_a_real_classifier() -> None:
    import pandas as pd

    table = pd.read_parquet(IMAGENET_X)
    labels = table.class_index.to_numpy()
    accuracy = class_counts(labels, (table.predicted_resnet50 == labels).to_numpy(), num_classes=1000).accuracy
    assert worst_at_k(accuracy, 10) == pytest.approx(0.226)
    assert worst_at_k(accuracy, 1000) == pytest.approx(0.7613)
    rated = (table.real_labels != "").to_numpy()
    is_right = np.array(
        [str(said) in right.split() for said, right in zip(table.predicted_resnet50, table.real_labels, strict=True)]
    )
    by_raters = class_counts(labels[rated], is_right[rated], num_classes=1000).accuracy
    assert by_raters[worst_classes(accuracy, 10)].mean() == pytest.approx(0.641, abs=5e-4)
