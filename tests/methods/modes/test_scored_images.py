import numpy as np
import pytest

from misfire.core.errors import UsageError
from misfire.methods.modes import EncodedSentences, ScoredImages
from tests.scoring.unchecked import without_shape_checks


def test_some_of_the_images_keep_all_that_is_known() -> None:
    rng = np.random.default_rng(0)
    images = ScoredImages(rng.normal(size=(5, 3)), rng.random(5), np.arange(5), rng.random((5, 5)))
    by_mask, by_place = images.take(np.arange(5) % 2 == 0), images.take(np.array([0, 2, 4]))
    assert len(by_mask) == 3
    assert np.array_equal(by_mask.embeddings, by_place.embeddings)
    assert np.array_equal(by_mask.strata, [0, 2, 4])
    assert by_mask.confidence is None
    np.testing.assert_allclose(np.linalg.norm(images.unit_embeddings, axis=1), 1.0)
    assert ScoredImages(images.embeddings, images.performance).strata.tolist() == [0] * 5


def test_unfit_images_are_refused() -> None:
    embeddings, performance = np.eye(3), np.ones(3)
    with (
        pytest.raises(UsageError, match=r"got 3 embeddings, 2 performance; align"),
        without_shape_checks(),
    ):
        ScoredImages(embeddings, performance[:2])
    with pytest.raises(UsageError, match=r"performance must be finite, got NaN or infinity for images 1 \(1\)"):
        ScoredImages(embeddings, np.array([1.0, np.nan, 0.0]))
    with pytest.raises(UsageError, match=r"got zeros for images 1 \(2\)"):
        ScoredImages(embeddings * [[1.0], [1.0], [0.0]], performance)
    with pytest.raises(UsageError, match=r"at least one image, got 0 embeddings"):
        ScoredImages(embeddings[:0], performance[:0])
    with pytest.raises(UsageError, match=r"a predicted class needs predictions of the images, got none"):
        _ = ScoredImages(embeddings, performance).predicted


def test_unfit_sentences_are_refused() -> None:
    with (
        pytest.raises(UsageError, match=r"got 1 sentences and 2 embeddings; encode"),
        without_shape_checks(),
    ):
        EncodedSentences(("one",), np.eye(2))
    with pytest.raises(UsageError, match=r"finite and not zero, got others for sentences 1 \(1\)"):
        EncodedSentences(("one", "two"), np.array([[1.0, 0.0], [0.0, 0.0]]))
    with pytest.raises(UsageError, match=r"got 3 and 2 dimensions; encode both with one backbone"):
        EncodedSentences(("one", "two"), np.eye(2)).cosines(np.eye(3))
