"""The prior of a zero-shot classifier: its eigenvector by another library, and what taking it away mends."""

import numpy as np
import pytest
import torch

from misfire.core.errors import UsageError
from misfire.methods.classification.prior import PriorCorrection, mean_probabilities, principal_vector
from misfire.methods.classification.zero_shot import zero_shot_classifier
from misfire.scoring import MeanPooling
from tests.methods.classification.synthetic import problem


def test_the_principal_vector_is_numpy_s() -> None:
    rng = np.random.default_rng(0)
    for size in (2, 5, 30):
        matrix = rng.dirichlet(np.full(size, 0.3), size=size).T
        values, vectors = np.linalg.eig(matrix)
        principal = np.real(vectors[:, np.argmax(np.real(values))])
        found = principal_vector(torch.from_numpy(matrix))
        np.testing.assert_allclose(found, principal / principal.sum(), atol=1e-6)


def test_mean_probabilities_are_those_of_a_loop() -> None:
    given = problem()
    classifier = zero_shot_classifier(given.prompts, MeanPooling())
    probabilities = (20 * given.images.double() @ given.prompts.double().mean(dim=1).T).softmax(dim=1)
    found = mean_probabilities(classifier, given.images, logit_scale=20.0)
    labels = probabilities.argmax(dim=1)
    for one in range(6):
        torch.testing.assert_close(found[:, one], probabilities[labels == one].mean(dim=0), atol=1e-5, rtol=0)
    torch.testing.assert_close(found.sum(dim=0), torch.ones(6, dtype=torch.float64))


def test_a_class_that_a_bias_hides_is_predicted_again() -> None:
    given = problem(1, num_images=1200, noise=0.6)
    fair = zero_shot_classifier(given.prompts, MeanPooling())
    bias = torch.tensor([0.0, 0.0, 0.0, 0.0, 0.0, 1.0])
    hiding = fair.shifted(bias)
    hidden = hiding.labels(given.images)
    assert not (hidden == 5).any()
    mended = PriorCorrection(logit_scale=10.0, num_rounds=3)(hiding, given.images).labels(given.images)
    of_class = given.labels == 5
    assert (mended[of_class] == 5).float().mean() > 0.5
    assert (mended == given.labels).float().mean() > (hidden == given.labels).float().mean()


def test_no_strength_corrects_nothing_and_classes_of_equal_prompts_stay_tied() -> None:
    given = problem()
    given.prompts[4] = given.prompts[2]
    classifier = zero_shot_classifier(given.prompts, MeanPooling())
    untouched = PriorCorrection(strength=0.0)(classifier, given.images)
    assert torch.equal(untouched.labels(given.images), classifier.labels(given.images))
    corrected = PriorCorrection(logit_scale=20.0)(classifier, given.images)
    torch.testing.assert_close(corrected.shift[4], corrected.shift[2])


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (lambda: PriorCorrection(strength=1.5), r"strength must be in \[0, 1\], got 1.5"),
        (lambda: PriorCorrection(num_rounds=0), "num_rounds must be >= 1, got 0; leave the correction out"),
        (lambda: PriorCorrection(logit_scale=0.0), "logit_scale must be a positive finite number, got 0.0"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(wrong: object, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        wrong()  # type: ignore[operator]
