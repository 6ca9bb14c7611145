"""The classes of any other model, from a file of its outcomes: nothing is embedded."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np
import pandas as pd
from typing_extensions import override

from misfire.cells import Cell, Estimates, Lab, Logged, Objective, Outcome, Settings
from misfire.cells.cell import Json
from misfire.core.errors import UsageError, name_some
from misfire.core.words import counted
from misfire.data.class_names import read_class_names
from misfire.data.outcomes import Outcomes, read_outcomes
from misfire.data.right_answers import RightAnswers, read_right_answers
from misfire.methods.classification.cell import ClassifyConfig
from misfire.methods.classification.evaluation import Judged, class_table, cutoffs_within, estimates_of
from misfire.methods.classification.rivals import confused_pairs
from misfire.stats import StatisticsSettings

if TYPE_CHECKING:
    from misfire.cells import Question, ReportPart


@final
@dataclass(frozen=True)
class OutcomeFile:
    """A file of one model's outcomes: a row an image, with its label and what the model called it.

    Args:
        path: CSV, TSV, JSON lines, Parquet or NPZ.
        name: What tables call the model; the file's and the prediction column's name if left out.
        image: Column of the image's name.
        label: Column of its class.
        prediction: Column of the predicted class; a file of score columns needs none.
    """

    path: str
    name: str = ""
    image: str = "image"
    label: str = "label"
    prediction: str = "prediction"

    @property
    def model(self) -> str:
        """What tables call the model."""
        return self.name or f"{Path(self.path).stem} {self.prediction}"

    def read(self) -> Outcomes:
        """The outcomes, in the order of the images' names.

        Raises:
            UsageError: If the file can't be read, or says nothing of the predicted classes.
        """
        outcomes = read_outcomes(Path(self.path), image=self.image, label=self.label, prediction=self.prediction)
        if outcomes.predictions is None:
            raise UsageError(
                f"{self.path} must have a column {self.prediction} of predicted classes or columns of scores, got "
                "neither; confusions can't be told from hits alone."
            )
        return outcomes


@final
@dataclass(frozen=True, eq=False)
class OutcomesCell(Cell):
    """The classes of a model that is known by its outcomes alone.

    Args:
        file: The model's outcomes.
        statistics: How uncertainty is measured.
        others: Outcomes of other models on the same classes.
        also: A second label set.
        names: What the classes are called, in the order of the labels' classes; their own names if empty.
        worst_k: How many classes count as the worst.
        cutoffs: Of Worst@k, beside ``worst_k``; those beyond the number of classes with images are left out.

    Raises:
        UsageError: If a file can't be read, or names and classes don't fit.
    """

    file: OutcomeFile
    statistics: StatisticsSettings
    others: Sequence[OutcomeFile] = ()
    also: RightAnswers | None = None
    names: tuple[str, ...] = ()
    worst_k: int = 10
    cutoffs: Sequence[int] = (1, 5, 10, 20, 100)

    kind: ClassVar[str] = "class_outcomes"
    schema: ClassVar[type] = ClassifyConfig
    objectives: ClassVar[Mapping[str, Objective]] = {}

    def __post_init__(self) -> None:
        classes = self.classes
        object.__setattr__(self, "names", tuple(self.names) or classes)
        if len(self.names) != len(classes):
            raise UsageError(
                f"every class of {self.file.path} must have a name, got {counted(len(self.names), 'name')} for "
                f"{name_some(classes)}; give the class names of these outcomes."
            )
        kept = cutoffs_within(self.cutoffs, self.worst_k, len(set(self.outcomes.labels.tolist())))
        object.__setattr__(self, "cutoffs", kept)

    @classmethod
    @override
    def configured(cls, settings: Settings) -> "OutcomesCell":
        file: OutcomeFile = settings["dataset"]
        names, also = settings["class_names"], settings["labels_also"]
        return cls(
            file=file,
            statistics=settings["statistics"],
            others=tuple(one for one in (_other(one, file) for one in settings["others"]) if not _is_same(one, file)),
            also=read_right_answers(Path(also), answers=settings["labels_also_column"]) if also else None,
            names=read_class_names(Path(names), _classes(file.read())) if names else (),
            worst_k=settings["worst_k"],
            cutoffs=tuple(settings["cutoffs"]),
        )

    @cached_property
    def outcomes(self) -> Outcomes:
        """The model's outcomes."""
        return self.file.read()

    @cached_property
    def other_outcomes(self) -> dict[str, Outcomes]:
        """The other models' outcomes, by their name."""
        return {file.model: file.read() for file in self.others}

    @property
    def classes(self) -> tuple[str, ...]:
        """All classes that an image has or that one is called."""
        return _classes(self.outcomes)

    @override
    def identity(self) -> Mapping[str, Json]:
        return {
            "outcomes": self.outcomes.fingerprint,
            "others": {name: outcomes.fingerprint for name, outcomes in self.other_outcomes.items()},
            "labels_also": self.also.fingerprint if self.also else None,
            "names": list(self.names),
            "worst_k": self.worst_k,
            "cutoffs": list(self.cutoffs),
            "statistics": asdict(self.statistics),
        }

    @override
    def label(self) -> Mapping[str, str]:
        return {"model": self.file.model, "labels_also": self.also.name if self.also else "none"}

    @property
    @override
    def name(self) -> str:
        return self.file.model

    @property
    @override
    def data(self) -> tuple[str, str] | None:
        return self.file.model, self.outcomes.fingerprint

    @override
    def run(self, lab: Lab) -> Outcome:
        classes = self.classes
        judged = self._judged(self.outcomes)
        others = {name: self._judged(outcomes).counts.accuracy for name, outcomes in self.other_outcomes.items()}
        k = max((k for k in self.cutoffs if k <= self.worst_k), default=min(self.cutoffs))
        table = class_table(judged, k=k, confidence=self.statistics.confidence, others=others)
        pairs = confused_pairs(judged.labels, judged.predictions, num_classes=len(classes))
        records = pd.DataFrame(
            {
                "image": list(self.outcomes.images),
                "label": judged.labels,
                "prediction": judged.predictions,
                "hit": judged.hits,
                **({"is_rated": judged.also[0], "hit_also": judged.also[1]} if judged.also else {}),
            }
        )
        return Outcome(
            records=records,
            estimates=Estimates.of(estimates_of(judged, cutoffs=self.cutoffs, settings=self.statistics)),
            facts={
                "headline_k": k,
                "num_images": len(records),
                "num_classes": len(classes),
                "worst_classes": [self.names[one] for one in judged.worst(k)],
                "shared_names": sorted(set(table.name[table.shares_name_with >= 0])),
                "remarks": list(self.outcomes.remarks),
                "others": list(others),
            },
            files={
                "classes.csv": table.to_csv(index=False).encode("utf-8"),
                "pairs.csv": pairs.head(200).to_csv(index=False).encode("utf-8"),
            },
        )

    @classmethod
    @override
    def headline(cls, estimates: Estimates, facts: Mapping[str, Any]) -> str:
        k = int(facts["headline_k"])
        return f"{100 * estimates.at('worst', k=k).value:.1f} % worst@{k}"

    @classmethod
    @override
    def tell(cls, logged: Logged) -> str:
        from misfire.methods.classification.words import told

        return told(logged)

    @classmethod
    @override
    def report(cls, cells: Sequence[Logged], question: "Question") -> "ReportPart":
        from misfire.methods.classification.report import outcomes_part

        return outcomes_part(cells, question)

    def _judged(self, outcomes: Outcomes) -> Judged:
        place = {name: index for index, name in enumerate(self.classes)}
        assert outcomes.predictions is not None  # OutcomeFile.read has seen to it
        of_label = np.array([place.get(name, -1) for name in outcomes.class_names], dtype=np.int64)
        of_prediction = np.array([place.get(name, -1) for name in outcomes.prediction_names], dtype=np.int64)
        labels, predictions = of_label[outcomes.labels], of_prediction[outcomes.predictions]
        known = labels >= 0
        also = None
        if self.also is not None and outcomes is self.outcomes:
            said = [outcomes.prediction_names[one] for one in outcomes.predictions]
            also = self.also.hits(outcomes.images, said)
        return Judged(self.names, labels[known], predictions[known], also)


def _classes(outcomes: Outcomes) -> tuple[str, ...]:
    names = {*outcomes.class_names, *outcomes.prediction_names}
    return tuple(sorted(names, key=int if all(name.isdecimal() for name in names) else str))


def _is_same(one: OutcomeFile, other: OutcomeFile) -> bool:
    """Whether both are of one model, whatever they are called: in a grid over models each meets itself."""
    return replace(one, name=other.name) == other


def _other(described: Any, file: OutcomeFile) -> OutcomeFile:
    """Another model's file: its path, or those of its columns that differ from the first one's."""
    given = {"path": described} if isinstance(described, str) else described
    known = [one.name for one in fields(OutcomeFile)]
    if not isinstance(given, Mapping) or not set(given) <= set(known):
        raise UsageError(
            f"others must be paths, or mappings with some of {', '.join(known)}, got {described}; write "
            "others=[{prediction: COLUMN}]."
        )
    return replace(file, **{"name": "", **given})
