import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score

from misfire.core.errors import UsageError
from misfire.metrics import multilabel_f1


@pytest.fixture
def drawn() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.random((80, 4)) < 0.4, rng.choice([-1, 0, 1], size=(80, 4))


def test_it_is_scikit_learns_where_all_is_known(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    predicted, labels = drawn
    truth = labels == 1
    found = multilabel_f1(predicted, labels, zeros="negative")
    assert found.overall_f1 == pytest.approx(f1_score(truth, predicted, average="micro"))
    assert found.class_precision == pytest.approx(precision_score(truth, predicted, average="macro"))
    assert found.class_recall == pytest.approx(recall_score(truth, predicted, average="macro"))
    np.testing.assert_allclose(found.per_class, f1_score(truth, predicted, average=None))
    both = found.class_precision, found.class_recall
    assert found.class_f1 == pytest.approx(2 * both[0] * both[1] / sum(both))


def test_images_without_a_label_are_left_out_class_by_class(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    predicted, labels = drawn
    by_class = [
        f1_score(labels[known, k] == 1, predicted[known, k])
        for k in range(4)
        if (known := labels[:, k] != 0) is not None
    ]
    np.testing.assert_allclose(multilabel_f1(predicted, labels).per_class, by_class)


def test_a_class_that_is_never_predicted_counts_as_0_and_nothing_at_all_gives_0() -> None:
    labels = np.array([[1, 1], [1, -1]])
    found = multilabel_f1(np.array([[True, False], [True, False]]), labels)
    assert (found.class_precision, found.class_recall, found.overall_precision) == (0.5, 0.5, 1.0)
    assert multilabel_f1(np.zeros((2, 2), dtype=bool), labels).overall_f1 == 0.0


@pytest.mark.parametrize(
    ("labels", "zeros", "message"),
    [
        ([[1, -1]], "ignore", "each class must have a positive image, got 1 of 2 classes without"),
        ([[1, 2]], "ignore", r"labels in -1, 0, 1, got \(1, 2\) and \(1, 2\) with \[1, 2\]"),
        ([[1]], "ignore", r"got \(1, 2\) and \(1, 1\)"),
        ([[1, 1]], "drop", "zeros must be ignore or negative, got 'drop'"),
    ],
)
def test_refusals(labels: list[list[int]], zeros: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        multilabel_f1(np.array([[True, False]]), np.array(labels), zeros=zeros)
