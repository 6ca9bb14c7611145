import numpy as np
import pytest

from misfire.core.errors import UsageError
from misfire.methods.modes import EncodedSentences, Ladder, RankingSplit, ScoredImages
from tests.methods.modes.planted import planted


def test_rungs_are_dot_products_with_the_difference_of_means() -> None:
    known = planted(num_images=300)
    found = Ladder().find(known.images, known.sentences, rng=np.random.default_rng(0))
    unit = known.images.embeddings / np.linalg.norm(known.images.embeddings, axis=1, keepdims=True)
    wrong = known.images.performance == 0
    difference = unit[wrong].mean(axis=0) - unit[~wrong].mean(axis=0)
    texts = known.sentences.embeddings / np.linalg.norm(known.sentences.embeddings, axis=1, keepdims=True)
    expected = [float(text @ difference) for text in texts]
    np.testing.assert_allclose(found.rungs[0], expected, atol=1e-6)
    order = sorted(range(len(texts)), key=lambda one: -expected[one])
    assert list(found.sentences[0]) == [one for one in order[:3] if expected[one] > 0]
    assert list(found.lacking[0]) == [one for one in order[::-1][:3] if expected[one] < 0]


def test_swapping_right_and_wrong_turns_the_ladder_over() -> None:
    known = planted(num_images=300)
    turned = ScoredImages(known.images.embeddings, 1 - known.images.performance)
    rng = np.random.default_rng(0)
    first, second = (Ladder().find(one, known.sentences, rng=rng) for one in (known.images, turned))
    np.testing.assert_allclose(first.rungs, -second.rungs, atol=1e-12)
    assert first.sentences == second.lacking


def test_a_class_has_what_misleads_and_lacks_its_own_context() -> None:
    known = planted(num_images=1500, bias=0.5)
    found = Ladder(is_per_class=True).find(known.images, known.sentences, rng=np.random.default_rng(0))
    assert len(found) == known.num_classes
    for one in range(known.num_classes):
        assert known.sentences.texts[found.lacking[one][0]] == f"An image taken in place {one}"
        assert known.sentences.texts[found.sentences[one][0]].startswith("An image taken in place")
    members = found.members(known.images)
    assert not members[known.images.strata != 0, 0].any()
    own = known.images.strata == 0
    assert members[own, 0].mean() == pytest.approx(0.1, abs=0.02)
    assert known.images.performance[members[:, 0]].mean() < known.images.performance[own].mean()


def test_a_class_of_one_kind_is_left_out_and_said() -> None:
    embeddings = np.random.default_rng(0).normal(size=(8, 3))
    images = ScoredImages(embeddings, np.array([0, 1, 0, 1, 1, 1, 1, 1.0]), np.repeat([0, 1], 4))
    sentences = EncodedSentences(("one",), np.array([[1.0, 0, 0]]))
    found = Ladder(is_per_class=True).find(images, sentences, rng=np.random.default_rng(0))
    assert found.of_class == (0,)
    assert found.remarks[-1] == "Classes without wrong or right images are left out: 1."
    with pytest.raises(UsageError, match="needs wrong and right images, got only one kind; split by another measure"):
        Ladder().find(images.take(np.arange(4, 8)), sentences, rng=np.random.default_rng(0))


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(UsageError, match=r"num_sentences must be >= 1, got 0"):
        Ladder(0, RankingSplit())
    with pytest.raises(UsageError, match=r"share must be in \(0, 1\), got 1.0"):
        Ladder(share=1.0)
