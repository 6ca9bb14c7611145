"""Which classes a classifier confuses with each other, and whether it does so one way."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Int

from misfire.metrics.class_accuracies import checked_labels
from misfire.stats import benjamini_hochberg, holm, mcnemar

PAIR_COLUMNS = (
    "first",
    "second",
    "first_as_second",
    "second_as_first",
    "share_of_first",
    "share_of_second",
    "p_exact",
    "p_holm",
    "p_benjamini_hochberg",
)


def confused_pairs(
    labels: Int[np.ndarray, " image"], predictions: Int[np.ndarray, " image"], *, num_classes: int
) -> pd.DataFrame:
    """Every pair of classes of which one was ever called the other, the most confused first.

    The exact test asks whether an image that is called by the other's name is as likely of the one as of the other:
    McNemar's on the two counts. It speaks of counts, so where one class has more images, read the shares beside it. The
    p-values are adjusted for all the pairs of this table, by Holm (any false one) and by Benjamini and Hochberg (their
    share).

    Args:
        labels: Class of each image.
        predictions: What the classifier called it.
        num_classes: How many classes there are.

    Returns:
        One row a pair: the classes (first the one that is oftener called the other, of equal ones the lower number),
        how often each was called the other, which share of its images that is, and the p-values.

    Raises:
        UsageError: If the arrays differ in length or hold other numbers than classes.

    Example:
        >>> labels, said = np.array([0, 0, 0, 1, 2]), np.array([1, 1, 0, 0, 2])
        >>> confused_pairs(labels, said, num_classes=3)[["first", "second", "first_as_second", "second_as_first"]]
           first  second  first_as_second  second_as_first
        0      0       1                2                1
    """
    labels = checked_labels(labels, num_classes=num_classes)
    predictions = checked_labels(predictions, num_classes=num_classes, what="predictions")
    wrong = labels != predictions
    kinds, counts = np.unique(labels[wrong] * num_classes + predictions[wrong], return_counts=True)
    true, said = kinds // num_classes, kinds % num_classes
    pair, row = np.unique(np.minimum(true, said) * num_classes + np.maximum(true, said), return_inverse=True)
    low, high = pair // num_classes, pair % num_classes
    ways = np.zeros((2, len(pair)), dtype=np.int64)
    ways[(true > said).astype(np.int64), row] = counts  # the lower class called the higher, and the other way round
    swapped = ways[1] > ways[0]
    num_images = np.bincount(labels, minlength=num_classes)
    first, second = np.where(swapped, high, low), np.where(swapped, low, high)
    there, back = ways.max(axis=0), ways.min(axis=0)
    p_exact = np.array([mcnemar(int(one), int(other)).p_exact for one, other in zip(there, back, strict=True)])
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = there / num_images[first], back / num_images[second]
    columns = (first, second, there, back, *shares, p_exact, holm(p_exact), benjamini_hochberg(p_exact))
    table = pd.DataFrame(dict(zip(PAIR_COLUMNS, columns, strict=True)))
    order = np.lexsort((second, first, -(there + back)))
    return table.iloc[order].reset_index(drop=True)


def class_rivals(
    labels: Int[np.ndarray, " image"], predictions: Int[np.ndarray, " image"], *, num_classes: int
) -> pd.DataFrame:
    """One row a class: what it is called instead most often, and how one-sided that is.

    Returns:
        ``rival`` (-1 where no image of the class is misclassified; of equal ones the lowest number), ``called_rival``
        and ``rival_called_it`` (numbers of images), and ``never_predicted``: whether no image at all is given to the
        class.

    Raises:
        UsageError: As :func:`confused_pairs` does.
    """
    labels = checked_labels(labels, num_classes=num_classes)
    predictions = checked_labels(predictions, num_classes=num_classes, what="predictions")
    wrong = labels != predictions
    kinds, counts = np.unique(labels[wrong] * num_classes + predictions[wrong], return_counts=True)
    rival = np.full(num_classes, -1, dtype=np.int64)
    called = np.zeros(num_classes, dtype=np.int64)
    order = np.lexsort((-kinds, counts))  # the last to be written stays: the largest count, of equal ones the lowest
    rival[kinds[order] // num_classes] = kinds[order] % num_classes
    called[kinds[order] // num_classes] = counts[order]
    count_of = dict(zip(kinds.tolist(), counts.tolist(), strict=True))
    back = [count_of.get(int(other) * num_classes + one, 0) for one, other in enumerate(rival)]
    return pd.DataFrame(
        {
            "rival": rival,
            "called_rival": called,
            "rival_called_it": np.array(back, dtype=np.int64),
            "never_predicted": np.bincount(predictions, minlength=num_classes) == 0,
        }
    )


def classes_that_share_a_name(names: Sequence[str]) -> list[tuple[int, ...]]:
    """Groups of classes whose prompts are the same, so that all but the first are at 0 % by construction.

    Names are compared as they are rendered: case, underscores, hyphens and spaces don't tell two apart.

    Example:
        >>> classes_that_share_a_name(["missile", "crane", "Missile", "crane_", "cat"])
        [(0, 2), (1, 3)]
    """
    groups: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        groups.setdefault(" ".join(name.replace("_", " ").replace("-", " ").casefold().split()), []).append(index)
    return [tuple(group) for group in groups.values() if len(group) > 1]
