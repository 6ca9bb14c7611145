"""Accuracies of a classifier's classes, and what summarises them with an eye on the worst."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int, Shaped

from misfire.core.errors import UsageError, name_some


class ClassCounts(NamedTuple):
    """How many images each class has, and how many of them were classified rightly."""

    num_images: Int[np.ndarray, " class"]
    num_hits: Int[np.ndarray, " class"]

    @property
    def accuracy(self) -> Float[np.ndarray, " class"]:
        """Share of each class's images that were classified rightly; NaN for a class without an image."""
        with np.errstate(invalid="ignore"):
            accuracy: Float[np.ndarray, " class"] = self.num_hits / self.num_images
        return accuracy


def class_counts(labels: Shaped[Any, " image"], hits: Shaped[Any, " image"], *, num_classes: int) -> ClassCounts:
    """Images and right classifications of each class.

    Args:
        labels: Class of each image, from 0 (a NumPy array or a torch tensor of integers).
        hits: Whether each image was classified rightly, under whatever rule of rightness.
        num_classes: How many classes there are.

    Raises:
        UsageError: If a label isn't a class, or the arrays differ in length.

    Example:
        >>> class_counts(np.array([0, 0, 2]), np.array([True, False, True]), num_classes=3).accuracy
        array([0.5, nan, 1. ])
    """
    labels = checked_labels(labels, num_classes=num_classes)
    hit = _array(hits)
    if hit.shape != labels.shape or hit.dtype != np.bool_:
        raise UsageError(
            f"hits must say true or false of each of {len(labels)} images, got {hit.dtype} of shape {hit.shape}; "
            "compare predictions with labels."
        )
    # Counting whole numbers of the hits' labels takes a fifth of the time that weights take.
    return ClassCounts(np.bincount(labels, minlength=num_classes), np.bincount(labels[hit], minlength=num_classes))


def checked_labels(labels: Any, *, num_classes: int, what: str = "labels") -> Int[np.ndarray, " image"]:
    """Classes of images as an integer array, each below ``num_classes``.

    Raises:
        UsageError: If they aren't a vector of integers in range; offenders are counted and some named.
    """
    array = _array(labels)
    if array.ndim != 1 or not (np.issubdtype(array.dtype, np.integer) or not array.size):
        raise UsageError(
            f"{what} must be a vector of integers, got {array.dtype} of shape {array.shape}; number the classes from 0."
        )
    array = array.astype(np.int64, copy=False)
    if array.size and (array.min() < 0 or array.max() >= num_classes):
        outside = np.flatnonzero((array < 0) | (array >= num_classes))
        named = name_some(f"{array[position]} at position {position}" for position in outside)
        raise UsageError(
            f"{what} must lie in 0 to {num_classes - 1}, got {named} outside; name as many classes as there are."
        )
    return array


def worst_at_k(class_accuracy: Shaped[Any, " class"] | Sequence[float], k: int) -> float:
    """Mean of the ``k`` lowest class accuracies, in [0, 1]; higher is better.

    It never falls as k grows, and with k the number of classes it is the macro accuracy.

    Args:
        class_accuracy: Accuracy of each class.
        k: How many classes, from 1 to their number.

    Raises:
        UsageError: If k is out of range, or an accuracy is undefined or outside [0, 1].

    Reference:
        Shao et al., "Investigating the limitation of CLIP models: the worst-performing categories", 2023.

    Example:
        >>> worst_at_k([0.9, 0.1, 0.3], 2)
        0.2
    """
    accuracy = checked_accuracies(class_accuracy)
    return float(np.partition(accuracy, _checked_k(k, len(accuracy)) - 1)[:k].mean())


def worst_classes(class_accuracy: Shaped[Any, " class"] | Sequence[float], k: int) -> Int[np.ndarray, " worst"]:
    """The ``k`` classes of the lowest accuracy, the worst first; equal ones by their number.

    Raises:
        UsageError: As :func:`worst_at_k` does.

    Example:
        >>> worst_classes([0.9, 0.1, 0.3, 0.1], 2)
        array([1, 3])
    """
    accuracy = checked_accuracies(class_accuracy)
    return np.argsort(accuracy, kind="stable")[: _checked_k(k, len(accuracy))]


def harmonic_mean(class_accuracy: Shaped[Any, " class"] | Sequence[float]) -> float:
    """Harmonic mean of the class accuracies, in [0, 1]; 0 where any class is at 0.

    Raises:
        UsageError: If there is no class, or an accuracy is undefined or outside [0, 1].

    Example:
        >>> harmonic_mean([0.5, 1.0]), harmonic_mean([0.0, 1.0])
        (0.6666666666666666, 0.0)
    """
    accuracy = checked_accuracies(class_accuracy)
    lowest = accuracy.min()
    return float(lowest / (lowest / accuracy).mean()) if lowest else 0.0  # 1 / accuracy may leave float64


def geometric_mean(class_accuracy: Shaped[Any, " class"] | Sequence[float]) -> float:
    """Geometric mean of the class accuracies, in [0, 1]; 0 where any class is at 0.

    Raises:
        UsageError: If there is no class, or an accuracy is undefined or outside [0, 1].

    Example:
        >>> round(geometric_mean([0.25, 1.0]), 12), geometric_mean([0.0, 1.0])
        (0.5, 0.0)
    """
    accuracy = checked_accuracies(class_accuracy)
    return float(np.exp(np.log(accuracy).mean())) if accuracy.all() else 0.0


def smoothed_class_accuracy(counts: ClassCounts, *, pseudo_count: float = 1.0) -> Float[np.ndarray, " class"]:
    """Class accuracies with ``pseudo_count`` hits and as many misses added to each class; none is 0.

    The harmonic and the geometric mean of these differ between classifiers that both have a class at 0. They are other
    numbers than the plain means, and are to be named as smoothed. A class without an image stays NaN.

    Raises:
        UsageError: If ``pseudo_count`` isn't positive.

    Reference:
        Laplace's rule of succession, for ``pseudo_count=1``.

    Example:
        >>> smoothed_class_accuracy(ClassCounts(np.array([8, 2]), np.array([0, 1])))
        array([0.1, 0.5])
    """
    if not pseudo_count > 0:
        raise UsageError(f"pseudo_count must be > 0, got {pseudo_count}; without smoothing, take the plain means.")
    smoothed = (counts.num_hits + pseudo_count) / (counts.num_images + 2 * pseudo_count)
    return np.where(counts.num_images > 0, smoothed, np.nan)


def checked_accuracies(class_accuracy: Any) -> Float[np.ndarray, " class"]:
    """Class accuracies as a float64 vector.

    Raises:
        UsageError: If there is none, or one is undefined or outside [0, 1].
    """
    accuracy = _array(class_accuracy).astype(np.float64)
    if accuracy.ndim != 1 or not accuracy.size:
        raise UsageError(
            f"class_accuracy must be a vector of at least one class, got shape {accuracy.shape}; "
            "pass an accuracy a class."
        )
    undefined = np.flatnonzero(np.isnan(accuracy))
    if len(undefined):
        raise UsageError(
            f"class_accuracy must be defined for each class, got NaN for classes {name_some(undefined)}; "
            "leave out classes without an image and say so."
        )
    outside = accuracy[(accuracy < 0) | (accuracy > 1)]
    if len(outside):
        raise UsageError(
            f"class_accuracy must lie in [0, 1], got {name_some(outside)} outside; pass fractions, not percent."
        )
    return accuracy


def _checked_k(k: int, num_classes: int) -> int:
    if not 1 <= k <= num_classes:
        raise UsageError(f"k must be from 1 to the number of classes, {num_classes}, got {k}; choose a smaller k.")
    return k


def _array(values: Any) -> np.ndarray:
    return np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)
