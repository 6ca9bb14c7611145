"""Which labels of a training set are known: drawn from a seed, or read from a published file."""

import csv
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, Int8, Shaped

from misfire.core.errors import UsageError, name_some
from misfire.core.seeding import generator

_VALUES = (-1, 0, 1)


def draw_mask(shape: tuple[int, int], *, fraction: float | int, seed: int) -> Bool[np.ndarray, "image class"]:
    """Which labels are known: each by itself with probability ``fraction``, as the public codes draw them.

    One seed gives nested masks: what is known at a fraction is known at every larger one, so that a curve over
    fractions isn't blurred by other labels at each point.

    Raises:
        UsageError: If the fraction isn't in (0, 1].

    Example:
        >>> few, many = (draw_mask((100, 4), fraction=share, seed=0) for share in (0.1, 0.5))
        >>> bool((few & ~many).any())
        False
    """
    if not 0 < fraction <= 1:
        raise UsageError(f"the fraction of known labels must be in (0, 1], got {fraction}; use 0.1 for 10 %.")
    return generator(seed, "known labels").random(shape) < fraction


def hide(
    labels: Int[np.ndarray, "image class"], known: Bool[np.ndarray, "mask_image mask_class"]
) -> Int8[np.ndarray, "image class"]:
    """The labels with 0, unknown, wherever the mask doesn't show them.

    Raises:
        UsageError: If the mask is of another shape.
    """
    check_shape(known, labels)
    return np.where(known, labels, 0).astype(np.int8)


def check_shape(mask: Shaped[np.ndarray, "..."], labels: Shaped[np.ndarray, "..."]) -> None:
    """Reject a mask that isn't of the labels' images and classes."""
    if mask.shape != labels.shape:
        raise UsageError(
            "a mask must have a row for each image and a column for each class, got "
            f"{_rows_of_columns(mask.shape)} for {_rows_of_columns(labels.shape)} of labels; use the mask of this "
            "dataset and split."
        )


def known_fraction(partial: Int[np.ndarray, "image class"]) -> Float[np.ndarray, " class"]:
    """Share of the images whose label of each class is known (not 0), in [0, 1].

    Example:
        >>> known_fraction(np.array([[1, 0], [-1, 0], [0, 0], [1, 1]])).tolist()
        [0.75, 0.25]
    """
    return np.asarray((partial != 0).mean(axis=0), dtype=np.float64)


def read_mask(path: str | Path, classes: Sequence[str] | None = None) -> Int8[np.ndarray, "image class"]:
    """Partial labels of a file: a row an image, a column a class, 1 present, -1 absent, 0 unknown.

    A ``.npy`` array, or text with commas, semicolons, tabs or blanks between the values and, if it likes, a first line
    of class names. Nothing in it is unpickled.

    Args:
        path: The file.
        classes: Names of the dataset's classes in their order; a line of other names, or another number of columns, is
            refused.

    Raises:
        UsageError: If the file is missing or can't be read, rows differ in length, a value isn't -1, 0 or 1, or it is
            a mask for other classes.
    """
    place = Path(path)
    if not place.is_file():
        raise UsageError(f"a mask must be a file of rows of -1, 0 and 1, found none at {place}; check its path.")
    names, values = _read_array(place) if place.suffix == ".npy" else _read_rows(place)
    wrong = values[~np.isin(values, _VALUES)]
    if len(wrong):
        raise UsageError(
            f"a mask must hold -1 (absent), 0 (unknown) and 1 (present), got {len(wrong)} other values in {place}, the "
            f"first {wrong[0]:g}; convert it."
        )
    if classes is not None:
        _check_classes(place, names, values.shape[1], list(classes))
    return values.astype(np.int8)


def mask_csv(partial: Int[np.ndarray, "image class"], classes: Sequence[str]) -> bytes:
    """A mask as CSV with a line of class names, as :func:`read_mask` takes it."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(classes)
    writer.writerows(partial.tolist())
    return text.getvalue().encode("utf-8")


def _rows_of_columns(shape: tuple[int, ...]) -> str:
    return " x ".join(str(size) for size in shape)


def _read_array(place: Path) -> tuple[list[str] | None, Float[np.ndarray, "image class"]]:
    try:
        values = np.load(place, allow_pickle=False)
    except (ValueError, OSError, EOFError, MemoryError) as error:
        raise UsageError(
            f"a mask must be a plain NumPy array, got {place} ({error}); write it with np.save."
        ) from error
    if not isinstance(values, np.ndarray) or values.ndim != 2 or values.dtype.kind not in "iufb":
        shape = getattr(values, "shape", ())
        raise UsageError(
            f"a mask must be a matrix (image, class) of numbers, got shape {shape} in {place}; reshape it."
        )
    return None, values.astype(np.float64)


def _read_rows(place: Path) -> tuple[list[str] | None, Float[np.ndarray, "image class"]]:
    try:
        text = place.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"a mask must be UTF-8 text or .npy, got {place}; convert it.") from error
    lines = [line for line in text.splitlines() if line.strip()]
    delimiter = next((mark for mark in (",", ";", "\t") if lines and mark in lines[0]), None)
    rows: list[list[str]] = [
        [
            cell.strip()
            for cell in (line.split() if delimiter is None else next(csv.reader([line], delimiter=delimiter)))
        ]
        for line in lines
    ]
    names = None
    if rows and not all(_is_number(cell) for cell in rows[0]):
        names = rows.pop(0)
    width = len(names) if names is not None else len(rows[0]) if rows else 0
    uneven = [f"row {number}" for number, row in enumerate(rows, start=1) if len(row) != width]
    if not rows or uneven:
        raise UsageError(
            f"a mask must have a row for each image, all of one length, got {len(rows)} rows of which "
            f"{name_some(uneven)} aren't {width} long in {place}; restore the file."
        )
    strange = [cell for row in rows for cell in row if not _is_number(cell)]
    if strange:
        raise UsageError(
            f"a mask must hold -1 (absent), 0 (unknown) and 1 (present), got {len(strange)} other values in {place}, "
            f"the first {strange[0]!r}; convert it."
        )
    return names, np.array(rows, dtype=np.float64)


def _is_number(cell: str) -> bool:
    try:
        return not np.isnan(float(cell))
    except ValueError:
        return False


def _check_classes(place: Path, names: list[str] | None, width: int, classes: list[Any]) -> None:
    if names is not None and names != classes:
        strangers = [name for name in names if name not in classes] or ["the same in another order"]
        raise UsageError(
            f"a mask must be for the dataset's {len(classes)} classes, got {name_some(strangers)} in {place}; use the "
            "mask of this dataset."
        )
    if width != len(classes):
        raise UsageError(
            f"a mask must be for the dataset's {len(classes)} classes, got {width} columns in {place}; use the mask of "
            "this dataset."
        )
