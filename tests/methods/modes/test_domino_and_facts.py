import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from misfire.core.errors import UsageError
from misfire.methods.modes import (
    Domino,
    ErrorAwareMixture,
    Facts,
    ModeFinder,
    PredictionMixture,
    ScoredImages,
)
from tests.methods.modes.planted import planted

SMALL = ErrorAwareMixture(8, max_iterations=30)


def test_a_slice_of_domino_is_told_from_its_class_by_the_context_that_misleads() -> None:
    known = planted(num_images=800, bias=0.3)
    finder = Domino(SMALL, num_slices=2, num_dimensions=16, num_sentences=1)
    found = finder.find(known.images, known.sentences, rng=np.random.default_rng(0))
    assert found.names[:3] == ("class 0, slice 1", "class 0, slice 2", "class 1, slice 1")
    members = found.members(known.images)
    for mode, (sentence,) in enumerate(found.sentences):
        inside = members[:, mode]
        assert (known.images.strata[inside] == mode // 2).all()
        assert known.images.performance[inside].mean() < 0.7
        majority = np.bincount(known.contexts[inside], minlength=4).argmax()
        assert known.sentences.texts[sentence] == f"An image taken in place {majority}"


def test_domino_of_all_images_takes_its_slices_from_all_components() -> None:
    known = planted(num_images=400, num_classes=2)
    found = Domino(SMALL, num_slices=3, num_dimensions=8, is_per_class=False).find(
        known.images, known.sentences, rng=np.random.default_rng(0)
    )
    assert found.names == ("slice 1", "slice 2", "slice 3")
    parts = found.partition_weights(known.images)
    assert parts.shape == (400, 8)
    assert ((parts > 0).sum(axis=1) == 1).all()
    (analysis,) = found.analyses
    assert analysis.slices == tuple(np.argsort(-analysis.mixture.gaps(), kind="stable")[:3])  # type: ignore[attr-defined]


def test_the_joint_of_facts_is_a_product_of_two_gaussians() -> None:
    known = planted(num_images=120, num_classes=3)
    images = known.images
    assert images.predictions is not None
    for is_on_logits in (False, True):
        mixture = PredictionMixture(prediction_weight=25.0, max_iterations=4, is_on_logits=is_on_logits)
        fitted = mixture.fit(images.embeddings[:, :5], images.strata, images.predictions, rng=np.random.default_rng(0))
        features = mixture.features(images.predictions)
        joint = fitted.log_joint(images.embeddings[:, :5].astype(float), features)
        for one in range(0, len(fitted.component_weights), 2):
            look = norm.logpdf(images.embeddings[:, :5], fitted.means[one], np.sqrt(fitted.variances[one])).sum(axis=1)
            says = multivariate_normal(fitted.prediction_means[one], fitted.prediction_covariances[one]).logpdf(
                features
            )
            expected = np.log(fitted.component_weights[one]) + look + 25 * says
            np.testing.assert_allclose(joint[:, one], expected, rtol=1e-8)


def test_the_likelihood_of_plain_em_never_falls() -> None:
    known = planted(num_images=200, num_classes=3)
    assert known.images.predictions is not None
    found = [
        PredictionMixture(prediction_weight=1.0, tolerance=0.0, max_iterations=steps, is_on_logits=False)
        .fit(
            known.images.embeddings[:, :6], known.images.strata, known.images.predictions, rng=np.random.default_rng(0)
        )
        .mean_log_likelihood
        for steps in range(1, 12)
    ]
    assert (np.diff(found) >= -1e-9).all()


def test_slices_of_facts_fail_more_than_their_class_and_come_worst_first() -> None:
    known = planted(num_images=800, bias=0.3)
    found = Facts(num_dimensions=16).find(known.images, known.sentences, rng=np.random.default_rng(0))
    members = found.members(known.images)
    assert known.images.predictions is not None
    for one in range(4):
        modes = [mode for mode, name in enumerate(found.names) if name.startswith(f"class {one},")]
        chances = [known.images.predictions[members[:, mode], one].mean() for mode in modes]
        assert modes
        assert max(chances) < known.images.predictions[known.images.strata == one, one].mean()
        assert np.all(np.diff(chances) > -0.05)
        assert (known.images.strata[members[:, modes].any(axis=1)] == one).all()


@pytest.mark.parametrize("finder", [Domino(SMALL, num_dimensions=8), Facts(num_dimensions=8)])
def test_equal_seeds_find_equal_slices_and_other_images_can_be_asked_for(finder: ModeFinder) -> None:
    known = planted(num_images=300)
    half = np.arange(300) % 2 == 0
    first, again = (
        finder.find(known.images.take(half), known.sentences, rng=np.random.default_rng(3)) for _ in range(2)
    )
    other = known.images.take(~half)
    assert first.sentences == again.sentences
    assert np.array_equal(first.weights(other), again.weights(other))
    assert first.weights(other).shape == (150, len(first))


def test_a_class_that_is_too_small_is_left_out_and_said() -> None:
    known = planted(num_images=300)
    few = known.images.take(np.flatnonzero((known.images.strata != 2) | (np.arange(300) < 9)))
    found = Domino(SMALL, num_dimensions=8).find(few, known.sentences, rng=np.random.default_rng(0))
    assert "fewer images than 8 components: 1 (class 2: " in found.remarks[0]
    assert not any(name.startswith("class 2") for name in found.names)


def test_unfit_images_are_refused() -> None:
    known, rng = planted(num_images=60), np.random.default_rng(0)
    bare = ScoredImages(known.images.embeddings, known.images.performance)
    for finder, words in (
        (Domino(), "DOMINO needs labels and predictions of the images, got none"),
        (Facts(), "FACTS needs labels and predictions of the images, got none"),
    ):
        with pytest.raises(UsageError, match=words):
            finder.find(bare, known.sentences, rng=rng)
    with pytest.raises(UsageError, match=r"some class must have as many images as the mixture has components, 25, got"):
        Domino().find(known.images, known.sentences, rng=rng)
    with pytest.raises(UsageError, match=r"some class must have 50 images, got 4 \(class 0"):
        Facts(fewest_images=50).find(known.images, known.sentences, rng=rng)
    with pytest.raises(UsageError, match=r"prediction_covariance_floor must be finite and > 0, got 0"):
        PredictionMixture(prediction_covariance_floor=0.0)
    with pytest.raises(UsageError, match=r"num_slices must be >= 1, got 0"):
        Domino(num_slices=0)
