"""FACTS: one mixture a class over what its images look like and what a bias-amplified model predicts for them."""

from dataclasses import KW_ONLY, dataclass, field, replace
from typing import final

import numpy as np
from jaxtyping import Float, Int
from scipy.special import logsumexp
from typing_extensions import override

from misfire.core.counts import check_most
from misfire.core.errors import UsageError, name_some
from misfire.methods.modes.amplification import Amplification, AmplifiedModel
from misfire.methods.modes.error_aware_mixture import confusion_responsibilities
from misfire.methods.modes.expectation_maximisation import expectation_maximisation
from misfire.methods.modes.mixture_modes import MixtureAnalysis, MixtureModes, principal_components
from misfire.methods.modes.mode_finder import EncodedSentences, ModeFinder, best_sentences, classes_of
from misfire.methods.modes.scored_images import ScoredImages

_EPSILON = float(np.finfo(np.float64).eps)
_SMALLEST_CHANCE = 1e-6  # predicted probabilities below count as this much where their logarithm is taken


@final
@dataclass(frozen=True)
class FittedPredictionMixture:
    """What `PredictionMixture.fit` found.

    Attributes:
        mean_log_likelihood: Mean weighted log-likelihood in nats, as the last E-step saw it.
        num_iterations: Pairs of E-step and M-step that were run.
        has_converged: Whether the likelihood changed by less than the tolerance before the iterations ran out.
        component_weights: Share of each component; sums to 1.
        means: Mean embedding of each component.
        variances: Its variances, the floor included.
        prediction_means: Mean prediction of each component, as logits or probabilities.
        prediction_covariances: Its covariance, the floor on the diagonal included.
        settings: The mixture that was fitted.
    """

    mean_log_likelihood: float
    num_iterations: int
    has_converged: bool
    component_weights: Float[np.ndarray, " component"]
    means: Float[np.ndarray, "component dim"]
    variances: Float[np.ndarray, "component dim"]
    prediction_means: Float[np.ndarray, "component class"]
    prediction_covariances: Float[np.ndarray, "component class class"]
    settings: "PredictionMixture" = field(repr=False)

    def responsibilities(
        self,
        embeddings: Float[np.ndarray, "image dim"],
        labels: Int[np.ndarray, " image"],
        predictions: Float[np.ndarray, "image class"],
    ) -> Float[np.ndarray, "image component"]:
        """Probability of each component given an image; rows sum to 1. Labels aren't read."""
        joint = self.log_joint(embeddings.astype(np.float64), self.settings.features(predictions))
        return np.asarray(np.exp(joint - logsumexp(joint, axis=1, keepdims=True)))

    def by_looks(self) -> "FittedPredictionMixture":
        """The same components, told apart by embeddings alone."""
        return replace(self, settings=replace(self.settings, prediction_weight=0.0))

    def log_joint(self, embeddings: np.ndarray, features: np.ndarray) -> Float[np.ndarray, "image component"]:
        """Weighted log-density of each image under each component, in nats."""
        joint = np.empty((len(embeddings), len(self.component_weights)))
        for one, share in enumerate(self.component_weights):
            scaled = (embeddings - self.means[one]) ** 2 / self.variances[one]
            look = -0.5 * (scaled.sum(axis=1) + np.log(2 * np.pi * self.variances[one]).sum())
            triangle = np.linalg.cholesky(self.prediction_covariances[one])
            white = np.linalg.solve(triangle, (features - self.prediction_means[one]).T)
            volume = 2 * np.log(np.diag(triangle)).sum() + len(triangle) * np.log(2 * np.pi)
            says = -0.5 * ((white**2).sum(axis=0) + volume)
            joint[:, one] = np.log(share) + look + self.settings.prediction_weight * says
        return joint


@final
@dataclass(frozen=True)
class PredictionMixture:
    """A mixture of diagonal Gaussians over embeddings times full Gaussians over predictions.

    An image's weighted log-likelihood under a component is log p_s + log N(z; diag) + prediction_weight log N(yhat;
    full).

    Args:
        num_components: How many components at most. The start gives each predicted class one; the released code counts
            36 for six classes, of which six have images in a class.
        prediction_weight: Weight of the predictions' log-density (alpha).
        tolerance: Iteration ends once the mean log-likelihood changes by less.
        max_iterations: Iteration ends then at the latest.
        covariance_floor: Added to each variance of the embeddings.
        prediction_covariance_floor: Added to the diagonal of the predictions' covariance.
        noise: Of the start; above 0 further components tell images of one predicted class apart.
        is_on_logits: Whether predictions enter as centred log-probabilities, else as probabilities.

    Raises:
        UsageError: If a setting is out of its range.

    Reference:
        Yenamandra et al., "FACTS: First amplify correlations and then slice to discover bias", ICCV 2023.
    """

    num_components: int = 36
    _: KW_ONLY
    prediction_weight: float | int = 25.0
    tolerance: float | int = 1e-7
    max_iterations: int = 100
    covariance_floor: float | int = 1e-6
    prediction_covariance_floor: float | int = 1e-3
    noise: float | int = 0.0
    is_on_logits: bool = True

    def __post_init__(self) -> None:
        check_most(10_000, num_components=self.num_components)
        check_most(1_000_000, max_iterations=self.max_iterations)
        for name in ("num_components", "max_iterations"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} must be >= 1, got {getattr(self, name)}; FACTS takes 36 and 100.")
        for name in ("prediction_weight", "tolerance", "noise"):
            if not 0 <= getattr(self, name) < np.inf:
                raise UsageError(f"{name} must be finite and >= 0, got {getattr(self, name)}; 0 switches it off.")
        for name in ("covariance_floor", "prediction_covariance_floor"):
            if not 0 < getattr(self, name) < np.inf:
                raise UsageError(
                    f"{name} must be finite and > 0, got {getattr(self, name)}; FACTS takes 1e-6 and 1e-3."
                )

    def features(self, predictions: Float[np.ndarray, "image class"]) -> Float[np.ndarray, "image class"]:
        """What of the predictions is modelled."""
        chances = predictions.astype(np.float64)
        if not self.is_on_logits:
            return chances
        logits = np.log(np.maximum(chances, _SMALLEST_CHANCE))
        return np.asarray(logits - logits.mean(axis=1, keepdims=True))

    def fit(
        self,
        embeddings: Float[np.ndarray, "image dim"],
        labels: Int[np.ndarray, " image"],
        predictions: Float[np.ndarray, "image class"],
        *,
        responsibilities: Float[np.ndarray, "image component"] | None = None,
        rng: np.random.Generator,
    ) -> FittedPredictionMixture:
        """Fit by expectation-maximisation, from the given responsibilities or a component a predicted class.

        Args:
            embeddings: Embedding of each image.
            labels: Class of each image; read for the start alone.
            predictions: Predicted probability of each class.
            responsibilities: Where to start; rows sum to 1.
            rng: Source of the start's noise.

        Raises:
            UsageError: If there are fewer components than predicted classes.
        """
        if responsibilities is None:
            cells = len(np.unique(labels)) * predictions.shape[1]
            # Without noise further components would stay copies of the first ones.
            count = self.num_components if self.noise else min(self.num_components, cells)
            responsibilities = confusion_responsibilities(
                labels, predictions, num_components=count, noise=float(self.noise), rng=rng
            )
        points, features = embeddings.astype(np.float64), self.features(predictions)
        ended = expectation_maximisation(
            responsibilities.astype(np.float64),
            lambda shares: self._maximised(points, features, shares),
            lambda fitted: fitted.log_joint(points, features),
            tolerance=self.tolerance,
            max_iterations=self.max_iterations,
        )
        return replace(
            ended.fitted,
            mean_log_likelihood=ended.mean_log_likelihood,
            num_iterations=ended.num_iterations,
            has_converged=ended.has_converged,
        )

    def _maximised(self, points: np.ndarray, features: np.ndarray, shares: np.ndarray) -> FittedPredictionMixture:
        sizes = shares.sum(axis=0) + 10 * _EPSILON
        weights = shares.T / sizes[:, None]
        means, prediction_means = weights @ points, weights @ features
        variances = np.stack([row @ (points - mean) ** 2 for row, mean in zip(weights, means, strict=True)])
        spread = [features - mean for mean in prediction_means]
        covariances = np.stack([(row[:, None] * one).T @ one for row, one in zip(weights, spread, strict=True)])
        floor = self.prediction_covariance_floor * np.eye(features.shape[1])
        return FittedPredictionMixture(
            np.nan,
            0,
            False,
            sizes / sizes.sum(),
            means,
            variances + self.covariance_floor,
            prediction_means,
            covariances + floor,
            self,
        )


@final
@dataclass(frozen=True)
class Facts(ModeFinder):
    """Find the slices of each class that a model with amplified correlations tells apart.

    Predictions should come from such a model (`amplified_predictions`); those of any model are taken. Slices are the
    components whose images have a lower mean probability of the true class than their class. A slice is described by
    the sentences most similar to its mean, in place of the paper's captions.

    Args:
        mixture: What is fitted to each class.
        num_slices: How many components of a class are modes at most, the worst first.
        num_dimensions: Principal components of the embeddings.
        num_sentences: How many sentences a slice gets.
        fewest_images: A component with fewer images is no slice; a class with fewer is left out.
        amplification: Trains the model with amplified correlations on the images themselves; None takes the images'
            own predictions, for example those of such a model that were trained elsewhere.

    Reference:
        Yenamandra et al., "FACTS: First amplify correlations and then slice to discover bias", ICCV 2023.
    """

    mixture: PredictionMixture = field(default_factory=PredictionMixture)
    num_slices: int = 5
    num_dimensions: int = 128
    num_sentences: int = 3
    fewest_images: int = 10
    amplification: Amplification | None = None

    def __post_init__(self) -> None:
        check_most(
            10_000, num_slices=self.num_slices, num_dimensions=self.num_dimensions, num_sentences=self.num_sentences
        )
        for name in ("num_slices", "num_dimensions", "num_sentences", "fewest_images"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} must be >= 1, got {getattr(self, name)}; 5, 128, 3 and 10 are the defaults.")

    @property
    @override
    def label(self) -> str:
        return "FACTS" if self.amplification is not None else "FACTS as predicted"

    @override
    def find(self, images: ScoredImages, sentences: EncodedSentences, *, rng: np.random.Generator) -> MixtureModes:
        """Slices of each class with a low probability of the true class.

        Raises:
            UsageError: If labels or predictions aren't known, or every class has too few images.
        """
        images.need("labels", "predictions", for_what="FACTS")
        sentences.check_space(images.embeddings)
        analyses, names, chosen, left_out, remarks = [], [], [], [], []
        amplified = None
        if self.amplification is not None:
            assert images.predictions is not None
            count = images.predictions.shape[1]
            amplified = self.amplification.fit(images.embeddings, images.strata, num_classes=count, rng=rng)
            images = replace(images, predictions=amplified.predictions(images.embeddings))
            remarks.append(
                f"Predictions are those of a linear model with amplified correlations after pass {amplified.epoch} of "
                f"{len(amplified.spreads)}."
            )
        for one in classes_of(images, "FACTS").tolist():
            part = images.take(images.strata == one)
            if len(part) < self.fewest_images:
                left_out.append(f"class {one}: {len(part)} images")
                continue
            analysis, described = self._analysed(part, one, sentences, rng, amplified)
            analyses.append(analysis)
            names += [f"class {one}, slice {place + 1}" for place in range(len(analysis.slices))]
            chosen += described
        if not analyses:
            raise UsageError(
                f"some class must have {self.fewest_images} images, got {name_some(left_out, most=3)}; "
                "bring more images."
            )
        if left_out:
            remarks.append(
                f"Left out, as they have fewer images than {self.fewest_images}: {name_some(left_out, most=3)}."
            )
        return MixtureModes(tuple(names), tuple(chosen), tuple(remarks), tuple(analyses))

    def _analysed(
        self,
        part: ScoredImages,
        of_class: int,
        sentences: EncodedSentences,
        rng: np.random.Generator,
        amplified: AmplifiedModel | None,
    ) -> tuple[MixtureAnalysis, list[tuple[int, ...]]]:
        assert part.predictions is not None
        points = part.unit_embeddings.astype(np.float64)
        projection = principal_components(points, self.num_dimensions, rng)
        fitted = self.mixture.fit(projection.transform(points), part.strata, part.predictions, rng=rng)
        shares = MixtureAnalysis(of_class, fitted, projection, ()).responsibilities(part, by_looks=False)
        sizes, chance = shares.sum(axis=0), part.predictions[:, of_class].astype(np.float64)
        mean_chance = (shares.T @ chance) / np.maximum(sizes, _EPSILON)
        is_slice = (sizes >= self.fewest_images) & (mean_chance < chance.mean())
        ordered = [int(one) for one in np.argsort(mean_chance, kind="stable") if is_slice[one]]
        slices = tuple(ordered[: self.num_slices])
        means = (shares.T @ points)[list(slices)] / sizes[list(slices), None]
        described = [best_sentences(row, self.num_sentences) for row in sentences.cosines(means)]
        return MixtureAnalysis(of_class, fitted, projection, slices, amplified), described
