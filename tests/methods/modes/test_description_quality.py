import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from misfire.core.errors import UsageError
from misfire.methods.modes.description_quality import DescribedMode, area_under_roc, quality_of_descriptions


def test_auroc_matches_scikit_learn_with_ties() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        positive, negative = rng.integers(0, 5, rng.integers(1, 9)) / 4, rng.integers(0, 5, rng.integers(1, 9)) / 4
        truth = np.repeat([1, 0], [len(positive), len(negative)])
        expected = roc_auc_score(truth, np.concatenate([positive, negative]))
        assert area_under_roc(positive, negative) == pytest.approx(expected)
    assert np.isnan(area_under_roc(np.zeros(0), np.zeros(2)))


def test_similarity_deviation_and_auroc_by_a_loop() -> None:
    rng = np.random.default_rng(1)
    images, texts, labels = rng.normal(size=(60, 5)), rng.normal(size=(3, 5)), rng.integers(0, 2, 60)
    modes = [DescribedMode(label, (labels == label) & (rng.random(60) < 0.4), f"mode {label}") for label in (0, 1, 1)]
    quality = quality_of_descriptions(modes, labels, images, texts)
    for index, mode in enumerate(modes):
        cosine = [image @ texts[index] / np.linalg.norm(image) / np.linalg.norm(texts[index]) for image in images]
        inside = [value for value, member in zip(cosine, mode.members, strict=True) if member]
        rows = [row for row in range(60) if labels[row] == mode.label]
        assert quality.similarity[index] == pytest.approx(np.mean(inside))
        assert quality.deviation[index] == pytest.approx(np.std(inside))
        assert quality.auroc[index] == pytest.approx(
            roc_auc_score([mode.members[row] for row in rows], [cosine[row] for row in rows])
        )
    scaled = quality_of_descriptions(modes, labels, images * 7, texts * 0.1)
    assert scaled.auroc == pytest.approx(quality.auroc)
    sampled = quality_of_descriptions(modes, labels, images, texts, num_outside=5, rng=np.random.default_rng(0))
    assert sampled.similarity == pytest.approx(quality.similarity)
    assert sampled.auroc != pytest.approx(quality.auroc)


def test_a_mode_of_the_whole_class_has_no_auroc() -> None:
    mode = DescribedMode(0, np.ones(3, dtype=bool), "everything")
    quality = quality_of_descriptions([mode], np.zeros(3, dtype=int), np.eye(3), np.ones((1, 3)))
    assert np.isnan(quality.auroc[0])
    assert quality.similarity[0] == pytest.approx(3**-0.5)


def test_bad_input_is_refused_with_its_remedy() -> None:
    labels, images, texts = np.zeros(3, dtype=int), np.eye(3), np.ones((1, 3))
    some = DescribedMode(0, np.array([True, False, False]), "a fox")
    with pytest.raises(UsageError, match=r"of one backbone, got 3 images with embeddings \(3, 3\) and 1 modes"):
        quality_of_descriptions([some], labels, images, texts[:, :2])
    with pytest.raises(UsageError, match=r"got none or others for 1 \(nothing\); leave it out"):
        quality_of_descriptions([DescribedMode(0, np.zeros(3, dtype=bool), "nothing")], labels, images, texts)
    with pytest.raises(UsageError, match=r"embeddings of images must be finite and not zero, got others at 1 \(2\)"):
        quality_of_descriptions([some], labels, np.diag([1.0, 1.0, 0.0]), texts)
    with pytest.raises(UsageError, match=r"needs an rng and num_outside >= 1, got 5"):
        quality_of_descriptions([some], labels, images, texts, num_outside=5)
