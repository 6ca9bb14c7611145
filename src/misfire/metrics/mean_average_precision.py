"""Average precision of each class's ranking of the images, and its mean over the classes."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Bool, Float, Int, Num

from misfire.core.errors import UsageError, name_some

ZEROS = ("ignore", "negative")
INTERPOLATIONS = ("none", "voc2007")

# The devkit's recall levels 0, 0.1, ... 1. A recall that equals a level but for rounding reaches it.
_LEVELS = np.arange(11) / 10
_ROUNDING = 1e-9


@final
@dataclass(frozen=True, eq=False)
class MeanAveragePrecision:
    """Average precision of each class, and their mean, as fractions in [0, 1]; higher is better."""

    mean: float
    per_class: Float[np.ndarray, " class"]


def mean_average_precision(
    scores: Float[Any, "image class"],
    labels: Int[Any, "labelled_image labelled_class"],
    *,
    zeros: str = "ignore",
    interpolation: str = "none",
) -> MeanAveragePrecision:
    """Mean over the classes of the average precision with which a class's scores rank the images, in [0, 1].

    Without interpolation it is the mean, over the positive images, of the precision at their place; this is
    scikit-learn's and COCO's multi-label figure, 1 where every positive stands above every negative. Equal scores are
    one place: images of a class that share a score are retrieved together, so that no order of the images changes the
    result. (Public multi-label codes leave ties to an unstable sort.)

    Args:
        scores: Score of each image for each class, higher for a likelier presence; only a class's order matters.
        labels: 1 present, -1 absent, 0 neither: an unknown label, or VOC's object that is marked difficult.
        zeros: ``ignore`` leaves an image out of the classes for which it has 0, as VOC's devkit does with difficult
            objects; ``negative`` counts it as an image without the class, as many public codes do.
        interpolation: ``none``, or ``voc2007``: the mean over the recall levels 0, 0.1, ... 1 of the highest precision
            at that recall or a higher one.

    Raises:
        UsageError: If the shapes differ, nothing is scored, a score isn't finite, a label isn't -1, 0 or 1, a class has
            no positive image (its average precision is undefined), or a setting isn't one of those above.

    Reference:
        Everingham et al., "The PASCAL Visual Object Classes (VOC) challenge", IJCV 88, 2010, section 4.2.

    Example:
        >>> result = mean_average_precision(np.array([[0.9], [0.8], [0.7]]), np.array([[1], [-1], [1]]))
        >>> round(result.mean, 4)  # precision 1/1 at the first positive, 2/3 at the second
        0.8333
    """
    if zeros not in ZEROS:
        raise UsageError(f"zeros must be ignore or negative, got {zeros!r}; ignore leaves difficult objects out.")
    if interpolation not in INTERPOLATIONS:
        raise UsageError(f"interpolation must be none or voc2007, got {interpolation!r}; papers of today use none.")
    scored, known = checked_scores(scores, labels)
    empty = np.flatnonzero(~(known == 1).any(axis=0))
    if len(empty):
        raise UsageError(
            f"each class must have a positive image, got {name_some(empty)} of {known.shape[1]} classes (counted from "
            "0) without, whose average precision is undefined; leave them out and say so."
        )
    by_class = zip(np.ascontiguousarray(scored.T), np.ascontiguousarray(known.T), strict=True)
    per_class = np.array([_of_class(one, own, zeros=zeros, interpolation=interpolation) for one, own in by_class])
    return MeanAveragePrecision(mean=float(per_class.mean()), per_class=per_class)


def _of_class(
    scores: Float[np.ndarray, " image"], labels: Int[np.ndarray, " image"], *, zeros: str, interpolation: str
) -> float:
    """Average precision of one class: at each positive the share of positives among all that score at least as high."""
    positive = np.sort(scores[labels == 1])
    counted = np.sort(scores if zeros == "negative" else scores[labels != 0])
    found = len(positive) - np.searchsorted(positive, positive)
    precision = found / (len(counted) - np.searchsorted(counted, positive))
    if interpolation == "none":
        return float(precision.mean())
    # From the lowest score up: what is accumulated is the highest precision at a recall at least as high.
    envelope = np.maximum.accumulate(precision)
    needed = _LEVELS * len(positive) - _ROUNDING
    return float(np.mean([envelope[np.flatnonzero(found >= least)[-1]] for least in needed]))


@final
class RankedImages:
    """Images sorted once by each class's scores, so that weighted samples of them cost no further sort.

    Args:
        scores: Finite scores.
        labels: Labels in -1, 0, 1.
        zeros: As :func:`mean_average_precision` takes it.
    """

    def __init__(
        self, scores: Float[np.ndarray, "image class"], labels: Int[np.ndarray, "image class"], *, zeros: str
    ) -> None:
        # Rows are classes from here on: a sort and a running sum along memory.
        falling = np.ascontiguousarray(-scores.T)
        num_classes, num_images = falling.shape
        self._order = np.argsort(falling, axis=1)
        places = self._order + np.arange(num_classes)[:, None] * num_images
        sorted_scores = falling.ravel()[places]
        sorted_labels = np.ascontiguousarray(labels.T).ravel()[places]
        self._is_positive: Bool[np.ndarray, "class image"] = sorted_labels == 1
        self._counts = np.ones_like(self._is_positive) if zeros == "negative" else sorted_labels != 0
        self._counts_all = bool(self._counts.all())
        ends_group = np.ones_like(self._is_positive)
        ends_group[:, :-1] = sorted_scores[:, 1:] != sorted_scores[:, :-1]
        self._has_ties = not ends_group.all()
        # The positives of all classes one after another: few of all images, and all that is summed over.
        self._positive = np.flatnonzero(self._is_positive)
        self._owner = self._positive // num_images
        self._num_positive = np.bincount(self._owner, minlength=num_classes)
        self._start = np.concatenate([[0], self._num_positive.cumsum()[:-1]])
        # For each of them the last place of its group of equal scores, and the last positive up to there.
        self._end, self._last = self._positive, np.arange(len(self._positive))
        if self._has_ties:
            last = np.where(ends_group, np.arange(num_images), num_images)
            self._group_end = np.minimum.accumulate(last[:, ::-1], axis=1)[:, ::-1]
            self._end = self._owner * num_images + self._group_end.ravel()[self._positive]
            self._last = np.searchsorted(self._positive, self._end, side="right") - 1

    def average_precision(
        self, weights: Num[np.ndarray, " image"] | None = None, *, interpolation: str = "none"
    ) -> Float[np.ndarray, " class"]:
        """Average precision of each class where image ``i`` stands ``weights[i]`` times, once where none are given.

        A class whose positive images all have weight 0 is NaN: its average precision is undefined.
        """
        if interpolation == "none":
            return self._plain(weights)
        dtype = np.int64 if weights is None else np.float64
        positive = self._is_positive.astype(dtype)
        counted = self._counts.astype(dtype)
        if weights is not None:
            drawn = weights[self._order]
            positive, counted = positive * drawn, counted * drawn
        found, seen = positive.cumsum(axis=1), counted.cumsum(axis=1)
        if self._has_ties:
            found = np.take_along_axis(found, self._group_end, axis=1)
            seen = np.take_along_axis(seen, self._group_end, axis=1)
        total = found[:, -1]
        precision = found / np.maximum(seen, 1)
        with np.errstate(invalid="ignore", divide="ignore"):
            recall = found / total[:, None]
        # Highest precision at a place or below it, where recall is as high or higher.
        envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        first = np.array([np.searchsorted(row, _LEVELS - _ROUNDING) for row in recall])
        reached = first < recall.shape[1]
        values = np.where(reached, np.take_along_axis(envelope, np.minimum(first, recall.shape[1] - 1), axis=1), 0.0)
        return np.where(total > 0, values.mean(axis=1), np.nan)

    def _plain(self, weights: Num[np.ndarray, " image"] | None) -> Float[np.ndarray, " class"]:
        if weights is None:
            weights = np.ones(self._order.shape[1], dtype=np.int64)
        drawn = weights[self._order]
        of_positive = drawn.ravel()[self._positive].astype(np.float64)
        if not self._counts_all:
            drawn = drawn * self._counts
        seen = drawn.cumsum(axis=1).ravel()[self._end]
        up_to = np.concatenate([[0.0], of_positive.cumsum()])
        before = up_to[self._start]
        found = up_to[self._last + 1] - before[self._owner]
        sums = np.bincount(self._owner, of_positive * found / np.maximum(seen, 1), minlength=len(before))
        total = up_to[self._start + self._num_positive] - before
        precision: Float[np.ndarray, " class"] = np.divide(
            sums, total, out=np.full(len(total), np.nan), where=total > 0
        )
        return precision


def checked_scores(scores: Any, labels: Any) -> tuple[Float[np.ndarray, "image class"], Int[np.ndarray, "image class"]]:
    """Scores and labels as arrays (from NumPy or torch), once they are what multi-label metrics take.

    Raises:
        UsageError: If the shapes differ or are empty, a score isn't finite, or a label isn't -1, 0 or 1.
    """
    scored, known = (np.asarray(values.cpu() if hasattr(values, "cpu") else values) for values in (scores, labels))
    if scored.ndim != 2 or scored.shape != known.shape or not scored.size:
        raise UsageError(
            f"scores and labels must be matrices of one shape (image, class), got {scored.shape} and {known.shape}; "
            "give each image a row and each class a column in both."
        )
    if not np.isfinite(scored).all():
        wrong = np.flatnonzero(~np.isfinite(scored).all(axis=1))
        raise UsageError(
            f"scores must be finite, got images {name_some(wrong)} (counted from 0) with scores that are not; check "
            "the features that they come from."
        )
    if known.dtype.kind not in "iufb" or not ((known == 0) | (known == 1) | (known == -1)).all():
        wrong = np.unique(known[~np.isin(known, (-1, 0, 1))])
        raise UsageError(
            f"labels must be 1 (present), -1 (absent) or 0 (unknown), got {name_some(wrong)}; write -1 where 0 meant "
            "absent."
        )
    return scored, known.astype(np.int8)
