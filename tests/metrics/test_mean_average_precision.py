import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from misfire.core.errors import UsageError
from misfire.metrics import mean_average_precision
from misfire.metrics.mean_average_precision import RankedImages


def by_definition(scores: list[float], labels: list[int], *, zeros: str, interpolation: str) -> float:
    """Slow on purpose: every distinct score is a threshold, and whatever reaches it is retrieved."""
    pairs = [(score, label) for score, label in zip(scores, labels, strict=True) if label != 0 or zeros == "negative"]
    num_positive = sum(label == 1 for _, label in pairs)
    points = []
    for threshold in sorted({score for score, _ in pairs}, reverse=True):
        retrieved = [label == 1 for score, label in pairs if score >= threshold]
        points.append((sum(retrieved) / num_positive, sum(retrieved) / len(retrieved)))
    if interpolation == "voc2007":
        best = [max((p for r, p in points if r >= level / 10 - 1e-9), default=0.0) for level in range(11)]
        return sum(best) / 11
    area, before = 0.0, 0.0
    for recall, precision in points:
        area += (recall - before) * precision
        before = recall
    return area


@pytest.mark.parametrize("zeros", ["ignore", "negative"])
@pytest.mark.parametrize("interpolation", ["none", "voc2007"])
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_it_is_the_definition_also_with_ties(data: st.DataObject, zeros: str, interpolation: str) -> None:
    num_images = data.draw(st.integers(1, 12))
    column = st.lists(st.sampled_from([-1, 0, 1]), min_size=num_images, max_size=num_images)
    labels = [data.draw(column.filter(lambda values: 1 in values)) for _ in range(3)]
    scores = [
        data.draw(st.lists(st.sampled_from([-1.0, 0.0, 0.5, 2.0]), min_size=num_images, max_size=num_images))
        for _ in range(3)
    ]
    found = mean_average_precision(np.array(scores).T, np.array(labels).T, zeros=zeros, interpolation=interpolation)
    expected = [
        by_definition(score, label, zeros=zeros, interpolation=interpolation)
        for score, label in zip(scores, labels, strict=True)
    ]
    np.testing.assert_allclose(found.per_class, expected, atol=1e-12)
    assert found.mean == pytest.approx(np.mean(expected))


def test_it_is_scikit_learns_average_precision() -> None:
    rng = np.random.default_rng(0)
    scores, labels = rng.normal(size=(300, 4)).round(1), rng.choice([-1, 1], size=(300, 4))
    expected = [average_precision_score(labels[:, k] == 1, scores[:, k]) for k in range(4)]
    np.testing.assert_allclose(mean_average_precision(scores, labels).per_class, expected, atol=1e-12)


def test_no_order_of_the_images_and_no_monotone_change_of_scores_matters() -> None:
    rng = np.random.default_rng(1)
    scores, labels = rng.integers(0, 5, size=(60, 3)) / 4, rng.choice([-1, 0, 1], size=(60, 3))
    shuffled = rng.permutation(60)
    for interpolation in ("none", "voc2007"):
        found = mean_average_precision(scores, labels, interpolation=interpolation).per_class
        again = mean_average_precision(3 * scores[shuffled] - 7, labels[shuffled], interpolation=interpolation)
        np.testing.assert_allclose(again.per_class, found, atol=1e-12)


def test_a_difficult_object_is_left_out_or_counts_against_the_ranking() -> None:
    scores, labels = np.array([[0.9], [0.8], [0.7]]), np.array([[0], [1], [-1]])
    assert mean_average_precision(scores, labels).mean == 1.0
    assert mean_average_precision(scores, labels, zeros="negative").mean == 0.5


def test_eleven_points_by_hand() -> None:
    # Ranked +, -, +: precision 1 up to recall 0.5 (levels 0 to 0.5: six), 2/3 beyond it (five).
    scores, labels = np.array([[3.0], [2.0], [1.0]]), np.array([[1], [-1], [1]])
    found = mean_average_precision(scores, labels, interpolation="voc2007")
    assert found.mean == pytest.approx((6 * 1 + 5 * 2 / 3) / 11)


def test_weights_stand_for_repeated_images() -> None:
    rng = np.random.default_rng(2)
    scores, labels = rng.integers(0, 9, size=(40, 3)) / 8, rng.choice([-1, 0, 1], size=(40, 3))
    times = rng.integers(0, 4, size=40)
    ranked = RankedImages(scores, labels, zeros="ignore")
    for interpolation in ("none", "voc2007"):
        repeated = mean_average_precision(
            scores.repeat(times, axis=0), labels.repeat(times, axis=0), interpolation=interpolation
        )
        weighted = ranked.average_precision(times, interpolation=interpolation)
        np.testing.assert_allclose(weighted, repeated.per_class, atol=1e-12)
        assert np.isnan(ranked.average_precision(np.zeros(40), interpolation=interpolation)).all()


def test_tensors_are_taken() -> None:
    scores, labels = torch.tensor([[0.9, 0.1], [0.2, 0.8]]), torch.tensor([[1, -1], [-1, 1]])
    assert mean_average_precision(scores, labels).mean == 1.0


@pytest.mark.parametrize(
    ("scores", "labels", "settings", "message"),
    [
        ([[0.1, 0.2]], [[1, -1]], {}, r"each class must have a positive image, got 1 \(1\) of 2 classes"),
        ([[0.1], [np.nan]], [[1], [1]], {}, r"scores must be finite, got images 1 \(1\)"),
        ([[0.1]], [[2]], {}, r"labels must be 1 \(present\), -1 \(absent\) or 0 \(unknown\), got 1 \(2\)"),
        ([[0.1]], [[1, 1]], {}, r"must be matrices of one shape \(image, class\), got \(1, 1\) and \(1, 2\)"),
        ([[0.1]], [[1]], {"zeros": "drop"}, "zeros must be ignore or negative, got 'drop'"),
        ([[0.1]], [[1]], {"interpolation": "voc"}, "interpolation must be none or voc2007, got 'voc'"),
    ],
)
def test_refusals(scores: list, labels: list, settings: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        mean_average_precision(np.array(scores), np.array(labels), **settings)


def test_a_voc_sized_table_takes_less_than_20_ms() -> None:
    rng = np.random.default_rng(3)
    scores, labels = rng.normal(size=(4952, 20)), rng.choice([-1, -1, -1, 0, 1], size=(4952, 20))
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        mean_average_precision(scores, labels)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.05  # under 20 ms on an idle core, see benchmarks/benchmark_multilabel.py
