import warnings

import numpy as np
import pytest
from scipy import stats
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from misfire.core.errors import UsageError
from misfire.methods.modes import ErrorAwareMixture, confusion_responsibilities

EPSILON = np.finfo(float).eps


def problem(num_images: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Embeddings, labels, soft predictions, responsibilities of four components."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, size=num_images)
    groups = rng.integers(0, 2, size=num_images)
    embeddings = rng.normal(size=(num_images, 5)) + 2.0 * np.eye(5)[labels] + 3.0 * np.eye(5)[3 + groups]
    logits = rng.normal(size=(num_images, 3)) + 2.0 * np.eye(3)[np.where(groups == 0, labels, (labels + 1) % 3)]
    predictions = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return embeddings, labels, predictions, rng.dirichlet(np.ones(4), size=num_images)


def slow_em(
    embeddings: np.ndarray,
    labels: np.ndarray,
    predictions: np.ndarray,
    start: np.ndarray,
    *,
    weights: tuple[float, float],
    tolerance: float,
    max_iterations: int,
    floor: float,
) -> tuple[list[float], np.ndarray]:
    """The paper's equations image by image and component by component: likelihoods of the E-steps, last posterior."""
    num_images, num_components = start.shape

    def maximised(shares: np.ndarray) -> list[tuple[float, np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
        found = []
        for component in range(num_components):
            q = shares[:, component]
            total = q.sum() + 10 * EPSILON
            mean = sum(q[i] * embeddings[i] for i in range(num_images)) / total
            variance = sum(q[i] * (embeddings[i] - mean) ** 2 for i in range(num_images)) / total + floor
            of_labels = np.array([q[labels == c].sum() for c in range(predictions.shape[1])]) / total
            of_predictions = np.array([(q * predictions[:, c]).sum() for c in range(predictions.shape[1])]) / total
            found.append((total / num_images, mean, variance, of_labels, of_predictions))
        return found

    def posterior(parameters: list) -> tuple[float, np.ndarray]:
        joint = np.zeros((num_images, num_components))
        for component, (weight, mean, variance, of_labels, of_predictions) in enumerate(parameters):
            for i in range(num_images):
                density = stats.norm.logpdf(embeddings[i], mean, np.sqrt(variance)).sum()
                label = np.log(of_labels[labels[i]] + EPSILON)
                prediction = np.log(predictions[i] @ of_predictions + EPSILON)
                joint[i, component] = np.log(weight) + density + weights[0] * label + weights[1] * prediction
        evidence = np.log(np.exp(joint - joint.max()).sum(axis=1)) + joint.max()
        return float(evidence.mean()), np.exp(joint - evidence[:, None])

    parameters, likelihoods = maximised(start), []
    for _ in range(max_iterations):
        likelihood, shares = posterior(parameters)
        parameters = maximised(shares)
        likelihoods.append(likelihood)
        if len(likelihoods) > 1 and abs(likelihoods[-1] - likelihoods[-2]) < tolerance:
            break
    return likelihoods, posterior(parameters)[1]


@pytest.mark.parametrize("weights", [(1.0, 1.0), (10.0, 0.5), (0.0, 3.0)])
@pytest.mark.parametrize("max_iterations", [1, 6])
def test_every_iteration_is_the_papers(weights: tuple[float, float], max_iterations: int) -> None:
    embeddings, labels, predictions, start = problem(30)
    likelihoods, shares = slow_em(
        embeddings,
        labels,
        predictions,
        start,
        weights=weights,
        tolerance=0.02,
        max_iterations=max_iterations,
        floor=0.01,
    )
    mixture = ErrorAwareMixture(
        4,
        label_weight=weights[0],
        prediction_weight=weights[1],
        tolerance=0.02,
        max_iterations=max_iterations,
        covariance_floor=0.01,
    )
    fitted = mixture.fit(embeddings, labels, predictions, responsibilities=start, rng=np.random.default_rng(0))
    assert fitted.num_iterations == len(likelihoods)
    assert fitted.mean_log_likelihood == pytest.approx(likelihoods[-1], abs=1e-9)
    np.testing.assert_allclose(fitted.responsibilities(embeddings, labels, predictions), shares, atol=1e-8)


class StartedGaussianMixture(GaussianMixture):
    """scikit-learn's mixture from given responsibilities."""

    start: np.ndarray

    def _initialize_parameters(self, X: np.ndarray, *others: object, **named: object) -> None:
        self._initialize(X, self.start)


@pytest.mark.parametrize(("offset", "max_iterations"), [(0.0, 100), (30.0, 100), (0.0, 3)])
def test_without_labels_and_predictions_it_is_scikit_learns_mixture(offset: float, max_iterations: int) -> None:
    embeddings, labels, predictions, start = problem(200, seed=1)
    embeddings = embeddings + offset
    theirs = StartedGaussianMixture(4, covariance_type="diag", tol=1e-4, max_iter=max_iterations, reg_covar=1e-6)
    theirs.start = start
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        theirs.fit(embeddings)
    mixture = ErrorAwareMixture(
        4, label_weight=0.0, prediction_weight=0.0, tolerance=1e-4, max_iterations=max_iterations
    )
    ours = mixture.fit(embeddings, labels, predictions, responsibilities=start, rng=np.random.default_rng(0))
    assert ours.mean_log_likelihood == pytest.approx(theirs.lower_bound_, abs=1e-8)
    assert ours.num_iterations == theirs.n_iter_
    assert ours.has_converged == theirs.converged_
    np.testing.assert_allclose(ours.means, theirs.means_, atol=1e-7)
    np.testing.assert_allclose(ours.variances, theirs.covariances_, atol=1e-7)
    np.testing.assert_allclose(ours.component_weights, theirs.weights_, atol=1e-9)
    np.testing.assert_allclose(
        ours.responsibilities(embeddings, labels, predictions), theirs.predict_proba(embeddings), atol=1e-6
    )
    np.testing.assert_allclose(
        ours.log_likelihoods(embeddings, labels, predictions), theirs.score_samples(embeddings), atol=1e-6
    )


def test_the_likelihood_never_falls() -> None:
    """With hard predictions and weights of 1 this is plain expectation-maximisation."""
    embeddings, labels, predictions, start = problem(seed=2)
    hard = np.eye(3)[predictions.argmax(axis=1)]
    found = [
        ErrorAwareMixture(4, tolerance=0.0, max_iterations=steps)
        .fit(embeddings, labels, hard, responsibilities=start, rng=np.random.default_rng(0))
        .mean_log_likelihood
        for steps in range(1, 16)
    ]
    assert (np.diff(found) >= -1e-9).all()


def test_equal_seeds_give_equal_fits_and_single_precision_is_taken() -> None:
    embeddings, labels, predictions, _ = problem(seed=3)
    mixture = ErrorAwareMixture(9)
    first = mixture.fit(embeddings, labels, predictions, rng=np.random.default_rng(5))
    again = mixture.fit(embeddings, labels, predictions, rng=np.random.default_rng(5))
    single = mixture.fit(
        embeddings.astype(np.float32), labels, predictions.astype(np.float32), rng=np.random.default_rng(5)
    )
    assert first.mean_log_likelihood == again.mean_log_likelihood
    assert np.array_equal(first.means, again.means)
    assert single.mean_log_likelihood == pytest.approx(first.mean_log_likelihood, abs=1e-2)


def test_the_confusion_start_deals_cells_in_turn() -> None:
    _, labels, predictions, _ = problem(seed=4)
    hard = np.eye(3)[predictions.argmax(axis=1)]
    start = confusion_responsibilities(labels, hard, num_components=20, noise=0.0, rng=np.random.default_rng(0))
    np.testing.assert_allclose(start.sum(axis=1), 1.0)
    for image, row in enumerate(start):
        cell = 3 * labels[image] + int(hard[image].argmax())
        assert np.flatnonzero(row).tolist() == list(range(cell, 20, 9))


def test_a_planted_slice_has_the_largest_gap() -> None:
    rng = np.random.default_rng(7)
    labels = rng.integers(0, 2, size=400)
    planted = (labels == 0) & (rng.random(400) < 0.25)
    embeddings = rng.normal(size=(400, 6)) + 4.0 * planted[:, None] * np.eye(6)[0]
    predictions = np.where(planted[:, None], [0.1, 0.9], np.where(labels[:, None] == 0, [0.9, 0.1], [0.1, 0.9]))
    fitted = ErrorAwareMixture(8).fit(embeddings, labels, predictions, rng=rng)
    shares = fitted.responsibilities(embeddings, labels, predictions)[:, int(fitted.gaps().argmax())]
    assert shares[planted].mean() > 0.2  # the cell's two components share the slice
    assert shares[~planted].mean() < 0.01


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"num_components": 0}, r"num_components must be >= 1, got 0"),
        ({"label_weight": -1.0}, r"label_weight must be finite and >= 0, got -1"),
        ({"tolerance": np.nan}, r"tolerance must be finite and >= 0, got nan"),
        ({"covariance_floor": 0.0}, r"covariance_floor must be finite and > 0, got 0"),
    ],
)
def test_settings_out_of_range_are_refused(change: dict[str, float], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        ErrorAwareMixture(**{"num_components": 4, **change})


def test_unfit_data_is_refused_with_its_images() -> None:
    embeddings, labels, predictions, start = problem()
    mixture, rng = ErrorAwareMixture(4), np.random.default_rng(0)
    with pytest.raises(UsageError, match=r"at least as many images as components, got 3 images and 4 components"):
        mixture.fit(embeddings[:3], labels[:3], predictions[:3], rng=rng)
    with pytest.raises(UsageError, match=r"3 labels x 3 predicted classes, got 4 for 9 cells; raise num_components"):
        mixture.fit(embeddings, labels, predictions, rng=rng)
    with pytest.raises(UsageError, match=r"divide each row by its sum"):
        mixture.fit(embeddings, labels, predictions, responsibilities=2 * start, rng=rng)
    with pytest.raises(UsageError, match=r"images x components, 60 x 4, got 60 x 3"):
        mixture.fit(embeddings, labels, predictions, responsibilities=start[:, :3], rng=rng)
    broken = embeddings.copy()
    broken[[7, 9], 0] = np.nan
    with pytest.raises(UsageError, match=r"embeddings must be finite, got NaN or infinity for images 2 \(7, 9\)"):
        mixture.fit(broken, labels, predictions, responsibilities=start, rng=rng)
    with pytest.raises(UsageError, match=r"columns of the predictions, 0 to 2, got 3"):
        mixture.fit(embeddings, np.where(labels == 2, 3, labels), predictions, responsibilities=start, rng=rng)
    with pytest.raises(UsageError, match=r"apply the softmax to scores first"):
        mixture.fit(embeddings, labels, predictions - 1, responsibilities=start, rng=rng)
