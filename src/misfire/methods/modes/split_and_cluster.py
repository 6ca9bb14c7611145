"""Language-based error explanation: hard and easy images, their clusters, and sentences that tell them apart."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int
from typing_extensions import override

from misfire.core.errors import UsageError, name_some
from misfire.methods.modes.clustering import Clusterer, SizedClustering, prototypes
from misfire.methods.modes.hardness_split import EntropySplit, HardnessSplit
from misfire.methods.modes.mode_finder import EncodedSentences, FoundModes, ModeFinder, classes_of
from misfire.methods.modes.scored_images import ScoredImages, unit
from misfire.methods.modes.sentence_selection import FPDiff, SentenceSelector


@final
@dataclass(frozen=True)
class HardClusters:
    """Hard and easy clusters of one analysis: of all images or of one class.

    Attributes:
        of_class: The class, or None where all images were clustered together.
        hard: Prototype of each hard cluster.
        easy: Prototype of each easy cluster.
    """

    of_class: int | None
    hard: Float[np.ndarray, "hard dim"]
    easy: Float[np.ndarray, "easy dim"]

    @property
    def nearest_easy(self) -> Int[np.ndarray, " hard"]:
        """For each hard cluster, the easy cluster with the largest cosine between the prototypes."""
        return np.asarray((unit(self.hard) @ unit(self.easy).T).argmax(axis=1))


@final
@dataclass(frozen=True)
class ExplainedClusters(FoundModes):
    """Hard clusters with their sentences; an image belongs to the cluster, hard or easy, whose prototype is nearest."""

    names: tuple[str, ...]
    sentences: tuple[tuple[int, ...], ...]
    remarks: tuple[str, ...]
    analyses: tuple[HardClusters, ...]
    split: HardnessSplit = field(repr=False)

    @override
    def weights(self, images: ScoredImages) -> Float[np.ndarray, "image mode"]:
        parts = [
            self._of_analysis(images, clusters, _labelled(images, clusters))[:, : len(clusters.hard)]
            for clusters in self.analyses
        ]
        return np.concatenate(parts, axis=1)

    @override
    def partition_weights(self, images: ScoredImages) -> Float[np.ndarray, "image part"]:
        """Hard clusters first, then easy ones; of one class, also its false positives where the split reads them."""
        wholes = [self._of_analysis(images, clusters, self._concerned(images, clusters)) for clusters in self.analyses]
        counts = [len(clusters.hard) for clusters in self.analyses]
        hard = [whole[:, :count] for whole, count in zip(wholes, counts, strict=True)]
        easy = [whole[:, count:] for whole, count in zip(wholes, counts, strict=True)]
        return np.concatenate([*hard, *easy], axis=1)

    def _concerned(self, images: ScoredImages, clusters: HardClusters) -> Bool[np.ndarray, " image"]:
        if clusters.of_class is None:
            return np.ones(len(images), dtype=bool)
        return self.split.concerns(images, clusters.of_class)

    def _of_analysis(
        self, images: ScoredImages, clusters: HardClusters, inside: Bool[np.ndarray, " image"]
    ) -> Float[np.ndarray, "image cluster"]:
        centres = unit(np.concatenate([clusters.hard, clusters.easy]))
        cosines = (images.unit_embeddings @ centres.T).astype(np.float64)
        nearest = cosines.argmax(axis=1)
        weights = np.zeros(cosines.shape)
        rows = np.arange(len(images))
        weights[rows, nearest] = 0.5 + 0.5 * cosines[rows, nearest].clip(-1, 1)
        weights[~inside] = 0.0
        return weights


def _labelled(images: ScoredImages, clusters: HardClusters) -> Bool[np.ndarray, " image"]:
    if clusters.of_class is None:
        return np.ones(len(images), dtype=bool)
    images.need("labels", for_what="membership in a class's clusters")
    return np.asarray(images.labels == clusters.of_class)


@final
@dataclass(frozen=True)
class SplitAndCluster(ModeFinder):
    """Explain failures by the sentences of hard clusters.

    Hard and easy images are clustered apart, each hard prototype meets the nearest easy one, and a selector retains
    sentences by their cosines to both.

    Args:
        selector: Which sentences a hard cluster gets.
        split: What is hard and what is easy.
        clusterer: How both sets are clustered.
        is_per_class: Whether each class is analysed by itself. Classes with fewer hard or easy images than clusters
            are left out and named.

    Reference:
        Csurka et al., "What could go wrong? Discovering and describing failure modes in computer vision", 2024,
        section 4.
    """

    selector: SentenceSelector = field(default_factory=FPDiff)
    split: HardnessSplit = field(default_factory=EntropySplit)
    clusterer: Clusterer = field(default_factory=SizedClustering)
    is_per_class: bool = False

    @property
    @override
    def label(self) -> str:
        return f"{type(self.selector).__name__}{' per class' if self.is_per_class else ''}"

    @property
    @override
    def settings(self) -> Mapping[str, str]:
        return {
            "K": str(self.selector.num_sentences),
            "C": str(self.clusterer.num_clusters),
            "split": re.sub("(?<=[a-z])(?=[A-Z])", " ", type(self.split).__name__.removesuffix("Split")).lower(),
        }

    @override
    def find(self, images: ScoredImages, sentences: EncodedSentences, *, rng: np.random.Generator) -> ExplainedClusters:
        """Hard clusters of the images with their sentences.

        Raises:
            UsageError: If no image is hard or none is easy, or a set has fewer images than clusters (of every class,
                where classes are analysed).
        """
        analyses, remarks = self.clusters(images, rng=rng)
        names, chosen = [], []
        for clusters in analyses:
            to_hard, to_easy = sentences.cosines(clusters.hard), sentences.cosines(clusters.easy)
            of_class = "" if clusters.of_class is None else f"class {clusters.of_class}, "
            for cluster, easy in enumerate(clusters.nearest_easy):
                names.append(f"{of_class}hard cluster {cluster + 1}")
                chosen.append(tuple(int(one) for one in self.selector(to_hard[cluster], to_easy[easy])))
        short = [name for name, found in zip(names, chosen, strict=True) if len(found) < self.selector.num_sentences]
        if short:
            remarks.append(
                f"Fewer than {self.selector.num_sentences} sentences were candidates for {name_some(short, most=3)}."
            )
        return ExplainedClusters(tuple(names), tuple(chosen), tuple(remarks), tuple(analyses), self.split)

    def clusters(self, images: ScoredImages, *, rng: np.random.Generator) -> tuple[list[HardClusters], list[str]]:
        """Hard and easy clusters, an entry an analysis, and what is to be said of them.

        Raises:
            UsageError: As ``find`` does.
        """
        classes: list[int | None] = [None]
        if self.is_per_class:
            classes = [int(one) for one in classes_of(images, "an analysis of each class")]
        found, left_out, ways = [], [], []
        for of_class in classes:
            parts = self.split(images, of_class=of_class)
            num_hard, num_easy = int(parts.is_hard.sum()), int(parts.is_easy.sum())
            if of_class is None:
                self._check_sizes(num_hard, num_easy)
            elif min(num_hard, num_easy) < self.clusterer.num_clusters:
                left_out.append(f"class {of_class}: {num_hard} hard, {num_easy} easy")
                continue
            embeddings = images.unit_embeddings
            hard, easy = embeddings[parts.is_hard], embeddings[parts.is_easy]
            ways.append(self.clusterer.describe(max(num_hard, num_easy)))
            found.append(
                HardClusters(
                    of_class,
                    prototypes(hard, self.clusterer(hard, rng=rng)),
                    prototypes(easy, self.clusterer(easy, rng=rng)),
                )
            )
        if not found:
            raise UsageError(
                f"some class must have {self.clusterer.num_clusters} hard and as many easy images, got fewer in each "
                f"of {name_some(left_out, most=3)}; lower num_clusters or analyse all images together."
            )
        remarks = [f"Clustered by {way}." for way in dict.fromkeys(ways)]
        if left_out:
            remarks.append(
                f"Left out, as they have fewer hard or easy images than {self.clusterer.num_clusters} clusters: "
                f"{name_some(left_out, most=3)}."
            )
        return found, remarks

    def _check_sizes(self, num_hard: int, num_easy: int) -> None:
        if not num_hard and not num_easy:
            raise UsageError(
                "failures can be explained only where some images are harder than others, got all of one hardness; "
                "split by another measure or bring images that differ in it."
            )
        if not num_hard or not num_easy:
            what, other = ("hard", "easy") if not num_hard else ("easy", "hard")
            raise UsageError(
                f"failures can be explained only beside successes, got no {what} and {max(num_hard, num_easy)} {other} "
                "images; split by another measure, lower its margin, or bring images of both kinds."
            )
        fewest = min(num_hard, num_easy)
        if fewest < self.clusterer.num_clusters:
            raise UsageError(
                f"{self.clusterer.num_clusters} clusters of hard and of easy images need as many of both, got "
                f"{num_hard} hard and {num_easy} easy; lower num_clusters to {fewest} or bring more images."
            )
