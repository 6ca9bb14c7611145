"""What an item's labels, from fallible annotators, say about its true category."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from misfire.core.errors import UsageError
from misfire.stats.agreement.labels import LabelTable, check_table, encode_labels, label_counts


def label_distribution(
    labels: LabelTable,
    *,
    categories: Sequence[Any],
    confusion: Int[np.ndarray, "given truth"] | Float[np.ndarray, "given truth"] | None = None,
) -> Float[np.ndarray, "item category"]:
    """Probability of each category being an item's true one, as its labels tell.

    An item with several labels has the share of its annotators behind each category, as if one of them, drawn at
    random, were right. An item with one label has that label's row of the measured confusion (see
    :func:`smoothed_confusion`).

    Args:
        labels: A row an item, a column an annotator; ``None``, ``-1``, NaN or "" is missing.
        categories: All categories in order.
        confusion: Counts of how often a label (row) met another annotator's on the same item (column); add the
            transpose where either annotator's labels are meant. Needed where an item has one label only.

    Raises:
        UsageError: If an item has no label, or only one and there is no confusion.

    Example:
        >>> label_distribution([["a", "b"], ["b", "b"]], categories=["a", "b"]).tolist()
        [[0.5, 0.5], [0.0, 1.0]]
    """
    codes, ordered = encode_labels(labels, categories=categories)
    check_table(codes)
    counts = label_counts(codes, len(ordered))
    num_labels = counts.sum(axis=1)
    if (num_labels == 0).any():
        raise UsageError(
            f"every item must have a label, got {int((num_labels == 0).sum())} of {len(codes)} without; leave them out."
        )
    distribution: Float[np.ndarray, "item category"] = counts / num_labels[:, None]
    is_single = num_labels == 1
    if is_single.any():
        if confusion is None:
            raise UsageError(
                f"items with one label need a measured confusion, got {int(is_single.sum())} of {len(codes)} such "
                "items and none; give the counts of a pair of annotators."
            )
        distribution[is_single] = smoothed_confusion(confusion)[counts[is_single].argmax(axis=1)]
    return distribution


def smoothed_confusion(
    confusion: Int[np.ndarray, "given truth"] | Float[np.ndarray, "given truth"], *, prior_weight: float = 1.0
) -> Float[np.ndarray, "given truth"]:
    """Row-normalised confusion in which rare categories borrow from the whole matrix.

    To each row ``prior_weight`` items are added that agree as often as all items do, and whose disagreements fall on
    the other categories as these are used. So a row of two items isn't taken at its word, a row of none has a
    distribution, and a matrix without disagreement stays without doubt. Another annotator isn't the truth: where both
    err this overstates the doubt of a label, so that intervals made of it are rather too wide.

    Raises:
        UsageError: If the matrix isn't square, a count is negative or not finite, all are 0 or the weight is negative.

    Example:
        >>> smoothed_confusion(np.array([[8, 2], [0, 0]])).round(3).tolist()
        [[0.8, 0.2], [0.2, 0.8]]
    """
    if confusion.shape[0] != confusion.shape[1] or not np.isfinite(confusion).all() or (confusion < 0).any():
        raise UsageError(
            f"a confusion must be a square matrix of counts >= 0, got shape {confusion.shape}; count pairs of labels."
        )
    if prior_weight < 0:
        raise UsageError(f"prior_weight must be >= 0, got {prior_weight}; use 1.0.")
    counts, total = confusion.astype(np.float64), float(confusion.sum())
    if total == 0:
        raise UsageError("a confusion must hold a pair of labels, got 0; let two annotators label common items.")
    agreement = float(np.trace(counts)) / total
    # Off the diagonal by use; evenly where no other category was used.
    used = counts.sum(axis=0) + counts.sum(axis=1)
    others = np.where(np.eye(len(counts), dtype=bool), 0.0, used)
    others[others.sum(axis=1) == 0] = 1.0
    np.fill_diagonal(others, 0.0)
    sums = others.sum(axis=1, keepdims=True)
    prior = agreement * np.eye(len(counts)) + (1 - agreement) * others / np.where(sums > 0, sums, 1.0)
    weighted = counts + prior_weight * prior
    rows = weighted.sum(axis=1, keepdims=True)
    result: Float[np.ndarray, "given truth"] = np.where(rows > 0, weighted / np.where(rows > 0, rows, 1.0), prior)
    return result
