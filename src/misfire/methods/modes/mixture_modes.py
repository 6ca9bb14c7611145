"""Slices of a mixture as failure modes: what DOMINO and FACTS have in common once their mixtures are fitted."""

from dataclasses import dataclass, field
from typing import Any, Protocol, final, runtime_checkable

import numpy as np
from jaxtyping import Float, Int
from typing_extensions import override

from misfire.methods.modes.mode_finder import FoundModes
from misfire.methods.modes.scored_images import ScoredImages


@runtime_checkable
class FittedMixture(Protocol):
    """Something that says how likely an image comes from each of its components."""

    def by_looks(self) -> "FittedMixture":
        """The same components, told apart by embeddings alone."""

    @property
    def component_weights(self) -> Float[np.ndarray, " component"]:
        """Share of each component; sums to 1."""

    @property
    def has_converged(self) -> bool:
        """Whether the fit ended before its iterations ran out."""

    def responsibilities(
        self,
        embeddings: Float[np.ndarray, "image dim"],
        labels: Int[np.ndarray, " image"],
        predictions: Float[np.ndarray, "image class"],
    ) -> Float[np.ndarray, "image component"]:
        """Probability of each component given an image; rows sum to 1."""


@final
@dataclass(frozen=True)
class MixtureAnalysis:
    """A mixture fitted to all images or to those of one class.

    Attributes:
        of_class: The class, or None.
        mixture: What was fitted.
        projection: Principal components that the embeddings were turned into, with a ``transform``; None for none.
        slices: Components that are modes, the worst first.
    """

    of_class: int | None
    mixture: FittedMixture
    projection: Any
    slices: tuple[int, ...]

    def responsibilities(self, images: ScoredImages, *, by_looks: bool) -> Float[np.ndarray, "image component"]:
        """Probability of each component for images of the analysis; 0 for those of other classes.

        Args:
            images: Any images.
            by_looks: Whether only embeddings are read; else labels and predictions are, too.
        """
        images.need("predictions", for_what="membership in a mixture's components")
        mixture = self.mixture.by_looks() if by_looks else self.mixture
        inside = np.ones(len(images), dtype=bool) if self.of_class is None else images.strata == self.of_class
        part = images.take(inside) if inside.any() else None
        found = np.zeros((len(images), len(self.mixture.component_weights)))
        if part is not None:
            assert part.predictions is not None
            points = part.unit_embeddings.astype(np.float64)
            points = points if self.projection is None else self.projection.transform(points)
            found[inside] = mixture.responsibilities(points, part.strata, part.predictions)
        return found


@final
@dataclass(frozen=True)
class MixtureModes(FoundModes):
    """Slices of mixtures; an image belongs to its most probable component, with that component's probability.

    Membership in a mode reads embeddings alone. What labels and predictions told apart when the mixture was fitted is
    kept as far as it shows in the looks.
    """

    names: tuple[str, ...]
    sentences: tuple[tuple[int, ...], ...]
    remarks: tuple[str, ...]
    analyses: tuple[MixtureAnalysis, ...] = field(repr=False)

    @override
    def weights(self, images: ScoredImages) -> Float[np.ndarray, "image mode"]:
        parts = [_assigned(one.responsibilities(images, by_looks=True))[:, list(one.slices)] for one in self.analyses]
        return np.concatenate(parts, axis=1)

    @override
    def partition_weights(self, images: ScoredImages) -> Float[np.ndarray, "image part"]:
        """All components, analysis after analysis, by all that the mixture models."""
        wholes = [_assigned(one.responsibilities(images, by_looks=False)) for one in self.analyses]
        return np.concatenate(wholes, axis=1)


def principal_components(points: Float[np.ndarray, "image dim"], num_components: int, rng: np.random.Generator) -> Any:
    """A fitted projection onto the first principal components, at most as many as there are images or dimensions.

    Args:
        points: What to project.
        num_components: How many components are wanted.
        rng: Seeds the solver that is taken for many dimensions.
    """
    from sklearn.decomposition import PCA

    most = min(num_components, *points.shape)
    return PCA(most, random_state=int(rng.integers(2**31))).fit(points)


def _assigned(responsibilities: Float[np.ndarray, "image component"]) -> Float[np.ndarray, "image component"]:
    """Each image's largest responsibility, the others put to 0."""
    found = np.zeros(responsibilities.shape)
    rows, best = np.arange(len(found)), responsibilities.argmax(axis=1)
    found[rows, best] = responsibilities[rows, best]
    return found
