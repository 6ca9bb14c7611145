"""DOMINO: slices where label and prediction disagree, described against their class."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

import numpy as np
from typing_extensions import override

from misfire.core.counts import check_most
from misfire.core.errors import UsageError, name_some
from misfire.methods.modes.error_aware_mixture import ErrorAwareMixture
from misfire.methods.modes.mixture_modes import MixtureAnalysis, MixtureModes, principal_components
from misfire.methods.modes.mode_finder import EncodedSentences, ModeFinder, best_sentences, classes_of
from misfire.methods.modes.scored_images import ScoredImages, unit


@final
@dataclass(frozen=True)
class Domino(ModeFinder):
    """Find slices by a mixture over embeddings, labels and predictions.

    Embeddings are projected onto principal components, the mixture starts from the confusion matrix, and the
    components with the largest gaps between predicted and true shares of a class are the slices. A slice is described
    by the sentences with the largest dot product with its mean less the mean of its class.

    Args:
        mixture: What is fitted; 25 components as in the paper.
        num_slices: How many components of a fit are modes.
        num_dimensions: Principal components of the embeddings.
        num_sentences: How many sentences a slice gets.
        is_per_class: Whether each class is fitted by itself; classes with fewer images than components are left out.
            Otherwise there must be a component for each cell of the confusion matrix.

    Reference:
        Eyuboglu et al., "Domino: Discovering systematic errors with cross-modal embeddings", ICLR 2022.
    """

    mixture: ErrorAwareMixture = field(default_factory=lambda: ErrorAwareMixture(25))
    num_slices: int = 5
    num_dimensions: int = 128
    num_sentences: int = 3
    is_per_class: bool = True

    def __post_init__(self) -> None:
        check_most(
            10_000, num_slices=self.num_slices, num_dimensions=self.num_dimensions, num_sentences=self.num_sentences
        )
        for name in ("num_slices", "num_dimensions", "num_sentences"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} must be >= 1, got {getattr(self, name)}; the paper takes 5, 128 and a few.")

    @property
    @override
    def label(self) -> str:
        return f"DOMINO{' per class' if self.is_per_class else ''}"

    @property
    @override
    def settings(self) -> Mapping[str, str]:
        weights = dict.fromkeys(f"{one:g}" for one in (self.mixture.label_weight, self.mixture.prediction_weight))
        return {"dimensions": str(self.num_dimensions), "weights": " and ".join(weights)}

    @override
    def find(self, images: ScoredImages, sentences: EncodedSentences, *, rng: np.random.Generator) -> MixtureModes:
        """Slices with the largest gaps.

        Raises:
            UsageError: If labels or predictions aren't known, or there are too few images for the components.
        """
        images.need("labels", "predictions", for_what="DOMINO")
        sentences.check_space(images.embeddings)
        classes: list[int | None] = [None]
        if self.is_per_class:
            classes = [int(one) for one in classes_of(images, "DOMINO")]
        analyses, names, chosen, left_out = [], [], [], []
        for one in classes:
            part = images if one is None else images.take(images.strata == one)
            if one is not None and len(part) < self.mixture.num_components:
                left_out.append(f"class {one}: {len(part)} images")
                continue
            analysis, described = self._analysed(part, one, sentences, rng)
            analyses.append(analysis)
            of_class = "" if one is None else f"class {one}, "
            names += [f"{of_class}slice {place + 1}" for place in range(len(analysis.slices))]
            chosen += described
        if not analyses:
            raise UsageError(
                f"some class must have as many images as the mixture has components, {self.mixture.num_components}, "
                f"got {name_some(left_out, most=3)}; lower num_components or fit all images together."
            )
        remarks = []
        if left_out:
            remarks.append(
                f"Left out, as they have fewer images than {self.mixture.num_components} components: "
                f"{name_some(left_out, most=3)}."
            )
        unfinished = [one.of_class for one in analyses if not one.mixture.has_converged]
        if unfinished:
            remarks.append(
                f"{len(unfinished)} of {len(analyses)} mixtures were still changing after "
                f"{self.mixture.max_iterations} iterations."
            )
        return MixtureModes(tuple(names), tuple(chosen), tuple(remarks), tuple(analyses))

    def _analysed(
        self, part: ScoredImages, of_class: int | None, sentences: EncodedSentences, rng: np.random.Generator
    ) -> tuple[MixtureAnalysis, list[tuple[int, ...]]]:
        assert part.predictions is not None
        points = part.unit_embeddings.astype(np.float64)
        projection = principal_components(points, self.num_dimensions, rng)
        fitted = self.mixture.fit(projection.transform(points), part.strata, part.predictions, rng=rng)
        slices = best_sentences(fitted.gaps(), self.num_slices)
        analysis = MixtureAnalysis(of_class, fitted, projection, slices)
        shares = analysis.responsibilities(part, by_looks=False)[:, list(slices)]
        means = (shares.T @ points) / np.maximum(shares.sum(axis=0), np.finfo(float).tiny)[:, None]
        # The slice's class: its labels' mean embeddings, weighted by how many of its images bear each label.
        present = np.unique(part.strata)
        class_means = np.stack([points[part.strata == one].mean(axis=0) for one in present])
        mix = fitted.label_shares[list(slices)][:, present]
        references = (mix @ class_means) / np.maximum(mix.sum(axis=1), np.finfo(float).tiny)[:, None]
        scores = (means - references) @ unit(sentences.embeddings).astype(np.float64).T
        return analysis, [best_sentences(row, self.num_sentences) for row in scores]
