from collections import Counter
from dataclasses import replace
from math import sqrt
from types import ModuleType

import numpy as np
import pytest

from misfire.core.errors import UsageError
from misfire.failures import Label, SimulatedAnnotator, load_taxonomy, typical_confusion

NAMES = load_taxonomy().names
NUM_DRAWS = 1500


def labels(invented: ModuleType, annotator: SimulatedAnnotator, category: str, subtype: str | None) -> list[Label]:
    failure = replace(invented.failure_set().failures[0], category=category, ambiguous_subtype=subtype)
    return [annotator.label(replace(failure, query_id=query_id)) for query_id in range(NUM_DRAWS)]


@pytest.mark.parametrize("accuracy", [0.0, 0.5, 0.85, 1.0])
def test_typical_confusion_is_stochastic_and_as_accurate_as_asked(accuracy: float) -> None:
    confusion = typical_confusion(accuracy)
    assert confusion.shape == (7, 7)
    assert (confusion >= 0).all()
    np.testing.assert_allclose(confusion.sum(axis=1), 1.0)
    np.testing.assert_allclose(np.diag(confusion), accuracy)


def test_most_typical_mistakes_lie_between_ambiguous_and_attribute() -> None:
    mistakes = typical_confusion(0.0)
    ambiguous, attribute = NAMES.index("Ambiguous"), NAMES.index("Attribute")
    assert mistakes[ambiguous].argmax() == attribute
    assert mistakes[attribute].argmax() == ambiguous
    between = mistakes + mistakes.T
    assert np.unravel_index(between.argmax(), between.shape) == (ambiguous, attribute)


@pytest.mark.parametrize("category", NAMES)
def test_frequencies_are_those_of_the_matrix(invented: ModuleType, category: str) -> None:
    rng = np.random.default_rng(5)
    confusion = rng.dirichlet(np.ones(7), size=7)
    drawn = labels(invented, SimulatedAnnotator("ann", seed=3, confusion=confusion), category, None)
    counts = Counter(label.category for label in drawn)
    for given, chance in zip(NAMES, confusion[NAMES.index(category)], strict=True):
        # Five standard deviations of a binomial.
        assert abs(counts[given] - NUM_DRAWS * chance) <= 5 * sqrt(NUM_DRAWS * chance * (1 - chance)) + 1


@pytest.mark.parametrize("truth", ["underspecified", "near_duplicate"])
def test_the_subtype_is_right_as_often_as_said(invented: ModuleType, truth: str) -> None:
    annotator = SimulatedAnnotator("ann", seed=3, confusion=np.eye(7), subtype_accuracy=0.7)
    drawn = labels(invented, annotator, "Ambiguous", truth)
    right = sum(label == Label("Ambiguous", truth) for label in drawn)
    assert {label.category for label in drawn} == {"Ambiguous"}
    assert abs(right - 0.7 * NUM_DRAWS) <= 5 * sqrt(NUM_DRAWS * 0.21)


def test_what_is_mistaken_for_ambiguous_is_called_underspecified(invented: ModuleType) -> None:
    confusion = np.zeros((7, 7))
    confusion[:, NAMES.index("Ambiguous")] = 1.0
    drawn = labels(invented, SimulatedAnnotator("ann", seed=0, confusion=confusion), "Count", None)
    assert set(drawn) == {Label("Ambiguous", "underspecified")}


def test_a_label_depends_on_seed_and_name_and_nothing_else(invented: ModuleType) -> None:
    confusion = np.full((7, 7), 1 / 7)
    failures = invented.failure_set().failures

    def of(name: str, seed: int) -> list[Label]:
        return [SimulatedAnnotator(name, seed=seed, confusion=confusion).label(failure) for failure in failures]

    assert of("ann", 0) == of("ann", 0)
    assert of("ann", 0) != of("ann", 1)
    assert of("ann", 0) != of("bob", 0)
    alone = SimulatedAnnotator("ann", seed=0, confusion=confusion)
    assert [alone.label(failure) for failure in reversed(failures)][::-1] == of("ann", 0)


def test_an_impossible_annotator_is_refused(invented: ModuleType) -> None:
    with pytest.raises(UsageError, match=r"accuracy must be in \[0, 1\], got 85.0; use 0.85, not 85"):
        typical_confusion(85.0)
    with pytest.raises(UsageError, match=r"must have 7 rows and columns, got \(2, 2\)"):
        SimulatedAnnotator("ann", seed=0, confusion=np.eye(2))
    broken = np.eye(7)
    broken[1, 1] = 0.5
    with pytest.raises(UsageError, match=r"rows must sum to 1 without negatives, got 1 \(Object\)"):
        SimulatedAnnotator("ann", seed=0, confusion=broken)
    with pytest.raises(UsageError, match="subtype_accuracy must be in"):
        SimulatedAnnotator("ann", seed=0, subtype_accuracy=2.0)
    with pytest.raises(UsageError, match=r"letters, digits, - and _, got 1 \('\.\./ann'\)"):
        SimulatedAnnotator("../ann", seed=0)
    unlabelled = invented.failure_set(is_labelled=False).failures[0]
    with pytest.raises(UsageError, match=f"got query {unlabelled.query_id} without a category"):
        SimulatedAnnotator("ann", seed=0).label(unlabelled)
