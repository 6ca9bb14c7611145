import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.methods.modes import explanation_scores, failure_sentences, sentence_hardness


@st.composite
def explanations(draw: st.DrawFn) -> tuple[list[set[int]], list[set[int]], np.ndarray, np.ndarray]:
    num_images, num_sentences = draw(st.integers(2, 8)), draw(st.integers(1, 6))
    num_clusters = draw(st.integers(1, 4))
    retained = [draw(st.sets(st.integers(0, num_sentences - 1))) for _ in range(num_clusters)]
    members = [draw(st.sets(st.integers(0, num_images - 1), min_size=1)) for _ in range(num_clusters)]
    bits = draw(st.lists(st.booleans(), min_size=num_images * num_sentences, max_size=num_images * num_sentences))
    accuracy = draw(st.lists(st.sampled_from([0, 0.25, 1]), min_size=num_images, max_size=num_images))
    return retained, members, np.array(bits).reshape(num_images, num_sentences), np.array(accuracy, dtype=float)


def by_the_equations(
    retained: list[set[int]], members: list[set[int]], relevance: np.ndarray, performance: np.ndarray, severity: float
) -> list[float]:
    """Equations 3 to 9 with sets and whole fractions; None becomes NaN."""
    images = range(len(performance))
    values = [Fraction(float(value)) for value in performance]
    average = sum(values) / len(values)
    deviation = math.sqrt(sum((value - average) ** 2 for value in values) / len(values))
    star = set()
    for sentence in range(relevance.shape[1]):
        held = [values[image] for image in images if relevance[image, sentence]]
        if held and float(sum(held) / len(held)) < float(average) - severity * deviation:
            star.add(sentence)
    pairs = [(r, c) for r, c in zip(retained, members, strict=True) if r]
    hardness = [Fraction(len(r & star), len(r)) for r, _ in pairs]
    coverage = [sum(Fraction(sum(bool(relevance[m, n]) for m in c), len(c)) for n in r) / len(r) for r, c in pairs]
    union = set().union(*retained)
    return [
        float(sum(hardness) / len(hardness)) if pairs else math.nan,
        float(sum(coverage) / len(coverage)) if pairs else math.nan,
        len(union & star) / len(star) if star else math.nan,
        len(union & star) / len(union | star) if union | star else math.nan,
    ]


@given(explanations(), st.sampled_from([0.0, 0.2, 1.0]))
def test_the_equations(
    explanation: tuple[list[set[int]], list[set[int]], np.ndarray, np.ndarray], severity: float
) -> None:
    found = explanation_scores(*explanation, severity=severity)
    np.testing.assert_allclose(found, by_the_equations(*explanation, severity), atol=1e-12)


@given(explanations())
def test_jaccard_follows_from_precision_and_recall(
    explanation: tuple[list[set[int]], list[set[int]], np.ndarray, np.ndarray],
) -> None:
    retained, _, relevance, performance = explanation
    scores, star = explanation_scores(*explanation), failure_sentences(relevance, performance)
    union = set().union(*retained)
    if union and star.any():
        precision = np.mean([star[sentence] for sentence in union])
        both = precision + scores.tpr - precision * scores.tpr
        assert scores.ji == pytest.approx(precision * scores.tpr / both if both else 0.0, abs=1e-12)


def world() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    relevance = rng.random((40, 12)) < 0.4
    performance = (rng.random(40) > 0.3 + 0.5 * relevance[:, 0]).astype(float)
    return relevance, performance


def test_the_whole_truth_is_perfect_and_order_means_nothing() -> None:
    relevance, performance = world()
    star = set(np.flatnonzero(failure_sentences(relevance, performance)).tolist())
    assert star
    scores = explanation_scores([star], [set(range(40))], relevance, performance)
    assert (scores.ahr, scores.tpr, scores.ji) == (1.0, 1.0, 1.0)
    forwards = explanation_scores([[0, 3, 5]], [range(20)], relevance, performance)
    assert explanation_scores([[5, 0, 3, 0]], [np.arange(20)], relevance, performance) == forwards
    ahr, acr, tpr, ji = forwards
    assert (ahr, acr, tpr, ji) == (forwards.ahr, forwards.acr, forwards.tpr, forwards.ji)


def test_a_larger_severity_asks_for_more_and_changes_no_coverage() -> None:
    relevance, performance = world()
    found = [failure_sentences(relevance, performance, severity=severity) for severity in (0.0, 0.2, 0.5, 1.0)]
    assert all((few <= many).all() for many, few in itertools.pairwise(found))
    coverage = {
        explanation_scores([{0, 1}], [{1, 2, 3}], relevance, performance, severity=severity).acr
        for severity in (0.0, 0.5)
    }
    assert len(coverage) == 1


def test_nothing_to_measure_is_not_zero() -> None:
    relevance, performance = world()
    nothing = explanation_scores([set()], [{0}], relevance, performance)
    assert math.isnan(nothing.ahr)
    assert math.isnan(nothing.acr)
    assert nothing.tpr == 0.0
    flawless = explanation_scores([{0}], [{0}], relevance, np.ones(40))
    assert math.isnan(flawless.tpr)
    assert flawless.ji == 0.0
    assert math.isnan(sentence_hardness(np.zeros((3, 1), dtype=bool), np.ones(3))[0])


def test_unfit_input_is_refused() -> None:
    relevance, performance = world()
    with pytest.raises(UsageError, match=r"got 2 sets of sentences and 1 of images"):
        explanation_scores([{0}, {1}], [{0}], relevance, performance)
    with pytest.raises(UsageError, match=r"got none in clusters 1 \(1\); drop them"):
        explanation_scores([{0}, {1}], [{0}, set()], relevance, performance)
    with pytest.raises(UsageError, match=r"an index of relevance, 0 to 11, got others: 1 \(12\)"):
        explanation_scores([{12}], [{0}], relevance, performance)
    with pytest.raises(UsageError, match=r"performance must be finite for every image, got NaN .* \(3\)"):
        explanation_scores([{0}], [{0}], relevance, np.where(np.arange(40) == 3, np.nan, performance))
    with pytest.raises(UsageError, match=r"severity must be finite, got nan"):
        failure_sentences(relevance, performance, severity=np.nan)
