"""What a classifier's predictions say of its classes: a table a class, and every number that is tracked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from misfire.cells import Estimate
from misfire.cells.estimates import Unit
from misfire.core.errors import UsageError
from misfire.methods.classification.rivals import class_rivals, classes_that_share_a_name
from misfire.methods.classification.uncertainty import (
    Interval,
    class_intervals,
    held_out_worst,
    paired_class_intervals,
    summaries,
)
from misfire.metrics import (
    ClassCounts,
    class_counts,
    geometric_mean,
    harmonic_mean,
    smoothed_class_accuracy,
    worst_classes,
)
from misfire.stats import StatisticsSettings, wilson_interval

BEFORE, AFTER, DELTA = "before", "after", "delta"
"""Groups of the estimates before the mending, after it, and of what it changed."""

ALSO = "also"
"""Group of the estimates under the second label set."""


@final
@dataclass(frozen=True, eq=False)
class Judged:
    """A classifier's predictions on labelled images.

    Args:
        names: Names of the classes as prompts and tables call them; two may be the same.
        labels: Class of each image.
        predictions: Predicted class of each image; -1 for something that is none of the classes.
        also: Under a second label set, which images are rated and which are right; None without one.
    """

    names: Sequence[str]
    labels: Int[np.ndarray, " image"]
    predictions: Int[np.ndarray, " image"]
    also: tuple[Bool[np.ndarray, " image"], Bool[np.ndarray, " image"]] | None = None

    @property
    def hits(self) -> Bool[np.ndarray, " image"]:
        """Whether each image is called what its label says."""
        found: Bool[np.ndarray, " image"] = self.labels == self.predictions
        return found

    @cached_property
    def counts(self) -> ClassCounts:
        """Images and hits of each class, by the labels."""
        return class_counts(self.labels, self.hits, num_classes=len(self.names))

    @cached_property
    def counts_also(self) -> ClassCounts | None:
        """The same by the second label set: of each class, its images that are rated."""
        if self.also is None:
            return None
        is_rated, is_hit = self.also
        return class_counts(self.labels[is_rated], is_hit[is_rated], num_classes=len(self.names))

    @property
    def present(self) -> Int[np.ndarray, " present"]:
        """Classes with an image: those that an accuracy can be told of."""
        return np.flatnonzero(self.counts.num_images)

    def worst(self, k: int) -> Int[np.ndarray, " worst"]:
        """The ``k`` classes of the lowest accuracy among those with an image, the worst first."""
        present = self.present
        worst: Int[np.ndarray, " worst"] = present[worst_classes(self.counts.accuracy[present], min(k, len(present)))]
        return worst


def class_table(
    judged: Judged, *, k: int, confidence: float, others: Mapping[str, Float[np.ndarray, " class"]] | None = None
) -> pd.DataFrame:
    """One row a class: how good it is and what it is confused with.

    Args:
        judged: The classifier.
        k: Of how many worst classes it is told in how many other models' they are.
        confidence: Of the Wilson intervals of the accuracies.
        others: Class accuracies of other models by name, on the same classes.

    Returns:
        ``class``, ``name``, ``num_images``, ``hits``, ``accuracy`` with ``low`` and ``high`` (NaN without an image),
        ``predicted`` (how many images are given to it), ``never_predicted``, ``rival`` and ``rival_name``,
        ``called_rival``, ``rival_called_it``, ``shares_name_with`` (the first class of the same name, -1 for none),
        and where they are known ``accuracy_also``, ``num_rated``, ``worst_in_others``.
    """
    num_classes, counts = len(judged.names), judged.counts
    named = judged.predictions >= 0
    rivals = class_rivals(judged.labels[named], judged.predictions[named], num_classes=num_classes)
    bounds = np.array(
        [
            wilson_interval(int(hits), int(total), confidence=confidence) if total else (np.nan, np.nan)
            for total, hits in zip(*counts, strict=True)
        ]
    )
    shares = np.full(num_classes, -1, dtype=np.int64)
    for first, *twins in classes_that_share_a_name(judged.names):
        shares[[first, *twins]] = first
    table = pd.DataFrame(
        {
            "class": np.arange(num_classes),
            "name": list(judged.names),
            "num_images": counts.num_images,
            "hits": counts.num_hits,
            "accuracy": counts.accuracy,
            "low": bounds[:, 0],
            "high": bounds[:, 1],
            "predicted": np.bincount(judged.predictions[named], minlength=num_classes),
            **{name: rivals[name] for name in ("never_predicted", "rival", "called_rival", "rival_called_it")},
            "rival_name": [judged.names[rival] if rival >= 0 else "" for rival in rivals.rival],
            "shares_name_with": shares,
        }
    )
    if judged.counts_also is not None:
        table["accuracy_also"] = judged.counts_also.accuracy
        table["num_rated"] = judged.counts_also.num_images
    if others:
        times = np.zeros(num_classes, dtype=np.int64)
        for accuracy in others.values():
            known = np.flatnonzero(np.isfinite(accuracy))
            times[known[worst_classes(accuracy[known], min(k, len(known)))]] += 1
        table["worst_in_others"] = times
    return table


def cutoffs_within(cutoffs: Sequence[int], worst_k: int, num_classes: int) -> tuple[int, ...]:
    """The cut-offs of Worst@k that there are enough classes for, with the one that counts, ascending, each once.

    Raises:
        UsageError: If none is left, or one is below 1.
    """
    if worst_k < 1:
        raise UsageError(f"worst_k must be >= 1, got {worst_k}; 10 is the paper's.")
    kept = tuple(sorted({k for k in (*cutoffs, worst_k) if k <= num_classes}))
    if not kept or kept[0] < 1:
        raise UsageError(
            f"cutoffs must be from 1 to the number of classes with images, {num_classes}, got {list(cutoffs)}; choose "
            "smaller ones."
        )
    return kept


def estimates_of(
    judged: Judged, *, cutoffs: Sequence[int], settings: StatisticsSettings, group: str = ""
) -> list[Estimate]:
    """Every number of one classifier; the second label set's are told under ``also``.

    Classes without an image are left out, and counted under ``classes_without_images``. Worst@k is told beside
    ``worst_held_out``, in which the classes are chosen by other images than measure them; under a second label set
    ``worst_also`` is what the same k classes have there.
    """
    present = judged.present
    estimates = [
        Estimate(
            "classes_without_images", len(judged.names) - len(present), group=group, unit="count", is_tracked=False
        ),
        Estimate("never_predicted", _never_predicted(judged), group=group, unit="count"),
        *_of_counts(_among(judged.counts, present), cutoffs, settings, group),
    ]
    also = judged.counts_also
    if also is not None:
        rated = np.flatnonzero(also.num_images)
        fitting = [k for k in cutoffs if k <= len(rated)]
        estimates += _of_counts(_among(also, rated), fitting, settings, f"{group}/{ALSO}".strip("/"))
        for k in cutoffs:
            values = also.accuracy[judged.worst(k)]
            known = values[np.isfinite(values)]
            value = float(known.mean()) if len(known) else float("nan")
            estimates.append(Estimate("worst_also", value, k=k, group=group, n=len(known), is_tracked=k == cutoffs[-1]))
    return estimates


def differences(
    before: Judged, after: Judged, *, cutoffs: Sequence[int], settings: StatisticsSettings, group: str = "delta"
) -> list[Estimate]:
    """After less before, with paired intervals: both classifiers' images are resampled together within classes."""
    present = before.present
    fixed = class_counts(before.labels, after.hits & ~before.hits, num_classes=len(before.names)).num_hits
    found = paired_class_intervals(
        _among(before.counts, present),
        _among(after.counts, present),
        fixed[present],
        summaries(tuple(cutoffs)),
        settings,
    )
    return [_estimate(name, one, group, "difference", len(before.labels)) for name, one in found.items()]


def _among(counts: ClassCounts, classes: Int[np.ndarray, " chosen"]) -> ClassCounts:
    return ClassCounts(counts.num_images[classes], counts.num_hits[classes])


def _never_predicted(judged: Judged) -> int:
    """How many classes with an image are given none."""
    given = np.bincount(judged.predictions[judged.predictions >= 0], minlength=len(judged.names))
    return int((given[judged.present] == 0).sum())


def _of_counts(counts: ClassCounts, cutoffs: Sequence[int], settings: StatisticsSettings, group: str) -> list[Estimate]:
    num_images = int(counts.num_images.sum())
    estimates = [
        _estimate(name, one, group, "fraction", num_images)
        for name, one in class_intervals(counts, summaries(tuple(cutoffs)), settings).items()
    ]
    smoothed = smoothed_class_accuracy(counts)
    for name, mean in (("harmonic_mean_smoothed", harmonic_mean), ("geometric_mean_smoothed", geometric_mean)):
        estimates.append(Estimate(name, mean(smoothed), group=group, n=num_images, is_tracked=False))
    splittable = int((counts.num_images >= 2).sum())
    for k in cutoffs:
        if k <= splittable:
            held_out = held_out_worst(
                counts, k, num_splits=200, confidence=settings.confidence, rng=np.random.default_rng(settings.seed)
            )
            estimates.append(
                Estimate("worst_held_out", held_out.value, k=k, group=group, n=num_images, is_tracked=k == cutoffs[-1])
            )
    return estimates


def _estimate(name: str, found: Interval, group: str, unit: Unit, n: int) -> Estimate:
    metric, _, k = name.partition("_at_")
    return Estimate(metric, found.value, int(k) if k else None, group, unit, found.low, found.high, n)
