import math

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misfire.stats import krippendorff_alpha

# Krippendorff, "Computing Krippendorff's alpha-reliability", 2011, section C: four observers, twelve units, nominal
# categories, missing labels; alpha = 0.743.
PUBLISHED = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, -1, -1, -1],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, -1, 3],
        [-1, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, -1],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, -1],
    ]
).T


def brute_force_alpha(labels: np.ndarray) -> float:
    """From the coincidences of every ordered pair of labels within an item."""
    rows = [[label for label in row.tolist() if label != -1] for row in labels]
    rows = [row for row in rows if len(row) > 1]
    every = [label for row in rows for label in row]
    observed = sum(
        (row[i] != row[j]) / (len(row) - 1) for row in rows for i in range(len(row)) for j in range(len(row))
    )
    expected = sum(a != b for a in every for b in every) / (len(every) - 1) if len(every) > 1 else 0
    return 1 - observed / expected if expected else math.nan


def test_the_published_example() -> None:
    result = krippendorff_alpha(PUBLISHED, rng=np.random.default_rng(0))
    assert round(result.alpha, 3) == 0.743
    assert (result.num_items, result.num_labels) == (11, 40)
    assert result.low < result.alpha < result.high


@settings(deadline=None)
@given(st.integers(2, 5), st.integers(1, 12), st.integers(0, 2**32))
def test_alpha_is_the_definition_and_the_librarys(num_annotators: int, num_items: int, seed: int) -> None:
    labels = np.random.default_rng(seed).choice([-1, 0, 1, 2], p=[0.3, 0.4, 0.2, 0.1], size=(num_items, num_annotators))
    result = krippendorff_alpha(labels, num_replicates=10, rng=np.random.default_rng(0))
    assert result.alpha == pytest.approx(brute_force_alpha(labels), nan_ok=True)
    if not math.isnan(result.alpha):
        reliability = np.where(labels == -1, np.nan, labels.astype(float)).T
        library = krippendorff.alpha(reliability_data=reliability, level_of_measurement="nominal")
        assert result.alpha == pytest.approx(library)


def test_undefined_and_perfect_agreement() -> None:
    rng = np.random.default_rng(0)
    constant = krippendorff_alpha([["a", "a"]] * 9, rng=rng)
    assert math.isnan(constant.alpha)
    assert constant.reason == "every label is 'a', so that no disagreement is expected."
    single = krippendorff_alpha([["a", None], [None, "b"]], rng=rng)
    assert (math.isnan(single.alpha), single.reason) == (True, "no item has two labels.")
    perfect = krippendorff_alpha([["a"] * 3, ["b"] * 3] * 10, rng=rng)
    assert (perfect.alpha, perfect.high) == (1.0, 1.0)
    assert 0.5 < perfect.low < 1


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """Three annotators over three even categories, right with 0.8, a fifth of the labels missing."""
    rng, trials, covered = np.random.default_rng(1), 300, 0
    for _ in range(trials):
        truth = rng.integers(0, 3, size=(80, 1))
        labels = np.where(rng.random((80, 3)) < 0.8, truth, (truth + rng.integers(1, 3, (80, 3))) % 3)
        labels = np.where(rng.random((80, 3)) < 0.2, -1, labels)
        result = krippendorff_alpha(labels, num_replicates=300, rng=rng)
        covered += result.low <= (0.8**2 + 0.2**2 / 2 - 1 / 3) / (2 / 3) <= result.high
    assert 0.91 <= covered / trials <= 0.98
