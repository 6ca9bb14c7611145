"""One evaluation of a zero-shot classifier: its worst classes found without labels, mended, and measured by labels."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, final

import numpy as np
from typing_extensions import override

from misfire.cells import CHOSEN, Cell, Estimates, Lab, Logged, Objective, Outcome, Paired, Settings
from misfire.cells.cell import Json
from misfire.core.counts import check_seed
from misfire.core.errors import UsageError
from misfire.data import Dataset
from misfire.data.class_names import read_class_names
from misfire.data.right_answers import read_right_answers
from misfire.methods.classification.design import Design, labels_of
from misfire.methods.classification.enriching import Enrich
from misfire.methods.classification.evaluation import AFTER, DELTA
from misfire.methods.classification.prior import PriorCorrection
from misfire.methods.classification.zero_shot import check_logit_scale

if TYPE_CHECKING:
    from misfire.cells import Question, ReportPart


@dataclass
class ClassifyConfig:
    """What ``misfire classify`` can be told, whichever of its two kinds of cell the dataset asks for."""

    backbone: Any
    dataset: Any
    found_on: Any
    templates: Any
    pooling: Any
    weighting: Any
    descriptions: Any
    prior: Any
    statistics: Any
    tracking: Any
    trainer: Any
    paths: Any
    seed: int
    enrich: Literal["all", "none", "worst_k"]
    share: float
    worst_k: int
    cutoffs: list[int]
    class_names: str | None
    labels_also: str | None
    labels_also_column: str
    others: list[Any]
    logit_scale: float
    side: Literal["dev", "test"] | None
    dev_share: float
    split_seed: int

    def __post_init__(self) -> None:
        check_seed(seed=self.seed, split_seed=self.split_seed)
        check_logit_scale(self.logit_scale)
        if not 0 < self.share <= 1:
            raise UsageError(f"share must be in (0, 1], got {self.share}; enrich=none leaves descriptions out.")
        if not 0 < self.dev_share < 1:
            raise UsageError(f"dev_share must be in (0, 1), got {self.dev_share}; 0.5 halves the images.")


@final
@dataclass(frozen=True)
class SameImages:
    """The mend is found on the images that are measured, without their labels."""


@final
@dataclass(frozen=True, eq=False)
class ClassificationCell(Design, Cell):
    """A zero-shot classifier before and after its mending, on labelled images, as its design says."""

    kind: ClassVar[str] = "classification"
    schema: ClassVar[type] = ClassifyConfig
    objectives: ClassVar[Mapping[str, Objective]] = {
        "worst": Objective("worst", "worst", AFTER, title="Worst@{k} (%)", scale=100),
        "accuracy": Objective("accuracy", "accuracy", AFTER, title="accuracy (%)", scale=100, has_cut_off=False),
        "macro_accuracy": Objective(
            "macro_accuracy", "macro_accuracy", AFTER, title="macro accuracy (%)", scale=100, has_cut_off=False
        ),
    }

    @classmethod
    @override
    def configured(cls, settings: Settings) -> "ClassificationCell":
        dataset: Dataset = settings["dataset"]
        found_on, prior = settings["found_on"], settings["prior"]
        names = settings["class_names"]
        also = settings["labels_also"]
        return cls(
            dataset=dataset,
            encoder=settings["backbone"],
            templates=settings["templates"],
            pooling=settings["pooling"],
            weighting=settings["weighting"],
            statistics=settings["statistics"],
            descriptions=settings["descriptions"],
            enrich=Enrich(settings["enrich"]),
            share=settings["share"],
            prior=prior if prior.strength else None,
            found_on=None if isinstance(found_on, SameImages) else found_on,
            worst_k=settings["worst_k"],
            cutoffs=tuple(settings["cutoffs"]),
            names=read_class_names(Path(names), labels_of(dataset).names) if names else (),
            also=read_right_answers(Path(also), answers=settings["labels_also_column"]) if also else None,
            logit_scale=settings["logit_scale"],
            side=settings["side"],
            dev_share=settings["dev_share"],
            split_seed=settings["split_seed"],
        )

    @override
    def identity(self) -> Mapping[str, Json]:
        labels = labels_of(self.dataset)
        found_on = self.found_on or self.dataset
        side: list[Json] | None = [self.side, self.dev_share, self.split_seed] if self.side else None
        described = self.descriptions if self.enrich is not Enrich.NONE else None
        return {
            "images": self.dataset.image_set.fingerprint,
            "labels": labels.fingerprint,
            "side": side,
            "found_on": found_on.image_set.fingerprint,
            "encoder": self.encoder.describe(),
            "names": list(self.names),
            "templates": list(self.templates.templates),
            "pooling": self.pooling.describe(),
            "weighting": _plain(self.weighting.describe()),
            "descriptions": described.describe() if described else None,
            "enrich": str(self.enrich),
            "share": self.share if described else None,
            "prior": asdict(self.prior) if self.prior else None,
            "worst_k": self.worst_k,
            "cutoffs": list(self.cutoffs),
            "labels_also": self.also.fingerprint if self.also else None,
            "logit_scale": self.logit_scale,
            "statistics": asdict(self.statistics),
        }

    @override
    def label(self) -> Mapping[str, str]:
        described = self.descriptions.name if self.descriptions and self.enrich is not Enrich.NONE else "none"
        return {
            "dataset": self.dataset.name,
            "backbone": self.encoder.name,
            "templates": self.templates.name,
            "pooling": self.pooling.name,
            "weighting": _in_short(self.weighting.describe()),
            "descriptions": described,
            "enrich": str(self.enrich),
            "share": f"{self.share:g}" if self.enrich is not Enrich.NONE else "none",
            "prior": _prior_in_short(self.prior),
            **({"side": self.side} if self.side else {}),
        }

    @property
    @override
    def name(self) -> str:
        said = self.label()
        mends = [f"prior {said['prior']}"] if self.prior else []
        if self.enrich is not Enrich.NONE:
            mends.insert(0, f"descriptions {said['descriptions']} of {said['enrich']}, share {said['share']}")
        side = [said["side"]] if "side" in said else []
        return " · ".join([said["dataset"], *side, said["templates"], said["weighting"], *mends])

    @property
    @override
    def marks(self) -> Mapping[str, str]:
        where = "other images" if self.found_on is not None else "the images that are measured, without their labels"
        return {"mend_found_on": where, "oracle": "no"}

    @property
    @override
    def data(self) -> tuple[str, str] | None:
        return self.dataset.name, self.dataset.image_set.fingerprint

    @override
    def run(self, lab: Lab) -> Outcome:
        from misfire.methods.classification.classifying import Classifying

        return Classifying(self, lab).outcome()

    @classmethod
    @override
    def headline(cls, estimates: Estimates, facts: Mapping[str, Any]) -> str:
        k = int(facts["headline_k"])
        worst = estimates.at("worst", k=k, group=AFTER)
        delta = estimates.find("worst", k=k, group=DELTA)
        change = f" ({100 * delta.value:+.1f} pp)" if delta else ""
        return f"{100 * worst.value:.1f} % worst@{k}{change}"

    @classmethod
    @override
    def tell(cls, logged: Logged) -> str:
        from misfire.methods.classification.words import told

        return told(logged)

    @classmethod
    @override
    def paired(cls, logged: Logged, *, k: int | None) -> Paired | None:
        records = logged.records
        if not logged.facts["is_mended"]:
            return None
        num_images = len(records)
        return Paired(
            unit=records["image"].to_numpy(),
            cluster=records["image"].to_numpy(),
            part=np.full(num_images, CHOSEN),
            weight=np.ones(num_images),
            before=records["hit_before"].to_numpy().astype(np.float64),
            after=records["hit_after"].to_numpy().astype(np.float64),
            data=str(logged.identity["labels"]),
            confidence=float(logged.identity["statistics"]["confidence"]),
        )

    @classmethod
    @override
    def report(cls, cells: Sequence[Logged], question: "Question") -> "ReportPart":
        from misfire.methods.classification.report import classification_part

        return classification_part(cells, question)


def _plain(description: Mapping[str, Any]) -> dict[str, Json]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in description.items()}


def _in_short(description: Mapping[str, Any]) -> str:
    """A weighting's name and those of its options that are numbers or truths."""
    options = [
        f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in description.items()
        if name != "weighting" and value is not None and value is not False and not isinstance(value, tuple)
    ]
    return " ".join([str(description["weighting"]), *options])


def _prior_in_short(prior: PriorCorrection | None) -> str:
    if prior is None:
        return "none"
    rounds = "" if prior.num_rounds == 1 else f" in {prior.num_rounds} rounds"
    return f"strength {prior.strength:g} at scale {prior.logit_scale:g}{rounds}"
