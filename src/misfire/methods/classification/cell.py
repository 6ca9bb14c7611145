"""One evaluation of a zero-shot classifier: its worst classes found without labels, mended, and measured by labels."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, final

import numpy as np
import pandas as pd
import torch
from jaxtyping import Int
from typing_extensions import override

from misfire.cells import CHOSEN, Cell, Estimate, Estimates, Lab, Logged, Objective, Outcome, Paired, Settings, Slice
from misfire.cells.cell import Json
from misfire.core.counts import check_seed
from misfire.core.errors import UsageError, name_some
from misfire.core.seeding import generator
from misfire.core.words import counted
from misfire.data import ClassLabels, Dataset
from misfire.data.class_names import read_class_names
from misfire.data.right_answers import RightAnswers, read_right_answers
from misfire.embeddings import Encoder
from misfire.methods.classification.enriching import (
    Enrich,
    as_words,
    class_prompts,
    enriched_classes,
    enriched_prompts,
)
from misfire.methods.classification.evaluation import (
    Judged,
    class_table,
    cutoffs_within,
    differences,
    estimates_of,
)
from misfire.methods.classification.flips import class_flips, image_flips
from misfire.methods.classification.margin import ClassMatchingMargin, class_matching_margin
from misfire.methods.classification.pictures import contact_sheet, worst_first
from misfire.methods.classification.prior import PriorCorrection
from misfire.methods.classification.rivals import confused_pairs
from misfire.methods.classification.signals import label_free_signals, signal_table
from misfire.methods.classification.weighting import PromptWeighting, PromptWeights
from misfire.methods.classification.zero_shot import (
    Predictions,
    ZeroShotClassifier,
    check_logit_scale,
    zero_shot_classifier,
)
from misfire.prompts import TemplateSet
from misfire.prompts.descriptions import Descriptions, DescriptionSource, NoDescriptions
from misfire.scoring import EmbeddingMean, PromptPooling
from misfire.stats import StatisticsSettings

if TYPE_CHECKING:
    from misfire.cells import Question, ReportPart

BEFORE, AFTER, DELTA = "before", "after", "delta"
_IMAGES_ON_A_SHEET, _NAMES_ON_A_SHEET = 24, 5
_FEWEST_FOR_SIGNALS = 5


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
class ClassificationCell(Cell):
    """A zero-shot classifier before and after its mending, on labelled images.

    Before is the uniform ensemble of the templates. Whatever mends it (weights, descriptions of the worst classes, a
    prior taken away) is found on ``found_on`` without reading a label, and both are measured on ``dataset`` by its
    labels. Without ``found_on`` the images that are measured are looked at, still without their labels; the cell says
    so.

    Args:
        dataset: Labelled images.
        encoder: The model.
        templates: Templates with ``{class}``.
        pooling: Makes one score out of a class's prompts.
        weighting: Weighs the templates.
        statistics: How uncertainty is measured.
        descriptions: Says what classes look like; None for names alone.
        enrich: Which classes' prompts are enriched by it.
        share: Weight of the descriptions in an enriched prompt.
        prior: Takes the classifier's own prior away; None leaves it.
        found_on: Images on which the mend is found.
        worst_k: How many classes count as the worst.
        cutoffs: Of Worst@k, beside ``worst_k``; those beyond the number of classes are left out.
        names: What each class is called in prompts, in the order of the labels' classes; their own names if empty.
        also: A second label set.
        logit_scale: Scores are multiplied by it before a softmax.
        side: ``dev`` or ``test``: a random part of each class's images alone; None takes all. Where the mend is found
            on the same images, it is found on that part.
        dev_share: Share of the images that are dev.
        split_seed: Of the split into sides.

    Raises:
        UsageError: If the dataset has no labels, the names don't fit the classes, or an option is out of its range.
    """

    dataset: Dataset
    encoder: Encoder
    templates: TemplateSet
    pooling: PromptPooling
    weighting: PromptWeighting
    statistics: StatisticsSettings
    descriptions: DescriptionSource | None = None
    enrich: Enrich = Enrich.NONE
    share: float = 0.5
    prior: PriorCorrection | None = None
    found_on: Dataset | None = None
    worst_k: int = 10
    cutoffs: Sequence[int] = (1, 5, 10, 20, 100)
    names: tuple[str, ...] = ()
    also: RightAnswers | None = None
    logit_scale: float = 100.0
    side: str | None = None
    dev_share: float = 0.5
    split_seed: int = 42

    kind: ClassVar[str] = "classification"
    schema: ClassVar[type] = ClassifyConfig
    objectives: ClassVar[Mapping[str, Objective]] = {
        "worst": Objective("worst", "worst", AFTER, title="Worst@{k} (%)", scale=100),
        "accuracy": Objective("accuracy", "accuracy", AFTER, title="accuracy (%)", scale=100, has_cut_off=False),
        "macro_accuracy": Objective(
            "macro_accuracy", "macro_accuracy", AFTER, title="macro accuracy (%)", scale=100, has_cut_off=False
        ),
    }

    def __post_init__(self) -> None:
        labels = labels_of(self.dataset)
        object.__setattr__(self, "names", tuple(self.names) or labels.names)
        if len(self.names) != len(labels.names):
            raise UsageError(
                f"every class of {self.dataset.name} must have a name, got {counted(len(self.names), 'name')} for "
                f"{name_some(labels.names)}; give the class names of this dataset."
            )
        if not isinstance(self.templates, TemplateSet):
            raise UsageError(
                "templates must be one set for all classes here, got a choice by caption; use templates=class_photo or "
                "templates=class_many."
            )
        self.templates.check_asks_about("class")
        if not isinstance(self.pooling, PromptPooling):
            raise UsageError(
                "pooling must be a single one here, got a grid of taus; use pooling=embedding_mean, mean or max."
            )
        in_question = labels.labels[self.positions]
        kept = cutoffs_within(self.cutoffs, self.worst_k, len(np.unique(in_question)))
        object.__setattr__(self, "cutoffs", kept)
        if self.enrich is not Enrich.NONE and isinstance(self.descriptions, NoDescriptions | None):
            raise UsageError(
                f"enrich={self.enrich} needs descriptions, got none; choose some, such as descriptions=json "
                "descriptions.path=FILE, or enrich=none."
            )

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

    @cached_property
    def positions(self) -> Int[np.ndarray, " image"]:
        """Positions of the images in question, ascending."""
        labels = labels_of(self.dataset).labels
        if self.side is None:
            return np.arange(len(labels))
        if not 0 < self.dev_share < 1:
            raise UsageError(f"dev_share must be in (0, 1), got {self.dev_share}; 0.5 halves the images.")
        rng = generator(self.split_seed, "sides of a classifier's images")
        is_dev = np.zeros(len(labels), dtype=np.bool_)
        for one in np.unique(labels):
            members = rng.permutation(np.flatnonzero(labels == one))
            is_dev[members[: round(self.dev_share * len(members))]] = True
        chosen: Int[np.ndarray, " image"] = np.flatnonzero(is_dev if self.side == "dev" else ~is_dev)
        return chosen

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
        return _Run(self, lab).outcome()

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


def labels_of(dataset: Dataset) -> ClassLabels:
    """One class an image of a dataset, in the order of its images.

    Raises:
        UsageError: If the dataset knows none.
    """
    if dataset.labels is None:
        raise UsageError(
            f"classification needs a class for each image, dataset {dataset.name} knows none; choose a labelled one, "
            "such as world or image_folder."
        )
    return dataset.labels.of_images(dataset.image_set.ids)


@dataclass(frozen=True, eq=False)
class _Run:
    """The computation of one cell; each step is looked up by those after it."""

    cell: ClassificationCell
    lab: Lab

    def outcome(self) -> Outcome:
        cell, before, after = self.cell, self.judged_before, self.judged_after
        flips = image_flips(self.image_ids, before.labels, before.predictions, after.predictions)
        table = class_table(after, k=self.k, confidence=cell.statistics.confidence)
        table.insert(5, "accuracy_before", before.counts.accuracy)
        table["margin"] = self.margin.margin.numpy()
        table["margin_rival"] = self.margin.rival.numpy()
        table["num_assigned"] = self.margin.num_images.numpy()
        table["is_enriched"] = np.isin(np.arange(len(table)), self.enriched)
        estimates = [
            *estimates_of(after, cutoffs=cell.cutoffs, settings=cell.statistics, group=AFTER),
            *self.mend_estimates(flips),
            *self.signal_estimates(),
        ]
        return Outcome(
            records=self.records(),
            estimates=Estimates.of(estimates),
            facts=self.facts(table),
            files={
                "classes.csv": _csv(table),
                "class_flips.csv": _csv(class_flips(flips, after.counts.num_images)),
                "image_flips.csv": _csv(flips),
                "pairs.csv": _csv(
                    confused_pairs(after.labels, after.predictions, num_classes=len(cell.names)).head(200)
                ),
                "weights.csv": _csv(self.weight_table()),
                "signals.csv": _csv(pd.DataFrame({"class": range(len(cell.names)), **self.signals})),
                **self.slices(),
                **self.sheets(table),
            },
        )

    @cached_property
    def images(self) -> torch.Tensor:
        gallery = self.lab.bench(self.cell.dataset, self.cell.encoder).gallery
        return gallery if self.cell.side is None else gallery[torch.from_numpy(self.cell.positions)]

    @cached_property
    def image_ids(self) -> np.ndarray:
        ids: np.ndarray = self.cell.dataset.image_set.ids[self.cell.positions]
        return ids

    @cached_property
    def labels(self) -> np.ndarray:
        found: np.ndarray = labels_of(self.cell.dataset).labels[self.cell.positions]
        return found

    @cached_property
    def found_images(self) -> torch.Tensor:
        if self.cell.found_on is None:
            return self.images
        return self.lab.bench(self.cell.found_on, self.cell.encoder).gallery

    @cached_property
    def plain_prompts(self) -> torch.Tensor:
        return class_prompts(self.lab.bench(self.cell.dataset, self.cell.encoder), self.cell.names, self.cell.templates)

    @cached_property
    def plain(self) -> ZeroShotClassifier:
        return zero_shot_classifier(self.plain_prompts, self.cell.pooling)

    @cached_property
    def margin(self) -> ClassMatchingMargin:
        """Of the plain classifier, by its own predictions: no label is read."""
        return class_matching_margin(self.found_images, self.ensembled, self.plain.labels(self.found_images))

    @cached_property
    def ensembled(self) -> torch.Tensor:
        """Each class's plain prompts as one unit embedding, whatever the pooling."""
        parts, _ = EmbeddingMean().before_product(self.plain_prompts)
        return parts[:, 0]

    @cached_property
    def enriched(self) -> list[int]:
        return enriched_classes(self.cell.enrich, self.margin, self.cell.worst_k)

    @cached_property
    def said(self) -> Descriptions | None:
        cell = self.cell
        if cell.descriptions is None or not self.enriched:
            return None
        names = list(dict.fromkeys(as_words(cell.names[index]) for index in self.enriched))
        return cell.descriptions(names, fits=lambda text: not bool(cell.encoder.is_truncated([text])[0]))

    @cached_property
    def prompts(self) -> torch.Tensor:
        """The plain prompts, or what the descriptions make of them; named, since classes may share a name."""
        if self.said is None:
            return self.plain_prompts
        bench = self.lab.bench(self.cell.dataset, self.cell.encoder)
        return enriched_prompts(
            bench, self.plain_prompts, self.cell.names, self.cell.templates, self.said, share=self.cell.share
        )

    @cached_property
    def weights(self) -> PromptWeights:
        return self.cell.weighting(self.found_images, self.prompts)

    @cached_property
    def mended(self) -> ZeroShotClassifier:
        classifier = zero_shot_classifier(self.prompts, self.cell.pooling, self.weights.weights)
        return self.cell.prior(classifier, self.found_images) if self.cell.prior else classifier

    @cached_property
    def before(self) -> Predictions:
        return self.plain.predict(self.images, logit_scale=self.cell.logit_scale)

    @cached_property
    def after(self) -> Predictions:
        return self.mended.predict(self.images, logit_scale=self.cell.logit_scale)

    @cached_property
    def judged_before(self) -> Judged:
        return self._judged(self.before)

    @cached_property
    def judged_after(self) -> Judged:
        return self._judged(self.after)

    def _judged(self, predictions: Predictions) -> Judged:
        cell, labels = self.cell, labels_of(self.cell.dataset)
        said = predictions.label.numpy()
        also = None
        if cell.also is not None:
            shown = [cell.dataset.images[place] for place in cell.positions]
            names = [image.name or str(image.id) for image in shown]
            also = cell.also.hits(names, [labels.names[one] for one in said])
        return Judged(cell.names, self.labels, said, also)

    @property
    def is_mended(self) -> bool:
        """Whether anything but the plain ensemble was asked for."""
        return bool(self.cell.weighting.name != "uniform" or self.cell.prior or self.said is not None)

    @property
    def k(self) -> int:
        """The cut-off that counts: the paper's, or the largest that there are classes for."""
        fitting = [k for k in self.cell.cutoffs if k <= self.cell.worst_k]
        return max(fitting) if fitting else min(self.cell.cutoffs)

    def records(self) -> pd.DataFrame:
        before, after = self.judged_before, self.judged_after
        return pd.DataFrame(
            {
                "image": self.image_ids,
                "label": after.labels,
                "before": before.predictions,
                "after": after.predictions,
                "hit_before": before.hits,
                "hit_after": after.hits,
                "runner_up": self.after.runner_up.numpy(),
                "score": self.after.score.numpy(),
                "margin": self.after.margin.numpy(),
                "max_probability": self.after.max_probability.numpy(),
                "entropy": self.after.entropy.numpy(),
                **({"is_rated": after.also[0], "hit_also": after.also[1]} if after.also else {}),
            }
        )

    def mend_estimates(self, flips: pd.DataFrame) -> list[Estimate]:
        """What the mend changed, and what it took; nothing where nothing was mended."""
        if not self.is_mended:
            return []
        cell = self.cell
        fixed, broken = (int((flips.flip == kind).sum()) for kind in ("fixed", "broken"))
        return [
            *estimates_of(self.judged_before, cutoffs=cell.cutoffs, settings=cell.statistics, group=BEFORE),
            *differences(
                self.judged_before, self.judged_after, cutoffs=cell.cutoffs, settings=cell.statistics, group=DELTA
            ),
            Estimate("images_fixed", fixed, unit="count", n=len(self.images)),
            Estimate("images_broken", broken, unit="count", n=len(self.images)),
        ]

    @cached_property
    def signals(self) -> dict[str, np.ndarray]:
        """Of the plain classifier, found without labels; the oracle's is by the labels of the measured images."""
        found = label_free_signals(self.found_images, self.ensembled, self._found_predictions)
        labels = torch.from_numpy(self.labels.copy())
        oracle = class_matching_margin(self.images, self.ensembled, labels)
        return {**found, "oracle_matching_margin": oracle.margin.double().numpy()}

    @property
    def _found_predictions(self) -> Predictions:
        if self.cell.found_on is None:
            return self.before
        return self.plain.predict(self.found_images, logit_scale=self.cell.logit_scale)

    def signal_estimates(self) -> list[Estimate]:
        """How well each signal told the plain classifier's class accuracies."""
        accuracy = self.judged_before.counts.accuracy
        usable = {
            name: values
            for name, values in self.signals.items()
            if (np.isfinite(values) & np.isfinite(accuracy)).sum() >= max(_FEWEST_FOR_SIGNALS, self.k)
        }
        if not usable:
            return []
        estimates = []
        table = signal_table(usable, accuracy, k=self.k, confidence=self.cell.statistics.confidence)
        for row in table.to_dict("records"):
            signal, n = str(row["signal"]), int(row["num_classes"])
            is_tracked = signal == "matching_margin"
            for metric in ("spearman", "kendall"):
                value, low, high = (float(row[f"{metric}{end}"]) for end in ("", "_low", "_high"))
                estimates.append(Estimate(metric, value, None, signal, "score", low, high, n, is_tracked))
            estimates.append(
                Estimate("overlap", float(row["overlap"]), self.k, signal, n=self.k, is_tracked=is_tracked)
            )
        return estimates

    def weight_table(self) -> pd.DataFrame:
        """One row a template."""
        weights = self.weights
        return pd.DataFrame(
            {
                "template": list(self.cell.templates.templates),
                "weight": weights.of_templates.numpy(),
                "least": weights.weights.amin(dim=0).numpy(),
                "most": weights.weights.amax(dim=0).numpy(),
                "score": weights.template_score.numpy(),
            }
        )

    def slices(self) -> dict[str, bytes]:
        """The images of the worst classes, by accuracy and by the label-free margin, as slices."""
        cell = self.cell
        by_margin = [*self.margin.without_images, *self.margin.worst(_known(self.margin)).tolist()][: self.k]
        predicted = self.after.label.numpy()
        found = {
            "slice.json": (
                self.judged_after.labels,
                self.judged_after.worst(self.k),
                f"images of the {self.k} classes of the lowest accuracy after mending",
                True,
            ),
            "slice_by_margin.json": (
                predicted,
                np.array(by_margin, dtype=np.int64),
                f"images that are called one of the {self.k} classes of the lowest label-free matching margin",
                False,
            ),
        }
        written = {}
        for name, (of, classes, how, uses_labels) in found.items():
            members = self.image_ids[np.isin(of, classes)]
            if len(members):
                chosen = Slice(
                    name=f"worst {self.k} classes of {cell.dataset.name}",
                    of="images",
                    members=tuple(int(one) for one in members),
                    how_chosen=f"{how}: {', '.join(cell.names[one] for one in classes)}",
                    is_chosen_by_failing=uses_labels,
                    uses_oracle_labels=uses_labels,
                    dataset_fingerprint=cell.dataset.fingerprint,
                )
                written[name] = (json.dumps(asdict(chosen), indent=1, ensure_ascii=False) + "\n").encode()
        return written

    def sheets(self, table: pd.DataFrame) -> dict[str, bytes]:
        """A contact sheet of each of the worst classes."""
        cell, judged = self.cell, self.judged_after
        sheets = {}
        for place, one in enumerate(judged.worst(self.k), start=1):
            shown = worst_first(judged.labels, judged.predictions, int(one), most=_IMAGES_ON_A_SHEET)
            row = table.iloc[int(one)]
            called = judged.predictions[shown]
            wrong = judged.predictions[(judged.labels == one) & (judged.predictions != one)]
            commonest = Counter(cell.names[name] for name in wrong).most_common(_NAMES_ON_A_SHEET)
            instead = ", ".join(f"{name} {count}" for name, count in commonest)
            sheets[f"worst_{place:02d}.png"] = contact_sheet(
                f"{place}. {row['name']}: {row.hits} of {row.num_images} right; most are called {instead or 'so'}",
                [cell.dataset.images[cell.positions[index]] for index in shown],
                [cell.names[name] for name in called],
                (called == one).tolist(),
            )
        return sheets

    def facts(self, table: pd.DataFrame) -> dict[str, Any]:
        cell = self.cell
        worst = [cell.names[one] for one in self.judged_after.worst(self.k)]
        by_margin = [cell.names[one] for one in self.margin.worst(min(self.k, _known(self.margin))).tolist()]
        said = self.said
        return {
            "headline_k": self.k,
            "is_mended": self.is_mended,
            "num_images": len(self.images),
            "num_classes": len(cell.names),
            "worst_classes": worst,
            "worst_by_margin": by_margin,
            "without_margin": [cell.names[one] for one in self.margin.without_images],
            "enriched": [cell.names[one] for one in self.enriched],
            "descriptions_dropped": dict(said.dropped) if said else {},
            "descriptions_missing": list(said.without) if said else [],
            "descriptions_sha256": said.digest if said else "",
            "effective_templates": self.weights.effective_number,
            "unjudged_classes": [cell.names[one] for one in self.weights.unjudged],
            "shared_names": sorted(
                {name for name, twin in zip(cell.names, table.shares_name_with, strict=True) if twin >= 0}
            ),
            "is_transductive": cell.found_on is None,
        }


def _known(margin: ClassMatchingMargin) -> int:
    return len(margin.num_images) - len(margin.without_images)


def _csv(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False).encode("utf-8")


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
