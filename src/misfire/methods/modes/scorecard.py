"""One row a method: what its modes cover, how far they drop on other images, and how much of that is chance."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Int

from misfire.core.errors import UsageError
from misfire.methods.modes.explanation import explanation_scores
from misfire.methods.modes.measurement import (
    ModeEffects,
    compactness,
    description_areas,
    halves,
    mode_effects,
    shuffled,
    stability,
)
from misfire.methods.modes.mode_finder import EncodedSentences, FoundModes, ModeFinder
from misfire.methods.modes.partition import precision_at_k
from misfire.methods.modes.scored_images import ScoredImages


@final
@dataclass(frozen=True)
class Truth:
    """What is known of images of which the cause of failures is known; each part may be missing.

    Attributes:
        relevance: Whether each sentence holds for each image.
        partitions: Whether each image lies in each true partition, a partition being of one class, as its context.
    """

    relevance: Bool[np.ndarray, "image sentence"] | None = None
    partitions: Bool[np.ndarray, "image partition"] | None = None

    def take(self, images: Int[np.ndarray, " chosen"]) -> "Truth":
        """What is known of some of the images."""
        return Truth(
            None if self.relevance is None else self.relevance[images],
            None if self.partitions is None else self.partitions[images],
        )


@final
@dataclass(frozen=True)
class ScorecardRow:
    """How a method did; a column that needs what isn't known is absent from ``values``, one that is undefined is NaN.

    Attributes:
        label: The method.
        values: Number of each column, by the names of `SCORECARD_COLUMNS`.
        modes: What was found on the first half.
        effects: How that does on the other half.
    """

    label: str
    values: dict[str, float]
    modes: FoundModes
    effects: ModeEffects


SCORECARD_COLUMNS = {
    "num_modes": "modes found",
    "confirmed": "share of modes with a drop on other images beyond chance",
    "coverage": "share of the other half's failures in some mode",
    "share": "share of the other half's images in some mode",
    "drop": "mean drop on other images",
    "false_discovery": "modes confirmed with shuffled outcomes, to one confirmed",
    "stability_seeds": "agreement of modes over seeds",
    "stability_halves": "agreement of modes over half-samples",
    "p_at_10": "P@10 of the true partitions",
    "p_at_10_chance": "P@10 by chance",
    "ahr": "average hardness ratio",
    "acr": "average coverage ratio",
    "tpr": "share of the failure-describing sentences named",
    "ji": "Jaccard index with them",
    "description_auroc": "AUROC of the descriptions",
    "compactness": "compactness",
    "seconds": "seconds",
}
"""What each column of a scorecard is, in the order of print."""


@final
@dataclass(frozen=True)
class Scorecard:
    """Compare methods on the same images: modes are found on one half and measured on the other.

    Args:
        num_shuffles: How often outcomes are dealt anew within classes; 0 leaves the column out.
        num_repeats: How many further seeds and half-samples are tried; 0 leaves the columns out.
        k: Cut-off of P@K.
        severity: Of sentences that describe a failure, in standard deviations.
        clock: Seconds from any start; another one than the machine's makes the table repeatable.

    Raises:
        UsageError: If a setting is out of its range.
    """

    num_shuffles: int = 5
    num_repeats: int = 2
    k: int = 10
    severity: float | int = 0.2
    clock: Callable[[], float] = field(default=time.perf_counter, repr=False, compare=False)

    def __post_init__(self) -> None:
        if min(self.num_shuffles, self.num_repeats) < 0 or self.k < 1:
            raise UsageError(
                "num_shuffles and num_repeats must be >= 0 and k >= 1, got "
                f"{self.num_shuffles}, {self.num_repeats} and {self.k}; 0 leaves a column out."
            )

    def row(
        self,
        finder: ModeFinder,
        images: ScoredImages,
        sentences: EncodedSentences,
        *,
        is_failure: Bool[np.ndarray, " image"],
        truth: Truth | None = None,
        label: str | None = None,
        seed: int,
    ) -> ScorecardRow:
        """One method's row.

        All methods of one seed are measured on the same half, which is drawn within classes.

        Args:
            finder: The method.
            images: All images.
            sentences: What modes are described by.
            is_failure: Which images count as failures for the coverage.
            truth: What is known of the causes.
            label: What the table calls the method; its own label where it isn't given.
            seed: Of the halves and of whatever the method draws.

        Raises:
            UsageError: If the method refuses the images.
        """
        first, second = halves(images.strata, np.random.default_rng([seed, 0]))
        here, there = images.take(first), images.take(second)
        start = self.clock()
        found = finder.find(here, sentences, rng=np.random.default_rng([seed, 1]))
        values = {"seconds": self.clock() - start}
        members = found.members(there)
        effects = mode_effects(members, there.performance, there.strata)
        values |= _of_modes(effects, members, is_failure[second])
        values["compactness"] = _mean(compactness(members, there))
        values["description_auroc"] = _mean(description_areas(found, members, there, sentences))
        if truth is not None:
            values |= self._against_truth(found, members, there, truth.take(second), seed)
        if self.num_shuffles:
            values["false_discovery"] = self._false_discovery(finder, here, there, sentences, effects, seed)
        if self.num_repeats:
            values["stability_seeds"], values["stability_halves"] = self._stability(
                finder, here, there, sentences, members, seed
            )
        ordered = {name: values[name] for name in SCORECARD_COLUMNS if name in values}
        return ScorecardRow(label or finder.label, ordered, found, effects)

    def _against_truth(
        self, found: FoundModes, members: np.ndarray, there: ScoredImages, truth: Truth, seed: int
    ) -> dict[str, float]:
        values: dict[str, float] = {}
        if truth.relevance is not None:
            held = [mode for mode in range(len(found)) if members[:, mode].any()]
            scores = explanation_scores(
                [found.sentences[mode] for mode in held],
                [np.flatnonzero(members[:, mode]) for mode in held],
                truth.relevance,
                there.performance,
                severity=self.severity,
            )
            values |= scores._asdict()
        if truth.partitions is not None:
            values |= self._precision(found.partition_weights(there), truth.partitions, there.strata, seed)
        return values

    def _precision(self, parts: np.ndarray, partitions: np.ndarray, strata: np.ndarray, seed: int) -> dict[str, float]:
        """P@K within each class, the mean over the partitions, as the papers average it."""
        values, chances, counts = [], [], []
        rng = np.random.default_rng([seed, 2])
        for one in np.unique(strata):
            own = strata == one
            kept = partitions[own].any(axis=0) & ~partitions[~own].any(axis=0)
            inside = parts[own][:, (parts[own] > 0).any(axis=0)]
            if kept.any():
                # A class without a part has found nothing of its partitions, and so has chance.
                found = precision_at_k(inside, partitions[own][:, kept], k=self.k, rng=rng) if inside.size else None
                values.append(found.value if found else 0.0)
                chances.append(found.by_chance if found else 0.0)
                counts.append(int(kept.sum()))
        if not counts:
            return {f"p_at_{self.k}": np.nan, f"p_at_{self.k}_chance": np.nan}
        return {
            f"p_at_{self.k}": float(np.average(values, weights=counts)),
            f"p_at_{self.k}_chance": float(np.average(chances, weights=counts)),
        }

    def _false_discovery(
        self,
        finder: ModeFinder,
        here: ScoredImages,
        there: ScoredImages,
        sentences: EncodedSentences,
        effects: ModeEffects,
        seed: int,
    ) -> float:
        """Modes confirmed with outcomes dealt anew, to each that is confirmed with the true ones, at most 1."""
        num_confirmed = int(effects.is_confirmed().sum())
        if not num_confirmed:
            return np.nan
        false = []
        for shuffle in range(self.num_shuffles):
            rng = np.random.default_rng([seed, 3, shuffle])
            one, other = shuffled(here, rng), shuffled(there, rng)
            members = _members(finder, one, other, sentences, np.random.default_rng([seed, 1]))
            false.append(int(mode_effects(members, other.performance, other.strata).is_confirmed().sum()))
        return min(1.0, float(np.mean(false)) / num_confirmed)

    def _stability(
        self,
        finder: ModeFinder,
        here: ScoredImages,
        there: ScoredImages,
        sentences: EncodedSentences,
        members: np.ndarray,
        seed: int,
    ) -> tuple[float, float]:
        over_seeds, over_halves = [], []
        for repeat in range(self.num_repeats):
            rng = np.random.default_rng([seed, 4, repeat])
            over_seeds.append(stability(members, _members(finder, here, there, sentences, rng)))
            pair = [
                _members(finder, here.take(part), there, sentences, np.random.default_rng([seed, 1]))
                for part in halves(here.strata, rng)
            ]
            over_halves.append(stability(*pair))
        return _mean(np.array(over_seeds)), _mean(np.array(over_halves))


def _members(
    finder: ModeFinder,
    here: ScoredImages,
    there: ScoredImages,
    sentences: EncodedSentences,
    rng: np.random.Generator,
) -> Bool[np.ndarray, "image mode"]:
    """Members in one set of what is found in another; no mode where the method refuses so few images."""
    try:
        return finder.find(here, sentences, rng=rng).members(there)
    except UsageError:
        return np.zeros((len(there), 0), dtype=bool)


def _of_modes(effects: ModeEffects, members: np.ndarray, is_failure: np.ndarray) -> dict[str, float]:
    inside = members.any(axis=1)
    return {
        "num_modes": float(members.shape[1]),
        "confirmed": float(effects.is_confirmed().mean()) if members.shape[1] else np.nan,
        "coverage": float(inside.compress(is_failure).mean()) if is_failure.any() else np.nan,
        "share": float(inside.mean()),
        "drop": _mean(effects.drop),
    }


def _mean(values: Float[np.ndarray, " value"] | Sequence[float]) -> float:
    """Mean of the defined values; NaN where none is."""
    defined = np.asarray(values, dtype=np.float64)
    defined = np.extract(~np.isnan(defined), defined)
    return float(defined.mean()) if len(defined) else np.nan
