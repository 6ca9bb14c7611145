"""What mending gave and took: the images and classes that changed sides between two classifiers."""

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int, Shaped

from misfire.core.errors import UsageError
from misfire.metrics.class_accuracies import checked_labels
from misfire.stats import holm, mcnemar

FIXED, BROKEN, MOVED = "fixed", "broken", "moved"


def image_flips(
    images: Shaped[np.ndarray, " image"],
    labels: Int[np.ndarray, " image"],
    before: Int[np.ndarray, " image"],
    after: Int[np.ndarray, " image"],
    *,
    hits: tuple[Bool[np.ndarray, " image"], Bool[np.ndarray, " image"]] | None = None,
) -> pd.DataFrame:
    """Every image that two classifiers call differently: ``fixed``, ``broken``, or ``moved`` from wrong to wrong.

    Args:
        images: Id of each image.
        labels: Its class.
        before: What the first classifier calls it.
        after: What the second calls it.
        hits: Whether each is right, where another rule than equality with the label says so.

    Returns:
        Columns ``image``, ``label``, ``before``, ``after``, ``flip``, in the images' order. Under several right answers
        an image that went from right to right isn't listed.

    Raises:
        UsageError: If the arrays differ in length.
    """
    if not len(images) == len(labels) == len(before) == len(after):
        raise UsageError(
            "images, labels and both predictions must be of the same images, got "
            f"{len(images)}, {len(labels)}, {len(before)} and {len(after)}; join them by image first."
        )
    was, now = hits or (before == labels, after == labels)
    flip = np.where(now & ~was, FIXED, np.where(was & ~now, BROKEN, MOVED))
    changed = (before != after) & ~(was & now)
    return pd.DataFrame(
        {
            "image": images[changed],
            "label": labels[changed],
            "before": before[changed],
            "after": after[changed],
            "flip": flip[changed],
        }
    )


def class_flips(flips: pd.DataFrame, num_images: Int[np.ndarray, " class"]) -> pd.DataFrame:
    """One row a class: what it gained, what it lost, and to whom.

    Args:
        flips: As :func:`image_flips` gives them.
        num_images: How many images each class has.

    Returns:
        ``fixed`` and ``broken`` (images of the class), ``gain`` (their difference as a share of the class), ``p_exact``
        of McNemar's test and ``p_holm`` over the classes in which anything flipped, ``taken_by`` (the class that took
        most of the broken images, -1 if none broke) and ``taken_from`` (the class that most of the images which came to
        this class had been called right as: what mending this class cost it), with the numbers of both.
    """
    num_classes = len(num_images)
    label = checked_labels(flips.label.to_numpy(), num_classes=num_classes)
    fixed, broken = (
        np.bincount(label[(flips.flip == kind).to_numpy()], minlength=num_classes) for kind in (FIXED, BROKEN)
    )
    flipped = fixed + broken > 0
    p_exact = np.full(num_classes, np.nan)
    p_exact[flipped] = [mcnemar(int(a), int(b)).p_exact for a, b in zip(fixed[flipped], broken[flipped], strict=True)]
    lost = flips[flips.flip == BROKEN]
    taken_by, num_taken = _most_frequent(lost.label.to_numpy(), lost.after.to_numpy(), num_classes)
    taken_from, num_from = _most_frequent(lost.after.to_numpy(), lost.label.to_numpy(), num_classes)
    with np.errstate(invalid="ignore"):
        gain = (fixed - broken) / num_images
    return pd.DataFrame(
        {
            "num_images": num_images,
            "fixed": fixed,
            "broken": broken,
            "gain": gain,
            "p_exact": p_exact,
            "p_holm": holm(p_exact),
            "taken_by": taken_by,
            "num_taken_by": num_taken,
            "taken_from": taken_from,
            "num_taken_from": num_from,
        }
    )


def _most_frequent(
    of: Int[np.ndarray, " flip"], value: Int[np.ndarray, " flip"], num_classes: int
) -> tuple[Int[np.ndarray, " class"], Int[np.ndarray, " class"]]:
    """The most frequent value that stands beside each class (of equal ones the lowest, -1 for none), and how often."""
    kinds, counts = np.unique(of.astype(np.int64) * num_classes + value.astype(np.int64), return_counts=True)
    order = np.lexsort((-kinds, counts))
    most, times = np.full(num_classes, -1, dtype=np.int64), np.zeros(num_classes, dtype=np.int64)
    most[kinds[order] // num_classes] = kinds[order] % num_classes
    times[kinds[order] // num_classes] = counts[order]
    return most, times
