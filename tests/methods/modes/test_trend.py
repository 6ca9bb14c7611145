import numpy as np
import pytest
from scipy import stats

from misfire.core.errors import UsageError
from misfire.methods.modes import EncodedSentences, ScoredImages, Trend, sentence_trends
from tests.methods.modes.planted import planted


def simulated(
    rng: np.random.Generator, *, drop: float, num_images: int = 2000, num_null: int = 27, num_planted: int = 3
) -> tuple[ScoredImages, EncodedSentences]:
    """Classes of different difficulty, nuisances on a quarter of the images each, sentences similar to either.

    The first sentences are those of the nuisances. The others are about classes or about nothing.
    """
    num_classes, dim = 5, 5 + num_planted + num_null
    labels = rng.integers(0, num_classes, size=num_images)
    nuisances = rng.random((num_images, num_planted)) < 0.25
    chance = 0.15 + 0.1 * labels / num_classes + drop * nuisances.sum(axis=1)
    embeddings = 0.3 * rng.normal(size=(num_images, dim))
    embeddings[:, :num_planted] += nuisances
    embeddings[:, num_planted : num_planted + num_classes] += 2 * np.eye(num_classes)[labels]
    performance = (rng.random(num_images) >= chance).astype(float)
    sentences = np.eye(dim)[: num_planted + num_null]
    return ScoredImages(embeddings, performance, labels), EncodedSentences(
        tuple(f"sentence {one}" for one in range(len(sentences))), sentences
    )


def test_planted_nuisances_are_found_and_little_else() -> None:
    """200 sentence sets; a drop of 15 points on a quarter of 2,000 images."""
    rng = np.random.default_rng(0)
    shares, power = [], []
    for _ in range(200):
        found = sentence_trends(*simulated(rng, drop=0.15), rng=rng).is_found(0.05)
        shares.append(found[3:].sum() / max(found.sum(), 1))
        power.append(found[:3].mean())
    assert np.mean(shares) <= 0.05
    assert np.mean(power) > 0.8


def test_without_a_drop_p_values_are_uniform() -> None:
    rng = np.random.default_rng(1)
    p_values = np.concatenate(
        [sentence_trends(*simulated(rng, drop=0.0, num_images=400), rng=rng).p_values for _ in range(20)]
    )
    assert stats.kstest(p_values, "uniform").pvalue > 0.001


def test_sums_are_those_of_plain_ranks() -> None:
    images, sentences = simulated(np.random.default_rng(2), drop=0.1, num_images=300)
    trends = sentence_trends(images, sentences, rng=np.random.default_rng(0))
    cosines = sentences.cosines(images.embeddings)
    wrong = images.performance == 0
    for sentence in range(len(sentences)):
        higher = total = 0.0
        for one in range(5):
            inside = images.strata == one
            u = stats.mannwhitneyu(cosines[inside & wrong, sentence], cosines[inside & ~wrong, sentence]).statistic
            higher, total = higher + u, total + (inside & wrong).sum() * (inside & ~wrong).sum()
        assert trends.concordance[sentence] == pytest.approx(higher / total, abs=1e-9)


def test_graded_performance_is_ranked_too_and_scale_means_nothing() -> None:
    images, sentences = simulated(np.random.default_rng(3), drop=0.2)
    rng = np.random.default_rng(4)
    graded = ScoredImages(images.embeddings, 0.5 * images.performance + 0.1 * rng.random(2000), images.labels)
    trends = sentence_trends(graded, sentences, rng=rng)
    assert trends.is_found(0.05)[:3].all()
    assert "deals" in trends.law
    percent = ScoredImages(images.embeddings, 100 * images.performance, images.labels)
    first, second = (sentence_trends(one, sentences, rng=np.random.default_rng(0)) for one in (images, percent))
    np.testing.assert_array_equal(first.p_values, second.p_values)


def test_twin_images_are_ranked_at_random() -> None:
    """Where all images look alike, no order favours an error: p-values are spread, not all small or all 1."""
    images = ScoredImages(np.ones((200, 2)), (np.arange(200) % 2).astype(float))
    sentences = EncodedSentences(("one",), np.array([[1.0, 0.0]]))
    p_values = [sentence_trends(images, sentences, rng=np.random.default_rng(seed)).p_values[0] for seed in range(40)]
    assert 0.2 < np.mean(p_values) < 0.8


def test_modes_hold_the_most_similar_tenth_and_fail_more_on_other_images() -> None:
    rng = np.random.default_rng(5)
    images, sentences = simulated(rng, drop=0.2)
    half = np.arange(2000) % 2 == 0
    found = Trend().find(images.take(half), sentences, rng=rng)
    other = images.take(~half)
    assert {chosen[0] for chosen in found.sentences} >= {0, 1, 2}
    assert found.names[0].startswith("sentence ")
    members = found.members(other)
    np.testing.assert_allclose(members.mean(axis=0), 0.1, atol=0.03)
    assert (other.performance.mean() - np.array([other.performance[one].mean() for one in members.T]) > 0.08).all()
    weights = found.weights(other)
    assert weights.max() <= 1.0
    assert weights[weights > 0].min() > 0.9
    assert "of 30 sentences have a trend at a false discovery rate of 0.05" in found.remarks[0]


def test_a_class_that_was_not_seen_takes_the_mean_of_all() -> None:
    images, sentences = simulated(np.random.default_rng(5), drop=0.2)
    found = Trend(most_modes=2).find(images.take(images.strata != 4), sentences, rng=np.random.default_rng(0))
    assert len(found) == 2
    assert "The 2 with the smallest p-values are kept." in found.remarks
    assert found.weights(images).shape == (2000, 2)


def test_nothing_found_is_no_mode() -> None:
    images, sentences = simulated(np.random.default_rng(6), drop=0.0, num_images=200)
    found = Trend().find(images, sentences, rng=np.random.default_rng(0))
    assert len(found) == 0
    assert found.weights(images).shape == (200, 0)
    assert found.remarks[0].startswith("0 of 30 sentences have a trend")


def test_the_context_that_misleads_is_found_in_the_planted_world() -> None:
    known = planted(num_images=2000)
    found = Trend(is_per_class=True, most_modes=99).find(known.images, known.sentences, rng=np.random.default_rng(0))
    assert len(found) >= 10
    for name, (sentence,), of_class in zip(found.names, found.sentences, found.of_class, strict=True):
        text = known.sentences.texts[sentence]
        assert name == f"class {of_class}, {text}"
        assert text.startswith("An image taken in place")
        assert not text.endswith(str(of_class))
    members = found.members(known.images)
    assert all((known.images.strata[members[:, mode]] == one).all() for mode, one in enumerate(found.of_class))
    assert "of 56 pairs of a class and a sentence have a trend" in found.remarks[0]


def test_what_misleads_in_one_class_and_helps_in_another_cancels_over_classes() -> None:
    known = planted(num_images=2000)
    found = Trend().find(known.images, known.sentences, rng=np.random.default_rng(0))
    assert len(found) <= 2


def test_unfit_input_is_refused() -> None:
    images, sentences = simulated(np.random.default_rng(7), drop=0.0, num_images=50)
    with pytest.raises(UsageError, match=r"a trend needs images that differ in performance, got 1 for all 50"):
        Trend().find(ScoredImages(images.embeddings, np.ones(50)), sentences, rng=np.random.default_rng(0))
    with pytest.raises(UsageError, match=r"must share a space, got 3 and 35 dimensions"):
        sentence_trends(ScoredImages(np.ones((2, 3)), np.ones(2)), sentences, rng=np.random.default_rng(0))
    with pytest.raises(UsageError, match=r"false_discovery_rate must be in \(0, 1\), got 5"):
        Trend(false_discovery_rate=5.0)
    with pytest.raises(UsageError, match=r"most_modes must be >= 1, got 0"):
        Trend(most_modes=0)
