"""Annotators that err with a known confusion matrix, for data whose truth is known."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from misfire.core.errors import UsageError, name_some
from misfire.core.seeding import generator
from misfire.failures.failure_set import Failure
from misfire.failures.taxonomy import AMBIGUOUS, Label, load_taxonomy

# How an annotator's mistakes on a failure of the row's category spread over the others. People confuse Ambiguous with
# a fine-grained Attribute most of all (section 5.3 of the paper), then with Object; the rest are neighbours in meaning.
_MISTAKES: dict[str, dict[str, float]] = {
    "Ambiguous": {"Attribute": 50, "Object": 25, "Action": 7, "Count": 6, "Context": 6, "Spatial": 6},
    "Object": {"Ambiguous": 45, "Attribute": 30, "Action": 5, "Count": 10, "Context": 5, "Spatial": 5},
    "Attribute": {"Ambiguous": 60, "Object": 22, "Action": 5, "Count": 4, "Context": 5, "Spatial": 4},
    "Action": {"Ambiguous": 40, "Object": 20, "Attribute": 20, "Count": 4, "Context": 6, "Spatial": 10},
    "Count": {"Ambiguous": 40, "Object": 30, "Attribute": 14, "Action": 4, "Context": 4, "Spatial": 8},
    "Context": {"Ambiguous": 40, "Object": 16, "Attribute": 24, "Action": 4, "Count": 4, "Spatial": 12},
    "Spatial": {"Ambiguous": 40, "Object": 20, "Attribute": 10, "Action": 8, "Count": 6, "Context": 16},
}


def typical_confusion(accuracy: float = 0.85) -> Float[np.ndarray, "truth given"]:
    """Chance of each given category for each true one, both in the taxonomy's order.

    Args:
        accuracy: Chance of the true category, the same for each; in [0, 1].

    Returns:
        A matrix whose rows sum to 1.

    Raises:
        UsageError: If the accuracy is outside [0, 1].

    Example:
        >>> typical_confusion(0.8)[0].round(3).tolist()
        [0.8, 0.05, 0.1, 0.014, 0.012, 0.012, 0.012]
    """
    if not 0 <= accuracy <= 1:
        raise UsageError(f"accuracy must be in [0, 1], got {accuracy}; use 0.85, not 85.")
    names = load_taxonomy().names
    mistakes = np.array([[_MISTAKES[truth].get(given, 0.0) for given in names] for truth in names])
    mistakes = mistakes / mistakes.sum(axis=1, keepdims=True)
    confusion: Float[np.ndarray, "truth given"] = accuracy * np.eye(len(names)) + (1 - accuracy) * mistakes
    return confusion


def check_annotator_names(names: Iterable[str]) -> None:
    """Refuse names that can't be files' names or that stand twice.

    Raises:
        UsageError: If there is no name, or one is unusable or repeated.
    """
    listed = list(names)
    if not listed:
        raise UsageError("there must be an annotator, got none; name at least one.")
    unusable = [name for name in listed if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name)]
    if unusable:
        raise UsageError(
            f"an annotator's name must be letters, digits, - and _, got {name_some(map(repr, unusable))}; "
            "it becomes a file's name."
        )
    repeated = sorted({name for name in listed if listed.count(name) > 1})
    if repeated:
        raise UsageError(f"annotators must have different names, got {name_some(repeated)} twice; rename one.")


@dataclass(frozen=True, eq=False)
class SimulatedAnnotator:
    """Labels a failure with a category drawn from the row of its true one.

    Each failure has its own random stream, so that a label depends on the seed, the annotator's name and the query, and
    not on what else is in the sheet. Where the truth is Ambiguous and is recognised, the subtype is right with
    ``subtype_accuracy``; what is mistaken for Ambiguous is called underspecified.

    Raises:
        UsageError: If the matrix isn't square in the taxonomy's size, or a row isn't a distribution.
    """

    name: str
    seed: int
    confusion: Float[np.ndarray, "truth given"] = field(default_factory=typical_confusion)
    subtype_accuracy: float = 0.9

    def __post_init__(self) -> None:
        check_annotator_names([self.name])
        names = load_taxonomy().names
        if self.confusion.shape != (len(names), len(names)):
            raise UsageError(
                f"a confusion matrix must have {len(names)} rows and columns, got {self.confusion.shape}; "
                f"use the taxonomy's order: {', '.join(names)}."
            )
        is_distribution = (self.confusion >= 0).all(axis=1) & np.isclose(self.confusion.sum(axis=1), 1.0)
        if not is_distribution.all():
            offenders = [names[row] for row in np.flatnonzero(~is_distribution)]
            raise UsageError(
                f"a confusion matrix's rows must sum to 1 without negatives, got {name_some(offenders)}; mend them."
            )
        if not 0 <= self.subtype_accuracy <= 1:
            raise UsageError(f"subtype_accuracy must be in [0, 1], got {self.subtype_accuracy}; use 0.9, not 90.")

    def label(self, failure: Failure) -> Label:
        """The label this annotator gives.

        Raises:
            UsageError: If the failure's true category is unknown.
        """
        if failure.category is None:
            raise UsageError(
                f"a simulated annotator must know the truth, got query {failure.query_id} without a category; "
                "let people annotate it."
            )
        taxonomy = load_taxonomy()
        rng = generator(self.seed, "annotator", self.name, failure.query_id)
        row = self.confusion[taxonomy.names.index(failure.category)]
        given = taxonomy.names[int(rng.choice(len(row), p=row / row.sum()))]
        return Label(given, self._subtype(failure, rng) if given == AMBIGUOUS else None)

    def _subtype(self, failure: Failure, rng: np.random.Generator) -> str:
        names = [subtype.name for subtype in load_taxonomy().category(AMBIGUOUS).subtypes]
        truth = failure.ambiguous_subtype or names[0]
        if failure.category != AMBIGUOUS or rng.random() < self.subtype_accuracy:
            return truth
        return str(rng.choice([name for name in names if name != truth]))
