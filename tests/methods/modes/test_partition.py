import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.methods.modes import (
    ClassProbabilitySplit,
    Domino,
    Facts,
    ModeFinder,
    SplitAndCluster,
    TopS,
    WardClustering,
    precision_at_k,
)
from tests.methods.modes.planted import planted

CELLS = st.tuples(st.sampled_from([0.0, 0.2, 0.2, 0.9]), st.booleans())


def by_definition(weights: list[list[float]], truth: list[list[bool]], k: int) -> list[float]:
    """Sort, look, count; rows are images."""
    found = []
    for partition in range(len(truth[0])):
        best = 0
        for part in range(len(weights[0])):
            members = [image for image in range(len(weights)) if weights[image][part] > 0]
            top = sorted(members, key=lambda image: (-weights[image][part], image))[:k]
            best = max(best, sum(truth[image][partition] for image in top))
        found.append(best / k)
    return found


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=7), st.integers(1, 4))
def test_the_definition(rows: list[tuple[tuple[float, bool], tuple[float, bool]]], k: int) -> None:
    weights = np.array([[cell[0] for cell in row] for row in rows])
    truth = np.array([[cell[1] for cell in row] for row in rows])
    if not truth.any(axis=0).all():
        return
    found = precision_at_k(weights, truth, k=k, num_deals=1, rng=np.random.default_rng(0))
    assert found.per_partition.tolist() == by_definition(weights.tolist(), truth.tolist(), k)
    assert found.value == pytest.approx(found.per_partition.mean())


def test_chance_is_what_random_parts_reach() -> None:
    rng = np.random.default_rng(0)
    truth = np.eye(6, dtype=bool)[rng.integers(0, 6, size=300)]
    dealt = np.eye(10)[rng.integers(0, 10, size=300)] * rng.random((300, 10))
    found = precision_at_k(dealt, truth[:, 1:], rng=rng)
    assert found.chance_low <= found.value <= found.chance_high
    assert 0.3 < found.by_chance < 0.45  # far from the share of a partition, 1 in 6
    again = precision_at_k(dealt, truth[:, 1:], rng=np.random.default_rng(1))
    assert found.by_chance == pytest.approx(again.by_chance, abs=0.02)


@pytest.mark.parametrize(
    ("finder", "least"),
    [
        (SplitAndCluster(TopS(3), ClassProbabilitySplit(), WardClustering(5), is_per_class=True), 0.8),
        (Domino(), 0.8),
        (Facts(), 0.7),
    ],
    ids=["split and cluster", "DOMINO", "FACTS"],
)
def test_planted_contexts_are_recovered_far_above_chance(finder: ModeFinder, least: float) -> None:
    known = planted(num_images=900, num_classes=6, bias=0.0, seed=1)
    rng = np.random.default_rng(0)
    found = finder.find(known.images, known.sentences, rng=rng)
    parts, values, chances = found.partition_weights(known.images), [], []
    for one in range(3):
        own = known.images.strata == one
        conflicting = np.stack([known.contexts[own] == other for other in range(6) if other != one], axis=1)
        scored = precision_at_k(parts[own][:, parts[own].any(axis=0)], conflicting, num_deals=50, rng=rng)
        values.append(scored.value)
        chances.append(scored.by_chance)
    assert np.mean(values) >= least
    assert 0.25 < np.mean(chances) < 0.5


def test_unfit_input_is_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(UsageError, match="k and num_deals must be >= 1, got 0 and 200"):
        precision_at_k(np.ones((3, 1)), np.ones((3, 1), dtype=bool), k=0, rng=rng)
    with pytest.raises(UsageError, match="needs a discovered part, got none"):
        precision_at_k(np.ones((3, 0)), np.ones((3, 1), dtype=bool), rng=rng)
    with pytest.raises(UsageError, match=r"got empty ones: \[1\]; leave these out"):
        precision_at_k(np.ones((2, 1)), np.array([[True, False], [True, False]]), rng=rng)
