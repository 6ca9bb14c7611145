"""DOMINO's mixture: components that are homogeneous in what images look like, in their label and in the prediction."""

from dataclasses import KW_ONLY, dataclass, field, replace
from typing import final

import numpy as np
from jaxtyping import Float, Int
from scipy.special import logsumexp

from misfire.core.counts import check_most
from misfire.core.errors import UsageError, name_some
from misfire.methods.modes.expectation_maximisation import expectation_maximisation

_EPSILON = float(np.finfo(np.float64).eps)  # keeps the logarithm of an empty class and the mean of no image finite


@final
@dataclass(frozen=True)
class FittedErrorAwareMixture:
    """What `ErrorAwareMixture.fit` found.

    Attributes:
        mean_log_likelihood: Mean over the images of the weighted log-likelihood, in nats, as the last E-step saw it;
            the number that the tolerance watches (scikit-learn's ``lower_bound_``). The parameters below are those of
            the M-step after it.
        num_iterations: Pairs of E-step and M-step that were run.
        has_converged: Whether the likelihood changed by less than the tolerance before the iterations ran out.
        component_weights: Share of each component; sums to 1.
        means: Mean embedding of each component.
        variances: Variance of each component in each dimension, the floor included.
        label_shares: Share of each class among a component's labels.
        prediction_shares: Mean predicted probability of each class in a component.
    """

    mean_log_likelihood: float
    num_iterations: int
    has_converged: bool
    component_weights: Float[np.ndarray, " component"]
    means: Float[np.ndarray, "component dim"]
    variances: Float[np.ndarray, "component dim"]
    label_shares: Float[np.ndarray, "component class"]
    prediction_shares: Float[np.ndarray, "component class"]
    label_weight: float | int = field(repr=False)
    prediction_weight: float | int = field(repr=False)

    def responsibilities(
        self,
        embeddings: Float[np.ndarray, "image dim"],
        labels: Int[np.ndarray, " image"],
        predictions: Float[np.ndarray, "image class"],
    ) -> Float[np.ndarray, "image component"]:
        """Probability of each component given an image; rows sum to 1.

        Raises:
            UsageError: If a value isn't finite or a label names no class.
        """
        joint = self._log_joint(embeddings.astype(np.float64), _one_hot(embeddings, labels, predictions), predictions)
        return np.asarray(np.exp(joint - logsumexp(joint, axis=1, keepdims=True)))

    def log_likelihoods(
        self,
        embeddings: Float[np.ndarray, "image dim"],
        labels: Int[np.ndarray, " image"],
        predictions: Float[np.ndarray, "image class"],
    ) -> Float[np.ndarray, " image"]:
        """Weighted log-likelihood of each image under the fitted parameters, in nats.

        Raises:
            UsageError: If a value isn't finite or a label names no class.
        """
        joint = self._log_joint(embeddings.astype(np.float64), _one_hot(embeddings, labels, predictions), predictions)
        return np.asarray(logsumexp(joint, axis=1))

    def by_looks(self) -> "FittedErrorAwareMixture":
        """The same components, told apart by embeddings alone."""
        return replace(self, label_weight=0.0, prediction_weight=0.0)

    def gaps(self) -> Float[np.ndarray, " component"]:
        """By how much the model over-predicts its most over-predicted class in each component, in [0, 1].

        DOMINO calls the components with the largest gaps its slices.
        """
        return np.asarray(np.abs((self.prediction_shares - self.label_shares).max(axis=1)))

    def _log_joint(
        self, embeddings: Float[np.ndarray, "image dim"], one_hot: np.ndarray, predictions: np.ndarray
    ) -> Float[np.ndarray, "image component"]:
        precisions = 1.0 / self.variances
        # The square is expanded, so that no array of image x component x dim is held. The means are subtracted from
        # both sides first: large offsets would cancel badly.
        centre = self.component_weights @ self.means
        shifted, means = embeddings - centre, self.means - centre
        squares = shifted**2 @ precisions.T - 2 * shifted @ (means * precisions).T + (means**2 * precisions).sum(axis=1)
        log_normal = -0.5 * (squares + np.log(2 * np.pi * self.variances).sum(axis=1))
        joint = log_normal + np.log(self.component_weights)
        joint += self.label_weight * np.log(one_hot @ self.label_shares.T + _EPSILON)
        joint += self.prediction_weight * np.log(predictions @ self.prediction_shares.T + _EPSILON)
        return np.asarray(joint)


@final
@dataclass(frozen=True)
class ErrorAwareMixture:
    """A diagonal Gaussian mixture over embeddings that also models an image's label and the model's prediction.

    An image's weighted log-likelihood under a component is

        log p_s + log N(z; mu_s, diag var_s) + label_weight log p_s(y) + prediction_weight log sum_j yhat_j p_s(j)

    and expectation-maximisation fits all of it. Soft predictions enter the categorical as they are: the E-step takes
    the mean probability over the predicted distribution, the M-step the mean predicted distribution. With both
    weights 0 it is a diagonal Gaussian mixture.

    Args:
        num_components: How many components.
        label_weight: Weight of the labels' log-likelihood (the paper's gamma); 0 leaves labels out.
        prediction_weight: Weight of the predictions' log-likelihood (gamma hat); 0 leaves predictions out.
        tolerance: Iteration ends once the mean log-likelihood changes by less.
        max_iterations: Iteration ends then at the latest.
        covariance_floor: Added to each variance.

    Raises:
        UsageError: If a setting is out of its range.

    Reference:
        Eyuboglu et al., "Domino: Discovering systematic errors with cross-modal embeddings", ICLR 2022.

    Example:
        >>> embeddings = np.array([[0.0], [0.1], [0.2], [5.0], [5.1], [5.2]])
        >>> labels, predictions = np.array([0, 1, 0, 1, 0, 1]), np.full((6, 2), 0.5)
        >>> fitted = ErrorAwareMixture(2, label_weight=0.0, prediction_weight=0.0).fit(
        ...     embeddings, labels, predictions, rng=np.random.default_rng(0),
        ...     responsibilities=np.repeat([[0.9, 0.1], [0.1, 0.9]], 3, axis=0),
        ... )
        >>> np.round(fitted.means[:, 0], 2).tolist()
        [0.1, 5.1]
    """

    num_components: int
    _: KW_ONLY
    label_weight: float | int = 1.0
    prediction_weight: float | int = 1.0
    tolerance: float | int = 1e-3
    max_iterations: int = 100
    covariance_floor: float | int = 1e-6

    def __post_init__(self) -> None:
        check_most(10_000, num_components=self.num_components)
        check_most(1_000_000, max_iterations=self.max_iterations)
        for name in ("num_components", "max_iterations"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} must be >= 1, got {getattr(self, name)}; DOMINO takes 25 and 100.")
        for name in ("label_weight", "prediction_weight", "tolerance"):
            if not 0 <= getattr(self, name) < np.inf:
                raise UsageError(f"{name} must be finite and >= 0, got {getattr(self, name)}; 0 switches it off.")
        if not 0 < self.covariance_floor < np.inf:
            raise UsageError(
                f"covariance_floor must be finite and > 0, got {self.covariance_floor}; a component of equal images "
                "would have no density without it."
            )

    def fit(
        self,
        embeddings: Float[np.ndarray, "image dim"],
        labels: Int[np.ndarray, " image"],
        predictions: Float[np.ndarray, "image class"],
        *,
        responsibilities: Float[np.ndarray, "image component"] | None = None,
        rng: np.random.Generator,
    ) -> FittedErrorAwareMixture:
        """Fit by expectation-maximisation, from an M-step on the given or the confusion-matrix responsibilities.

        Args:
            embeddings: Embedding of each image, usually its first 128 principal components.
            labels: Class of each image, a column of ``predictions``.
            predictions: Predicted probability of each class.
            responsibilities: Where to start; rows sum to 1. `confusion_responsibilities` where it isn't given.
            rng: Source of the noise of the confusion-matrix start; not used where ``responsibilities`` are given.

        Raises:
            UsageError: If there are fewer images than components, a value isn't finite, a label names no class, the
                responsibilities have another shape or don't sum to 1, or the components are too few for the start.
        """
        if len(embeddings) < max(self.num_components, 2):
            raise UsageError(
                f"a mixture needs at least as many images as components, got {len(embeddings)} images and "
                f"{self.num_components} components; lower num_components or bring more images."
            )
        one_hot = _one_hot(embeddings, labels, predictions)
        embeddings, predictions = embeddings.astype(np.float64), predictions.astype(np.float64)
        if responsibilities is None:
            responsibilities = confusion_responsibilities(
                labels, predictions, num_components=self.num_components, rng=rng
            )
        else:
            _check_responsibilities(responsibilities, len(embeddings), self.num_components)
        ended = expectation_maximisation(
            responsibilities.astype(np.float64),
            lambda shares: self._maximise(embeddings, one_hot, predictions, shares),
            lambda fitted: fitted._log_joint(embeddings, one_hot, predictions),
            tolerance=self.tolerance,
            max_iterations=self.max_iterations,
        )
        return replace(
            ended.fitted,
            mean_log_likelihood=ended.mean_log_likelihood,
            num_iterations=ended.num_iterations,
            has_converged=ended.has_converged,
        )

    def _maximise(
        self,
        embeddings: Float[np.ndarray, "image dim"],
        one_hot: np.ndarray,
        predictions: np.ndarray,
        responsibilities: np.ndarray,
    ) -> FittedErrorAwareMixture:
        sizes = responsibilities.sum(axis=0) + 10 * _EPSILON
        shares = responsibilities.T / sizes[:, None]
        centre = embeddings.mean(axis=0)  # an image's mean square would drown its variance far from the origin
        shifted = embeddings - centre
        means = shares @ shifted
        variances = np.maximum(shares @ shifted**2 - means**2, 0.0) + self.covariance_floor
        return FittedErrorAwareMixture(
            np.nan,
            0,
            False,
            sizes / sizes.sum(),
            means + centre,
            variances,
            shares @ one_hot,
            shares @ predictions,
            self.label_weight,
            self.prediction_weight,
        )


def confusion_responsibilities(
    labels: Int[np.ndarray, " image"],
    predictions: Float[np.ndarray, "image class"],
    *,
    num_components: int,
    noise: float = 1e-3,
    rng: np.random.Generator,
) -> Float[np.ndarray, "image component"]:
    """Responsibilities that give each component a cell of the confusion matrix; rows sum to 1.

    Cells are dealt in the order of (label, predicted class), again and again until each component has one; labels
    that no image has get none. An image is shared among the components of its label by its predicted probabilities,
    and uniform noise tells components of the same cell apart.

    Args:
        labels: Class of each image, a column of ``predictions``.
        predictions: Predicted probability of each class.
        num_components: How many components; at least one a cell.
        noise: Largest value that is added to a responsibility.
        rng: Source of the noise.

    Raises:
        UsageError: If there are fewer components than cells.

    Reference:
        Eyuboglu et al., "Domino: Discovering systematic errors with cross-modal embeddings", ICLR 2022, appendix.

    Example:
        >>> hard = np.array([[1.0, 0.0], [0.0, 1.0]])
        >>> confusion_responsibilities(
        ...     np.array([0, 0]), hard, num_components=4, noise=0.0, rng=np.random.default_rng(0)
        ... ).tolist()
        [[0.5, 0.0, 0.5, 0.0], [0.0, 0.5, 0.0, 0.5]]
    """
    present = np.unique(labels)
    num_classes = predictions.shape[1]
    num_cells = len(present) * num_classes
    if num_components < num_cells:
        raise UsageError(
            f"the confusion start needs a component for each of the {len(present)} labels x {num_classes} predicted "
            f"classes, got {num_components} for {num_cells} cells; raise num_components, fit a class at a time, or "
            "give responsibilities."
        )
    cells = (labels[:, None] == present)[:, :, None] * predictions[:, None, :].astype(np.float64)
    dealt = cells.reshape(len(labels), num_cells)[:, np.arange(num_components) % num_cells]
    dealt = dealt / dealt.sum(axis=1, keepdims=True) + noise * rng.random(dealt.shape)
    return np.asarray(dealt / dealt.sum(axis=1, keepdims=True))


def _one_hot(
    embeddings: Float[np.ndarray, "image dim"],
    labels: Int[np.ndarray, " image"],
    predictions: Float[np.ndarray, "image class"],
) -> Float[np.ndarray, "image class"]:
    """The labels as rows, after everything was found fit for a mixture."""
    for name, values in (("embeddings", embeddings), ("predictions", predictions)):
        unfit = np.flatnonzero(~np.isfinite(values).all(axis=1))
        if len(unfit):
            raise UsageError(
                f"{name} must be finite, got NaN or infinity for images {name_some(unfit)}; leave these images out."
            )
    if (predictions < 0).any() or (predictions.sum(axis=1) <= 0).any():
        unfit = np.flatnonzero((predictions < 0).any(axis=1) | (predictions.sum(axis=1) <= 0))
        raise UsageError(
            f"predictions must be probabilities, got a negative or an empty row for images {name_some(unfit)}; "
            "apply the softmax to scores first."
        )
    num_classes = predictions.shape[1]
    unknown = np.flatnonzero((labels < 0) | (labels >= num_classes))
    if len(unknown):
        raise UsageError(
            f"labels must be columns of the predictions, 0 to {num_classes - 1}, got {labels[unknown[0]]} "
            f"and others for images {name_some(unknown)}; map class names to columns first."
        )
    return np.asarray(np.eye(num_classes)[labels])


def _check_responsibilities(responsibilities: np.ndarray, num_images: int, num_components: int) -> None:
    if responsibilities.shape != (num_images, num_components):
        raise UsageError(
            f"responsibilities must be images x components, {num_images} x {num_components}, got "
            f"{' x '.join(map(str, responsibilities.shape))}; give a row an image and a column a component."
        )
    sums = responsibilities.sum(axis=1)
    unfit = np.flatnonzero(~((responsibilities >= 0).all(axis=1) & (np.abs(sums - 1) < 1e-4)))
    if len(unfit):
        raise UsageError(
            f"responsibilities must be >= 0 and sum to 1 in each row, got other rows for images {name_some(unfit)}, "
            f"the first with the sum {sums[unfit[0]]:.6g}; divide each row by its sum."
        )
