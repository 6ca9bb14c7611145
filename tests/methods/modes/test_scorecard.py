import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.methods.modes import (
    Domino,
    ErrorAwareMixture,
    Facts,
    Ladder,
    ModeFinder,
    PDiff,
    PerformanceSplit,
    Scorecard,
    ScorecardRow,
    ScoredImages,
    SplitAndCluster,
    Trend,
    Truth,
    WardClustering,
    compactness,
    halves,
    mode_effects,
    shuffled,
    stability,
)
from misfire.methods.modes.scorecard import SCORECARD_COLUMNS
from tests.methods.modes.planted import Planted, planted

QUICK = [
    SplitAndCluster(PDiff(3), PerformanceSplit(), WardClustering(6)),
    Trend(is_per_class=True),
    Ladder(is_per_class=True),
    Domino(ErrorAwareMixture(8, max_iterations=20), num_dimensions=8),
    Facts(num_dimensions=8),
]


@pytest.fixture(scope="module")
def known() -> Planted:
    return planted(num_images=1200, bias=0.5)


def row(known: Planted, finder: ModeFinder, card: Scorecard, truth: Truth | None = None) -> ScorecardRow:
    failing = known.images.performance == 0
    return card.row(finder, known.images, known.sentences, is_failure=failing, truth=truth, seed=0)


def truth_of(known: Planted) -> Truth:
    count = known.num_classes
    pairs = [
        (known.images.strata == one) & (known.contexts == other)
        for one, other in itertools.permutations(range(count), 2)
    ]
    return Truth(known.holds(), np.stack(pairs, axis=1))


@pytest.mark.parametrize("finder", QUICK, ids=lambda finder: finder.label)
def test_every_method_has_every_column_and_drops_on_other_images(known: Planted, finder: ModeFinder) -> None:
    ticks = itertools.count()
    card = Scorecard(num_shuffles=2, num_repeats=1, clock=lambda: float(next(ticks)))
    found = row(known, finder, card, truth_of(known))
    assert list(found.values) == list(SCORECARD_COLUMNS)
    assert found.values["seconds"] == 1.0
    assert found.values["num_modes"] >= 1
    assert found.values["drop"] > 0.1
    assert found.values["false_discovery"] <= 0.25
    agreement = found.values["stability_halves"]
    assert 0 <= agreement <= 1 or (np.isnan(agreement) and isinstance(finder, Trend))  # a quarter may show no trend
    again = row(known, finder, Scorecard(num_shuffles=2, num_repeats=1, clock=lambda: 0.0), truth_of(known))
    for name, value in found.values.items():
        if name != "seconds":
            np.testing.assert_equal(again.values[name], value, err_msg=name)


@pytest.mark.parametrize("finder", QUICK, ids=lambda finder: finder.label)
def test_members_are_chosen_without_a_look_at_how_the_model_did(known: Planted, finder: ModeFinder) -> None:
    half = np.arange(1200) % 2 == 0
    found = finder.find(known.images.take(half), known.sentences, rng=np.random.default_rng(0))
    other = known.images.take(~half)
    dealt = shuffled(other, np.random.default_rng(1))
    assert np.array_equal(found.weights(other), found.weights(dealt))
    weights, parts = found.weights(other), found.partition_weights(other)
    assert 0 <= weights.min() <= weights.max() <= 1
    assert 0 <= parts.min() <= parts.max() <= 1
    assert len(found.names) == len(found.sentences) == weights.shape[1] == len(found)
    texts = set(known.sentences.texts)
    assert {text for chosen in found.descriptions(known.sentences) for text in chosen} <= texts


def test_what_needs_truth_is_absent_without_it(known: Planted) -> None:
    found = row(known, QUICK[0], Scorecard(num_shuffles=0, num_repeats=0))
    assert not {"p_at_10", "p_at_10_chance", "ahr", "acr", "tpr", "ji"} & set(found.values)
    assert not {"false_discovery", "stability_seeds", "stability_halves"} & set(found.values)


def test_planted_contexts_are_told_far_above_chance(known: Planted) -> None:
    finder = SplitAndCluster(PDiff(3), PerformanceSplit(), WardClustering(3), is_per_class=True)
    found = row(known, finder, Scorecard(num_shuffles=0, num_repeats=0), truth_of(known))
    assert found.values["p_at_10"] > 0.6
    assert found.values["p_at_10_chance"] < 0.45


def test_shuffled_outcomes_confirm_next_to_nothing(known: Planted) -> None:
    rng = np.random.default_rng(0)
    confirmed = []
    for _ in range(15):
        dealt = Planted(shuffled(known.images, rng), known.contexts, known.sentences, known.num_classes)
        found = row(dealt, QUICK[0], Scorecard(num_shuffles=0, num_repeats=0))
        confirmed.append(found.effects.is_confirmed().any())
    assert np.mean(confirmed) <= 0.2


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.5, 1.0]), st.integers(0, 1)), min_size=2, max_size=7))
def test_a_drop_is_held_against_every_draw_of_the_same_classes(rows: list[tuple[bool, float, int]]) -> None:
    members, values, strata = (np.array(column) for column in zip(*rows, strict=True))
    found = mode_effects(members[:, None], values, strata)
    if not members.any():
        assert np.isnan(found.drop[0])
        return
    draws = [
        [sum(chosen) for chosen in itertools.combinations(values[strata == one], int(members[strata == one].sum()))]
        for one in (0, 1)
    ]
    totals = np.array([sum(pair) for pair in itertools.product(*draws)]) / members.sum()
    assert found.expected[0] == pytest.approx(totals.mean())
    assert found.drop[0] == pytest.approx(totals.mean() - values[members].mean())
    assert (found.high[0] - found.low[0]) / 2 == pytest.approx(1.959963985 * totals.std(), abs=1e-9)


def test_modes_of_shuffled_members_have_uniform_p_values() -> None:
    rng = np.random.default_rng(0)
    strata, performance = rng.integers(0, 4, size=800), (rng.random(800) < 0.7).astype(float)
    members = rng.random((800, 400)) < 0.1
    p_values = mode_effects(members, performance, strata).p_values
    assert np.quantile(p_values, [0.05, 0.5]) == pytest.approx([0.05, 0.5], abs=0.06)


def test_stability_is_symmetric_and_1_of_equal_modes_in_any_order() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.random((50, 4)) < 0.3, rng.random((50, 3)) < 0.3
    assert stability(one, one[:, ::-1]) == 1.0
    assert stability(one, other) == pytest.approx(stability(other, one))
    assert np.isnan(stability(one, other[:, :0]))


def test_compactness_is_the_mean_of_pairs() -> None:
    rng = np.random.default_rng(0)
    images = ScoredImages(rng.normal(size=(12, 4)), np.ones(12))
    members = rng.random((12, 3)) < 0.5
    points = images.unit_embeddings
    for mode, value in enumerate(compactness(members, images)):
        inside, outside = points[members[:, mode]], points[~members[:, mode]]
        pairs = [a @ b for a, b in itertools.combinations(inside, 2)]
        assert value == pytest.approx(np.mean(pairs) - np.mean([a @ b for a in inside for b in outside]))


def test_halves_part_every_class() -> None:
    strata = np.array([0] * 7 + [1] * 4 + [2] * 2)
    first, second = halves(strata, np.random.default_rng(0))
    assert sorted([*first, *second]) == list(range(13))
    assert abs(np.bincount(strata[first]) - np.bincount(strata[second])).max() <= 1


def test_shuffling_keeps_every_class_its_outcomes(known: Planted) -> None:
    dealt = shuffled(known.images, np.random.default_rng(0))
    assert np.array_equal(dealt.embeddings, known.images.embeddings)
    for one in range(known.num_classes):
        own = known.images.strata == one
        assert sorted(dealt.performance[own]) == sorted(known.images.performance[own])
    assert dealt.predictions is not None
    assert np.array_equal(dealt.predictions.argmax(axis=1) == dealt.strata, dealt.performance == 1)


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(UsageError, match=r"must be >= 0 and k >= 1, got -1, 2 and 10; 0 leaves a column out"):
        Scorecard(num_shuffles=-1)
