"""F1 of the labels that are predicted, over classes (CF1) and over all labels (OF1)."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Float, Int

from misfire.core.errors import UsageError
from misfire.metrics.mean_average_precision import ZEROS


@final
@dataclass(frozen=True, eq=False)
class MultilabelF1:
    """Precision, recall and F1 as multi-label papers print them, as fractions in [0, 1]; higher is better.

    Args:
        class_precision: CP: mean over the classes of the share of its predictions that are right.
        class_recall: CR: mean over the classes of the share of its images that are predicted.
        class_f1: CF1: harmonic mean of the two means.
        overall_precision: OP: share of all predictions that are right.
        overall_recall: OR: share of all labels that are predicted.
        overall_f1: OF1: harmonic mean of these two.
        per_class: F1 of each class.
    """

    class_precision: float
    class_recall: float
    class_f1: float
    overall_precision: float
    overall_recall: float
    overall_f1: float
    per_class: Float[np.ndarray, " class"]


def multilabel_f1(
    predicted: Bool[Any, "image class"], labels: Int[Any, "labelled_image labelled_class"], *, zeros: str = "ignore"
) -> MultilabelF1:
    """CF1 and OF1 of predicted labels.

    A class that is never predicted has no precision; as in the published figures it counts as 0 in CP, because leaving
    it out would pay for predicting nothing.

    Args:
        predicted: Whether each class is predicted to be present in each image.
        labels: 1 present, -1 absent, 0 neither.
        zeros: ``ignore`` leaves an image out of the classes for which it has 0; ``negative`` counts it as absent.

    Raises:
        UsageError: If the shapes differ, a label isn't -1, 0 or 1, a class has no positive image, or ``zeros`` is
            neither.

    Reference:
        Wei et al., "HCP: a flexible CNN framework for multi-label image classification", TPAMI 38, 2016.

    Example:
        >>> labels = np.array([[1, -1], [1, 1]])
        >>> found = multilabel_f1(np.array([[True, False], [False, True]]), labels)
        >>> round(found.overall_f1, 4), found.per_class.round(4).tolist()  # 2 of 2 predictions, 2 of 3 labels
        (0.8, [0.6667, 1.0])
    """
    if zeros not in ZEROS:
        raise UsageError(f"zeros must be ignore or negative, got {zeros!r}; ignore leaves difficult objects out.")
    chosen, known = (np.asarray(values.cpu() if hasattr(values, "cpu") else values) for values in (predicted, labels))
    if chosen.ndim != 2 or chosen.shape != known.shape or not chosen.size or not np.isin(known, (-1, 0, 1)).all():
        raise UsageError(
            "predictions and labels must be matrices of one shape (image, class) with labels in -1, 0, 1, got "
            f"{chosen.shape} and {known.shape} with {np.unique(known).tolist()[:5]}; give each image a row in both."
        )
    is_positive = known == 1
    if not is_positive.any(axis=0).all():
        missing = int((~is_positive.any(axis=0)).sum())
        raise UsageError(
            f"each class must have a positive image, got {missing} of {known.shape[1]} classes without, whose recall "
            "is undefined; leave them out and say so."
        )
    counted = chosen & (known != 0) if zeros == "ignore" else chosen
    right, claimed, present = (chosen & is_positive).sum(axis=0), counted.sum(axis=0), is_positive.sum(axis=0)
    precision, recall = right / np.maximum(claimed, 1), right / present
    overall_precision = float(right.sum() / max(int(claimed.sum()), 1))
    overall_recall = float(right.sum() / present.sum())
    return MultilabelF1(
        class_precision=float(precision.mean()),
        class_recall=float(recall.mean()),
        class_f1=_harmonic(float(precision.mean()), float(recall.mean())),
        overall_precision=overall_precision,
        overall_recall=overall_recall,
        overall_f1=_harmonic(overall_precision, overall_recall),
        per_class=2 * right / (claimed + present),
    )


def _harmonic(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
