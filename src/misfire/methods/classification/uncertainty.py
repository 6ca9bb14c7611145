"""How sure the summaries of class accuracies are, and how sure it is which classes are the worst."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int

from misfire.core.errors import UsageError, name_some
from misfire.metrics import ClassCounts, worst_at_k, worst_classes
from misfire.stats import StatisticsSettings
from misfire.stats.resampling import percentile_bounds

Summary = Callable[[Float[np.ndarray, "replicate class"], Int[np.ndarray, " class"]], Float[np.ndarray, " replicate"]]
"""A summary of many sets of class accuracies at once, which may weigh the classes by their images."""


def summaries(cutoffs: tuple[int, ...]) -> dict[str, Summary]:
    """The summaries that every evaluation has, by their tracked names; Worst@k for each cut-off.

    The zeros of the harmonic and the geometric mean are treated openly: a class at 0 makes them 0.
    """

    def means(of_class: Callable[[np.ndarray], np.ndarray], back: Callable[[np.ndarray], np.ndarray]) -> Summary:
        def summary(accuracy: np.ndarray, num_images: np.ndarray) -> np.ndarray:
            with np.errstate(divide="ignore", over="ignore"):
                return back(of_class(accuracy).mean(axis=1))

        return summary

    def worst(k: int) -> Summary:
        return lambda accuracy, num_images: np.partition(accuracy, k - 1, axis=1)[:, :k].mean(axis=1)

    return {
        "accuracy": lambda accuracy, num_images: accuracy @ (num_images / num_images.sum()),
        "macro_accuracy": lambda accuracy, num_images: accuracy.mean(axis=1),
        "harmonic_mean": means(lambda accuracy: 1 / accuracy, lambda mean: 1 / mean),
        "geometric_mean": means(np.log, np.exp),
        **{f"worst_at_{k}": worst(k) for k in cutoffs},
    }


@final
@dataclass(frozen=True)
class Interval:
    """A summary with its basic bootstrap interval; images were resampled within their classes.

    The value itself may lie outside: see :func:`class_intervals`.

    Args:
        value: Of the images themselves.
        low: Lower end.
        high: Upper end.
    """

    value: float
    low: float
    high: float


def class_intervals(
    counts: ClassCounts, chosen: Mapping[str, Summary], settings: StatisticsSettings
) -> dict[str, Interval]:
    """Basic bootstrap intervals of summaries, images resampled within their classes.

    A resample of a class's images has a binomial number of hits, so no image is drawn one by one. Worst@k is taken of
    each resample's own worst classes. The lowest of noisy accuracies are partly low by chance, so the value lies below
    the truth, and resampled values lie below the value by as much again. The interval is therefore the resamples'
    reflected at the value (``2 * value - percentile``), not their percentiles: of 1,000 classes with 50 images each,
    intervals of 95 % cover Worst@10 in 89 % and the harmonic mean in 95 % of simulations, percentiles in 4 % and 1 %.
    Where the interval lies above the value, that is how much too low the value is.

    Args:
        counts: Images and hits of each class; every class must have an image.
        chosen: Summaries by name, such as :func:`summaries` gives.
        settings: Replicates, level and seed.

    Raises:
        UsageError: If a class has no image.

    Reference:
        Davison and Hinkley, "Bootstrap methods and their application", 1997, section 5.2.
    """
    accuracy = check_all_have_images(counts).accuracy
    rng = np.random.default_rng(settings.seed)
    drawn = rng.binomial(counts.num_images, accuracy, size=(settings.num_replicates, len(accuracy)))
    return _estimates(accuracy, drawn / counts.num_images, counts.num_images, chosen, settings)


def paired_class_intervals(
    before: ClassCounts,
    after: ClassCounts,
    num_fixed: Int[np.ndarray, " class"],
    chosen: Mapping[str, Summary],
    settings: StatisticsSettings,
) -> dict[str, Interval]:
    """Basic bootstrap intervals of the differences (after less before) of summaries on the same images.

    Args:
        before: Images and hits of each class.
        after: The same of the other classifier, on the same images.
        num_fixed: How many images of each class only the other classifier has right.
        chosen: Summaries by name.
        settings: Replicates, level and seed.

    Raises:
        UsageError: If a class has no image, or the counts aren't of the same images.
    """
    check_all_have_images(before)
    num_images, hits = before.num_images, before.num_hits
    num_broken = hits - after.num_hits + num_fixed
    both = hits - num_broken
    cells = np.stack([both, num_fixed, num_broken, num_images - both - num_fixed - num_broken], axis=1)
    if (after.num_images != num_images).any() or (cells < 0).any():
        raise UsageError(
            f"both classifiers must be counted on the same images, got {int(num_images.sum())} and "
            f"{int(after.num_images.sum())}, or more fixed images than there are; join them by image first."
        )
    rng = np.random.default_rng(settings.seed)
    shares = cells / num_images[:, None]
    drawn = rng.multinomial(num_images, shares, size=(settings.num_replicates, len(num_images)))
    first, second = drawn[..., 0] + drawn[..., 2], drawn[..., 0] + drawn[..., 1]
    found = {}
    for name, summary in chosen.items():
        values = [summary(hit / num_images, num_images) for hit in (second, first, after.num_hits[None], hits[None])]
        found[name] = _reflected(float((values[2] - values[3])[0]), values[0] - values[1], settings, least=-1.0)
    return found


@final
@dataclass(frozen=True, eq=False)
class HeldOutWorst:
    """Worst@k where the classes are chosen by some images and measured on the others.

    Args:
        naive: Worst@k of all images, the same ones choosing and measuring.
        value: Mean over the splits of the accuracy of the chosen classes on the other half.
        low: Lower end of the middle of the splits' values, which tells how much the choice matters, not how sure
            ``value`` is.
        high: Upper end of it.
        num_splits: How many random halves there were; each half chose once and measured once.
        times_chosen: In which share of the choices each class was among the worst k.
        left_out: Classes with fewer than two images, which can't be split.
    """

    naive: float
    value: float
    low: float
    high: float
    num_splits: int
    times_chosen: Float[np.ndarray, " class"]
    left_out: tuple[int, ...]


def held_out_worst(
    counts: ClassCounts, k: int, *, num_splits: int = 500, confidence: float = 0.95, rng: np.random.Generator
) -> HeldOutWorst:
    """Worst@k by random halves: one half of each class's images chooses the k worst, the other one measures them.

    The naive number is too low, for the classes that chance made low are among the chosen. Here a class that was chosen
    by chance is measured at what it is. The halves are smaller than the whole, so they choose less well: the value errs
    upwards where the naive one errs downwards. Ties at the cut go by class number.

    Args:
        counts: Images and hits of each class.
        k: How many classes are chosen.
        num_splits: How many times the images are split.
        confidence: Share of the splits' values that lie between ``low`` and ``high``.
        rng: Source of the splits.

    Raises:
        UsageError: If fewer than k classes have two images, or k < 1.
    """
    enough = np.flatnonzero(counts.num_images >= 2)
    if not 1 <= k <= len(enough):
        raise UsageError(
            f"k must be from 1 to the number of classes that can be split, {len(enough)}, got {k}; a class needs two "
            "images to choose by one and measure by the other."
        )
    num_images, hits = counts.num_images[enough], counts.num_hits[enough]
    half = num_images // 2
    # The hits of a random half are hypergeometric, so no image is drawn one by one.
    chosen_hits = rng.hypergeometric(hits, num_images - hits, half, size=(num_splits, len(enough)))
    halves = [(chosen_hits, half), (hits - chosen_hits, num_images - half)]
    values, times = [], np.zeros(len(enough))
    for (choosing, size), (measuring, other) in (halves, halves[::-1]):
        worst = np.argsort(choosing / size, axis=1, kind="stable")[:, :k]
        values.append(np.take_along_axis(measuring / other, worst, axis=1).mean(axis=1))
        times += np.bincount(worst.ravel(), minlength=len(enough))
    by_split = (values[0] + values[1]) / 2
    times_chosen = np.zeros(len(counts.num_images))
    times_chosen[enough] = times / (2 * num_splits)
    low, high = percentile_bounds(by_split, confidence=confidence)
    return HeldOutWorst(
        naive=worst_at_k(hits / num_images, k),
        value=float(by_split.mean()),
        low=low,
        high=high,
        num_splits=num_splits,
        times_chosen=times_chosen,
        left_out=tuple(np.flatnonzero(counts.num_images < 2).tolist()),
    )


def times_among_worst(accuracies: Mapping[str, Float[np.ndarray, " class"]], k: int) -> Int[np.ndarray, " class"]:
    """In how many models' worst k each class is: one that many models fail is rather mislabelled or hard than unlearnt.

    Raises:
        UsageError: If k is out of range or an accuracy is undefined.

    Example:
        >>> times_among_worst({"a": np.array([0.1, 0.9, 0.5]), "b": np.array([0.2, 0.1, 0.9])}, 1)
        array([1, 1, 0])
    """
    some = next(iter(accuracies.values()))
    times = np.zeros(len(some), dtype=np.int64)
    for accuracy in accuracies.values():
        times[worst_classes(accuracy, k)] += 1
    return times


def check_all_have_images(counts: ClassCounts) -> ClassCounts:
    """Refuse counts of which a class's accuracy is undefined."""
    empty = np.flatnonzero(counts.num_images == 0)
    if len(empty):
        raise UsageError(
            f"every class must have an image, got none for classes {name_some(empty)}; leave them out and say so."
        )
    return counts


def _estimates(
    accuracy: Float[np.ndarray, " class"],
    drawn: Float[np.ndarray, "replicate class"],
    num_images: Int[np.ndarray, " class"],
    chosen: Mapping[str, Summary],
    settings: StatisticsSettings,
) -> dict[str, Interval]:
    return {
        name: _reflected(float(summary(accuracy[None], num_images)[0]), summary(drawn, num_images), settings, least=0.0)
        for name, summary in chosen.items()
    }


def _reflected(
    value: float, replicates: Float[np.ndarray, " replicate"], settings: StatisticsSettings, *, least: float
) -> Interval:
    """The replicates' percentiles reflected at the value, within what the summary can be."""
    low, high = percentile_bounds(replicates, confidence=float(settings.confidence))
    return Interval(value, min(1.0, max(least, 2 * value - high)), min(1.0, max(least, 2 * value - low)))
