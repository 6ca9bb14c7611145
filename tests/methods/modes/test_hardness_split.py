import numpy as np
import pytest
from scipy.stats import entropy

from misfire.core.errors import UsageError
from misfire.methods.modes import (
    ClassProbabilitySplit,
    ConfidenceSplit,
    EntropySplit,
    HardnessSplit,
    PerformanceSplit,
    RankingSplit,
    ScoredImages,
)

ALL = [EntropySplit(), ClassProbabilitySplit(), ConfidenceSplit(), PerformanceSplit(), RankingSplit()]


def images(num_images: int = 200) -> ScoredImages:
    rng = np.random.default_rng(0)
    predictions = rng.dirichlet(np.ones(3), size=num_images)
    labels = rng.integers(0, 3, size=num_images)
    return ScoredImages(
        rng.normal(size=(num_images, 2)), rng.random(num_images), labels, predictions, rng.random(num_images)
    )


@pytest.mark.parametrize("split", ALL, ids=lambda split: type(split).__name__)
@pytest.mark.parametrize("of_class", [None, 1])
def test_no_image_is_both_and_one_class_looks_at_its_own(split: HardnessSplit, of_class: int | None) -> None:
    known = images()
    parts = split(known, of_class=of_class)
    assert parts.is_hard.any()
    assert parts.is_easy.any()
    assert not (parts.is_hard & parts.is_easy).any()
    if of_class is not None:
        assert not ((parts.is_hard | parts.is_easy) & ~split.concerns(known, of_class)).any()


@pytest.mark.parametrize(
    ("split", "measure"),
    [
        (EntropySplit(0.2), lambda known: entropy(known.predictions, axis=1)),
        (ClassProbabilitySplit(0.2), lambda known: -known.predictions[np.arange(200), known.labels]),
        (PerformanceSplit(0.2), lambda known: -known.performance),
        (ConfidenceSplit(0.2), lambda known: -known.confidence),
    ],
)
def test_thresholds_lie_a_margin_about_the_mean(split: HardnessSplit, measure) -> None:  # type: ignore[no-untyped-def]
    known = images()
    hardness = np.array(measure(known))
    inside = known.labels == 2
    for of_class, among in ((None, np.ones(200, dtype=bool)), (2, inside)):
        parts = split(known, of_class=of_class)
        mean, deviation = np.mean(hardness[among]), np.std(hardness[among])
        assert np.array_equal(parts.is_hard, among & (hardness > mean + 0.2 * deviation))
        assert np.array_equal(parts.is_easy, among & (hardness < mean - 0.2 * deviation))


def test_without_a_margin_only_the_mean_itself_is_neutral() -> None:
    parts = PerformanceSplit(0.0)(images())
    assert (parts.is_hard | parts.is_easy).all()


def test_ranking_counts_false_positives_of_a_class_as_hard() -> None:
    predictions = np.eye(3)[[0, 1, 0, 2]]
    known = ScoredImages(np.ones((4, 2)), np.ones(4), np.array([0, 0, 1, 1]), predictions)
    parts = RankingSplit()(known, of_class=0)
    assert parts.is_hard.tolist() == [False, True, True, False]
    assert parts.is_easy.tolist() == [True, False, False, False]
    assert RankingSplit()(known).is_hard.tolist() == [False, True, True, True]


def test_entropy_of_a_certain_prediction_is_zero() -> None:
    known = ScoredImages(np.ones((2, 2)), np.ones(2), None, np.array([[1.0, 0.0], [0.5, 0.5]]))
    assert EntropySplit().hardness(known).tolist() == pytest.approx([0.0, np.log(2)])


def test_what_a_split_reads_must_be_known() -> None:
    bare = ScoredImages(np.ones((2, 2)), np.ones(2))
    for split, words in (
        (EntropySplit(), "a split by entropy needs predictions of the images, got none"),
        (RankingSplit(), "a split by ranking needs predictions and labels"),
        (ConfidenceSplit(), "a split by confidence needs confidence"),
    ):
        with pytest.raises(UsageError, match=words):
            split(bare)
    with pytest.raises(UsageError, match="an analysis of one class needs labels"):
        PerformanceSplit()(bare, of_class=0)
    with pytest.raises(UsageError, match="margin must be finite and >= 0, got -1"):
        EntropySplit(-1)
