"""Labels as small integers: the one place that knows what a missing label looks like."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Shaped

from misfire.core.errors import UsageError, name_some

MISSING = -1
_TRUTHS = {"True": True, "true": True, "False": False, "false": False}
_NUMBER = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,18})?")

Labels = Shaped[np.ndarray, " item"] | Sequence[Any]
LabelTable = Shaped[np.ndarray, "item annotator"] | Sequence[Sequence[Any]]


def is_missing(label: object) -> bool:
    """Whether a label stands for none: ``None``, ``-1``, NaN, an empty text, or what pandas and NumPy have for none.

    Example:
        >>> [is_missing(label) for label in (None, -1, float("nan"), "", "Object", 0)]
        [True, True, True, True, False, False]
    """
    if label is None or label is np.ma.masked:
        return True
    try:
        return bool(label != label) or label in (MISSING, "", str(MISSING))
    except TypeError:  # pandas.NA isn't even known to differ from itself
        return True


def encode_labels(
    labels: Labels | LabelTable, *, categories: Sequence[Any] | None = None
) -> tuple[Int[np.ndarray, "*shape"], tuple[Any, ...]]:
    """Position of each label among the categories, -1 where it is missing, and the categories.

    Args:
        labels: Texts or integers of any shape; ``None``, ``-1``, NaN and an empty text are missing labels. A number
            and its spelling (1, 1.0, "1", "1.0") are one label: one program writes what another reads as a text. So
            are a truth value and its spellings (``True``, "True", "true") where truth values are among the labels.
        categories: The possible labels in the wanted order; those that occur, sorted, where it is ``None``.

    Raises:
        UsageError: If a label isn't among the categories, a category stands twice, or labels are bytes.

    Example:
        >>> codes, categories = encode_labels(["b", None, "a"])
        >>> codes.tolist(), categories
        ([1, -1, 0], ('a', 'b'))
    """
    table = _as_array(labels)
    listed = [None if is_missing(label) else label for label in table.ravel().tolist()]
    raw = [label for label in listed if isinstance(label, bytes)]
    if raw:
        raise UsageError(f"labels must be texts or numbers, got bytes ({name_some(map(repr, raw))}); decode them.")
    truths = _TRUTHS if any(isinstance(label, bool) for label in listed) else {}
    listed = [truths.get(label, label) if isinstance(label, str) else label for label in listed]
    # A number goes before its spellings, and "1" before "1.0": the first is what the category is called.
    distinct = sorted({label for label in listed if label is not None}, key=_sort_key)
    values = {label: _value(label) for label in distinct}
    names = {values[label]: label for label in reversed(distinct)}
    ordered = tuple(sorted(names.values(), key=_sort_key)) if categories is None else tuple(categories)
    position = {_value(category): code for code, category in enumerate(ordered)}
    if len(position) < len(ordered):
        raise UsageError(f"categories must differ, got {name_some(ordered, most=10)}; name each once.")
    unknown = [names[value] for value in names if value not in position][::-1]
    if unknown:
        raise UsageError(
            f"labels must be among the categories {name_some(ordered, most=10)}, "
            f"got {name_some(map(repr, unknown))} that are not; correct them or name them as categories."
        )
    codes = np.array([MISSING if label is None else position[values[label]] for label in listed], dtype=np.int64)
    return codes.reshape(table.shape), ordered


def encode_pair(
    labels_a: Labels, labels_b: Labels, *, categories: Sequence[Any] | None = None
) -> tuple[Int[np.ndarray, " common"], Int[np.ndarray, " common"], tuple[Any, ...]]:
    """Codes of two annotators on the items that both labelled, and the categories.

    Raises:
        UsageError: If the two differ in length, or a label isn't among the categories.
    """
    if len(labels_a) != len(labels_b):
        raise UsageError(
            "two annotators' labels must be of the same items in the same order, got "
            f"{len(labels_a)} and {len(labels_b)}; join them by query id first."
        )
    codes, ordered = encode_labels(np.stack([_as_array(labels_a), _as_array(labels_b)], axis=1), categories=categories)
    first, second = codes[(codes != MISSING).all(axis=1)].T
    return first, second, ordered


def label_counts(codes: Int[np.ndarray, "item annotator"], num_categories: int) -> Float[np.ndarray, "item category"]:
    """How many annotators gave each item each category; missing labels count nowhere.

    Example:
        >>> label_counts(np.array([[0, 0, 1], [1, -1, 1]]), 2).tolist()
        [[2.0, 1.0], [0.0, 2.0]]
    """
    counts: Float[np.ndarray, "item category"]
    counts = (codes[:, :, None] == np.arange(num_categories)).sum(axis=1).astype(np.float64)
    return counts


def pairable_counts(
    labels: LabelTable,
) -> tuple[Float[np.ndarray, "pattern category"], Int[np.ndarray, " pattern"], tuple[Any, ...]]:
    """Distinct rows of label counts among the items with at least two labels, how often each occurs, the categories.

    Raises:
        UsageError: If the labels aren't a table of items and annotators.
    """
    codes, categories = encode_labels(labels)
    check_table(codes)
    counted = label_counts(codes, len(categories))
    patterns, counts = np.unique(counted[counted.sum(axis=1) >= 2], axis=0, return_counts=True)
    return patterns, counts, categories


def is_unanimous(patterns: Float[np.ndarray, "pattern category"]) -> bool:
    """Whether every pattern of label counts is of one category only, so that no item disagrees."""
    return bool((patterns.max(axis=1) == patterns.sum(axis=1)).all())


def check_table(codes: Int[np.ndarray, "*shape"]) -> None:
    """Reject labels that aren't a row an item and a column an annotator."""
    if codes.ndim != 2 or codes.size == 0:
        raise UsageError(
            "labels must be a table with a row an item and a column an annotator, at least one of each, got shape "
            f"{codes.shape}; leave a missing label as None."
        )


def _as_array(labels: Labels | LabelTable) -> Shaped[np.ndarray, "*shape"]:
    """Objects, so that NumPy turns no label into another type's text."""
    return labels.astype(object) if isinstance(labels, np.ndarray) else np.array(labels, dtype=object)


def _value(label: object) -> tuple[bool, Any]:
    """What labels are compared by: the number that a label is or spells as a program would, else its text.

    "01" and "1e3" are texts: who writes codes of two digits means them.
    """
    if not isinstance(label, str) or not _NUMBER.fullmatch(label):
        return isinstance(label, str), label
    number = int(label) if "." not in label else float(label)
    return (False, number) if str(number) == label else (True, label)


def _sort_key(label: object) -> tuple[bool, Any]:
    """Numbers before texts, each in its own order."""
    return isinstance(label, str), label
