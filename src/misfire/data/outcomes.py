"""What a model made of each image, from a file: label and prediction, whether it was right, or a score."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from misfire.core.errors import UsageError, name_some
from misfire.core.hashing import sha256_bytes, sha256_json
from misfire.data.column_file import ColumnFile

_SCORES = "score_"


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Outcomes of one model on some images, a row an image, in the order of the images' names.

    Args:
        images: Name of each image, as its file calls it; each once.
        class_names: Names of the classes.
        labels: Class of each image, a position in ``class_names``.
        correct: Whether the model is right on it.
        predictions: Predicted class of each image, where it is known: a position in ``prediction_names``.
        prediction_names: What predictions may be; finer than the classes where classes are groups.
        fine_labels: The image's own fine class, a position in ``prediction_names``; None where classes aren't groups.
        scores: A number an image: a confidence, an IoU, a reciprocal rank. Higher is better.
        class_scores: A score of each class for each image, in the order of ``class_names``.
        remarks: Sentences about how the file was read that belong beside every result.
    """

    images: tuple[str, ...]
    class_names: tuple[str, ...]
    labels: Int[np.ndarray, " image"]
    correct: Bool[np.ndarray, " image"]
    predictions: Int[np.ndarray, " image"] | None = None
    prediction_names: tuple[str, ...] = ()
    fine_labels: Int[np.ndarray, " image"] | None = None
    scores: Float[np.ndarray, " image"] | None = None
    class_scores: Float[np.ndarray, "image class"] | None = None
    remarks: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.images)

    @property
    def accuracy(self) -> float:
        """Share of the images on which the model is right."""
        return float(self.correct.mean())

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what is said of which images; neither remarks nor the file's name are part of it."""
        arrays = [self.labels, self.correct, self.predictions, self.fine_labels, self.scores, self.class_scores]
        return sha256_json(
            [
                list(self.images),
                list(self.class_names),
                list(self.prediction_names),
                [
                    None if array is None else sha256_bytes(np.ascontiguousarray(array, dtype="<f8").tobytes())
                    for array in arrays
                ],
            ]
        )

    def take(self, rows: Sequence[int] | Int[np.ndarray, " row"] | Bool[np.ndarray, " image"]) -> "Outcomes":
        """Some of the images, by position or by mask."""
        chosen = np.arange(len(self))[np.asarray(rows)]
        optional: dict[str, Any] = {
            name: None if (values := getattr(self, name)) is None else values[chosen]
            for name in ("predictions", "fine_labels", "scores", "class_scores")
        }
        return replace(
            self,
            images=tuple(self.images[row] for row in chosen),
            labels=self.labels[chosen],
            correct=self.correct[chosen],
            **optional,
        )


def read_outcomes(
    path: Path,
    *,
    image: str = "image",
    label: str = "label",
    prediction: str = "prediction",
    fine_label: str | None = None,
    correct: str = "correct",
    score: str = "score",
    correct_from: float | None = None,
) -> Outcomes:
    """Outcomes from CSV, TSV, JSON lines, Parquet or NPZ with a row an image.

    An image is right where its prediction is its label (its ``fine_label`` where classes are groups of finer ones). A
    file without predictions says so in a column ``correct`` of 0 and 1, or by a score of at least ``correct_from``.
    Columns ``score_CLASS`` are the scores of the classes, in NPZ a matrix ``scores`` with a vector ``class_names``, in
    which labels and predictions that are whole numbers are positions. Where nothing else says what was predicted, the
    highest score does, of equal ones the first. A row that stands twice counts once, and is said.

    Args:
        path: The file.
        image: Column of the image's name.
        label: Column of the class; all images are of one class, ``all``, where the file has none.
        prediction: Column of the predicted class.
        fine_label: Column of the fine class that predictions are compared with, where ``label`` is a group of them.
        correct: Column of 0 and 1.
        score: Column of a number an image.
        correct_from: The score from which on an image counts as right, for files that have neither of the two.

    Raises:
        UsageError: If the file can't be read, an image stands twice with different outcomes, or nothing says which
            images are right.
    """
    file = ColumnFile(path)
    names = file.texts(image)
    of_classes = (label, prediction, fine_label or label)
    told = {column: file.classes(column) for column in of_classes if column in file.columns}
    if fine_label is not None and fine_label not in file.columns:
        file.raw(fine_label)  # says what there is
    scores = file.numbers(score) if score in file.columns else None
    labels = told.get(label, ["all"] * len(names))
    truth = told.get(fine_label, labels) if fine_label else labels
    score_columns = [column for column in file.columns if column.startswith(_SCORES)]
    class_names = _sorted_names({*labels, *(column.removeprefix(_SCORES) for column in score_columns)})
    class_scores = _class_scores(file, class_names, score_columns)
    if class_scores is not None and not {prediction, correct} & file.columns.keys():
        told[prediction] = [class_names[place] for place in class_scores.argmax(axis=1)]
    is_correct = _is_correct(file, told.get(prediction), truth, correct, scores, correct_from)
    prediction_names = _sorted_names({*told[prediction], *truth}) if prediction in told else ()
    outcomes = Outcomes(
        images=tuple(names),
        class_names=class_names,
        labels=_positions(labels, class_names),
        correct=is_correct,
        predictions=_positions(told[prediction], prediction_names) if prediction in told else None,
        prediction_names=prediction_names,
        fine_labels=_positions(truth, prediction_names) if fine_label and prediction in told else None,
        scores=scores,
        class_scores=class_scores,
    )
    return _each_once(outcomes, path)


def _is_correct(
    file: ColumnFile,
    predictions: list[str] | None,
    truth: list[str],
    correct: str,
    scores: np.ndarray | None,
    correct_from: float | None,
) -> np.ndarray:
    if predictions is not None:
        return np.array([told == true for told, true in zip(predictions, truth, strict=True)])
    if correct in file.columns:
        return file.truths(correct)
    if scores is not None and correct_from is not None:
        return np.asarray(scores >= correct_from)
    raise UsageError(
        f"{file.path} must say which images are right by a column of predictions, a column {correct} of 0 and 1, or a "
        f"score with a bound, got the columns {', '.join(list(file.columns)[:10])}; name the column, or set "
        "correct_from."
    )


def _class_scores(file: ColumnFile, class_names: tuple[str, ...], columns: list[str]) -> np.ndarray | None:
    if not columns:
        return None
    missing = [name for name in class_names if f"{_SCORES}{name}" not in file.columns]
    if missing:
        raise UsageError(
            f"{file.path} must have a column {_SCORES}CLASS for every class or for none, it lacks "
            f"{name_some(missing)}; add them."
        )
    return np.stack([file.numbers(f"{_SCORES}{name}") for name in class_names], axis=1)


def _each_once(outcomes: Outcomes, path: Path) -> Outcomes:
    """The outcomes by image name, rows that say the same of the same image merged."""
    order = sorted(range(len(outcomes)), key=lambda row: outcomes.images[row])
    kept = [
        row for place, row in enumerate(order) if not place or outcomes.images[order[place - 1]] != outcomes.images[row]
    ]
    if len(kept) == len(order):
        return outcomes.take(order)
    first = {outcomes.images[row]: row for row in kept}
    arrays = [outcomes.labels, outcomes.correct, outcomes.predictions, outcomes.fine_labels, outcomes.scores]
    differing = sorted(
        {
            name
            for row, name in enumerate(outcomes.images)
            if any(array is not None and array[row] != array[first[name]] for array in arrays)
        }
    )
    if differing:
        raise UsageError(
            f"{path} must say one thing of an image, got different rows of {name_some(differing)}; keep one row each."
        )
    again = len(order) - len(kept)
    remark = f"{again} rows stand in {path.name} a second time and count once."
    if again == 1:
        remark = f"1 row stands in {path.name} a second time and counts once."
    return replace(outcomes.take(kept), remarks=(remark,))


def _positions(values: list[str], names: tuple[str, ...]) -> np.ndarray:
    place = {name: position for position, name in enumerate(names)}
    return np.array([place[value] for value in values], dtype=np.int64)


def _sorted_names(names: set[str]) -> tuple[str, ...]:
    """In the order of numbers where all are whole numbers, else of the alphabet."""
    return tuple(sorted(names, key=int if all(name.isdecimal() for name in names) else str))
