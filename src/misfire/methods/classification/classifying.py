"""The computation of one evaluation: each step is made when it is first asked for, and read by those after it."""

import json
from collections import Counter
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import torch

from misfire.cells import Estimate, Estimates, Lab, Outcome, Slice, Workbench
from misfire.methods.classification.design import Design, labels_of
from misfire.methods.classification.enriching import (
    as_words,
    class_prompts,
    enriched_classes,
    enriched_prompts,
)
from misfire.methods.classification.evaluation import (
    AFTER,
    BEFORE,
    DELTA,
    Judged,
    class_table,
    differences,
    estimates_of,
)
from misfire.methods.classification.flips import class_flips, image_flips
from misfire.methods.classification.margin import ClassMatchingMargin, class_matching_margin
from misfire.methods.classification.pictures import contact_sheet, worst_first
from misfire.methods.classification.rivals import confused_pairs
from misfire.methods.classification.signals import label_free_signals, signal_table
from misfire.methods.classification.weighting import PromptWeights
from misfire.methods.classification.zero_shot import (
    Predictions,
    ZeroShotClassifier,
    zero_shot_classifier,
)
from misfire.prompts.descriptions import Descriptions
from misfire.scoring import EmbeddingMean

_IMAGES_ON_A_SHEET, _NAMES_ON_A_SHEET = 24, 5
_FEWEST_FOR_SIGNALS = 5


@dataclass(frozen=True, eq=False)
class Classifying:
    """The computation of one evaluation; each step is looked up by those after it."""

    design: Design
    lab: Lab

    def outcome(self) -> Outcome:
        """Everything that is kept of the evaluation."""
        design, before, after = self.design, self.judged_before, self.judged_after
        flips = image_flips(self.image_ids, before.labels, before.predictions, after.predictions)
        table = class_table(after, k=self.k, confidence=design.statistics.confidence)
        table.insert(5, "accuracy_before", before.counts.accuracy)
        table["margin"] = self.margin.margin.numpy()
        table["margin_rival"] = self.margin.rival.numpy()
        table["num_assigned"] = self.margin.num_images.numpy()
        table["is_enriched"] = np.isin(np.arange(len(table)), self.enriched)
        estimates = [
            *estimates_of(after, cutoffs=design.cutoffs, settings=design.statistics, group=AFTER),
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
                    confused_pairs(after.labels, after.predictions, num_classes=len(design.names)).head(200)
                ),
                "weights.csv": _csv(self.weight_table()),
                "signals.csv": _csv(pd.DataFrame({"class": range(len(design.names)), **self.signals})),
                **self.slices(),
                **self.sheets(table),
            },
        )

    @property
    def bench(self) -> Workbench:
        """What embeds the images that are judged, and the prompts."""
        return self.lab.bench(self.design.dataset, self.design.encoder)

    @cached_property
    def images(self) -> torch.Tensor:
        """Unit embeddings of the images that are judged."""
        gallery = self.bench.gallery
        return gallery if self.design.side is None else gallery[torch.from_numpy(self.design.positions)]

    @cached_property
    def image_ids(self) -> np.ndarray:
        """Their ids."""
        ids: np.ndarray = self.design.dataset.image_set.ids[self.design.positions]
        return ids

    @cached_property
    def labels(self) -> np.ndarray:
        """Their classes."""
        found: np.ndarray = labels_of(self.design.dataset).labels[self.design.positions]
        return found

    @cached_property
    def found_images(self) -> torch.Tensor:
        """Unit embeddings of the images that worst classes, weights and priors are found on."""
        if self.design.found_on is None:
            return self.images
        return self.lab.bench(self.design.found_on, self.design.encoder).gallery

    @cached_property
    def plain_prompts(self) -> torch.Tensor:
        """Unit embeddings of the class prompts before anything is mended."""
        return class_prompts(self.bench, self.design.names, self.design.templates)

    @cached_property
    def plain(self) -> ZeroShotClassifier:
        """The classifier before anything is mended."""
        return zero_shot_classifier(self.plain_prompts, self.design.pooling)

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
        """Positions of the classes that get descriptions."""
        return enriched_classes(self.design.enrich, self.margin, self.design.worst_k)

    @cached_property
    def said(self) -> Descriptions | None:
        """The descriptions of these classes, if any are asked for."""
        design = self.design
        if design.descriptions is None or not self.enriched:
            return None
        names = list(dict.fromkeys(as_words(design.names[index]) for index in self.enriched))
        return design.descriptions(names, fits=lambda text: not bool(design.encoder.is_truncated([text])[0]))

    @cached_property
    def prompts(self) -> torch.Tensor:
        """The plain prompts, or what the descriptions make of them; named, since classes may share a name."""
        if self.said is None:
            return self.plain_prompts
        return enriched_prompts(
            self.bench, self.plain_prompts, self.design.names, self.design.templates, self.said, share=self.design.share
        )

    @cached_property
    def weights(self) -> PromptWeights:
        """Each prompt's weight."""
        return self.design.weighting(self.found_images, self.prompts)

    @cached_property
    def mended(self) -> ZeroShotClassifier:
        """The classifier after everything is mended."""
        classifier = zero_shot_classifier(self.prompts, self.design.pooling, self.weights.weights)
        return self.design.prior(classifier, self.found_images) if self.design.prior else classifier

    @cached_property
    def before(self) -> Predictions:
        """What the plain classifier predicts."""
        return self.plain.predict(self.images, logit_scale=self.design.logit_scale)

    @cached_property
    def after(self) -> Predictions:
        """What the mended classifier predicts."""
        return self.mended.predict(self.images, logit_scale=self.design.logit_scale)

    @cached_property
    def judged_before(self) -> Judged:
        """The plain predictions beside the labels."""
        return self._judged(self.before)

    @cached_property
    def judged_after(self) -> Judged:
        """The mended predictions beside the labels."""
        return self._judged(self.after)

    def _judged(self, predictions: Predictions) -> Judged:
        design, labels = self.design, labels_of(self.design.dataset)
        said = predictions.label.numpy()
        also = None
        if design.also is not None:
            shown = [design.dataset.images[place] for place in design.positions]
            names = [image.name or str(image.id) for image in shown]
            also = design.also.hits(names, [labels.names[one] for one in said])
        return Judged(design.names, self.labels, said, also)

    @property
    def is_mended(self) -> bool:
        """Whether anything but the plain ensemble was asked for."""
        return bool(self.design.weighting.name != "uniform" or self.design.prior or self.said is not None)

    @property
    def k(self) -> int:
        """The cut-off that counts: the paper's, or the largest that there are classes for."""
        fitting = [k for k in self.design.cutoffs if k <= self.design.worst_k]
        return max(fitting) if fitting else min(self.design.cutoffs)

    def records(self) -> pd.DataFrame:
        """A row an image: its class, what it was called before and after, and whether that is right."""
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
        design = self.design
        fixed, broken = (int((flips.flip == kind).sum()) for kind in ("fixed", "broken"))
        return [
            *estimates_of(self.judged_before, cutoffs=design.cutoffs, settings=design.statistics, group=BEFORE),
            *differences(
                self.judged_before, self.judged_after, cutoffs=design.cutoffs, settings=design.statistics, group=DELTA
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
        if self.design.found_on is None:
            return self.before
        return self.plain.predict(self.found_images, logit_scale=self.design.logit_scale)

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
        table = signal_table(usable, accuracy, k=self.k, confidence=self.design.statistics.confidence)
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
                "template": list(self.design.templates.templates),
                "weight": weights.of_templates.numpy(),
                "least": weights.weights.amin(dim=0).numpy(),
                "most": weights.weights.amax(dim=0).numpy(),
                "score": weights.template_score.numpy(),
            }
        )

    def slices(self) -> dict[str, bytes]:
        """The images of the worst classes, by accuracy and by the label-free margin, as slices."""
        design = self.design
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
                    name=f"worst {self.k} classes of {design.dataset.name}",
                    of="images",
                    members=tuple(int(one) for one in members),
                    how_chosen=f"{how}: {', '.join(design.names[one] for one in classes)}",
                    is_chosen_by_failing=uses_labels,
                    uses_oracle_labels=uses_labels,
                    dataset_fingerprint=design.dataset.fingerprint,
                )
                written[name] = (json.dumps(asdict(chosen), indent=1, ensure_ascii=False) + "\n").encode()
        return written

    def sheets(self, table: pd.DataFrame) -> dict[str, bytes]:
        """A contact sheet of each of the worst classes."""
        design, judged = self.design, self.judged_after
        sheets = {}
        for place, one in enumerate(judged.worst(self.k), start=1):
            shown = worst_first(judged.labels, judged.predictions, int(one), most=_IMAGES_ON_A_SHEET)
            row = table.iloc[int(one)]
            called = judged.predictions[shown]
            wrong = judged.predictions[(judged.labels == one) & (judged.predictions != one)]
            commonest = Counter(design.names[name] for name in wrong).most_common(_NAMES_ON_A_SHEET)
            instead = ", ".join(f"{name} {count}" for name, count in commonest)
            sheets[f"worst_{place:02d}.png"] = contact_sheet(
                f"{place}. {row['name']}: {row.hits} of {row.num_images} right; most are called {instead or 'so'}",
                [design.dataset.images[design.positions[index]] for index in shown],
                [design.names[name] for name in called],
                (called == one).tolist(),
            )
        return sheets

    def facts(self, table: pd.DataFrame) -> dict[str, Any]:
        """What fits no table."""
        design = self.design
        worst = [design.names[one] for one in self.judged_after.worst(self.k)]
        by_margin = [design.names[one] for one in self.margin.worst(min(self.k, _known(self.margin))).tolist()]
        said = self.said
        return {
            "headline_k": self.k,
            "is_mended": self.is_mended,
            "num_images": len(self.images),
            "num_classes": len(design.names),
            "worst_classes": worst,
            "worst_by_margin": by_margin,
            "without_margin": [design.names[one] for one in self.margin.without_images],
            "enriched": [design.names[one] for one in self.enriched],
            "descriptions_dropped": dict(said.dropped) if said else {},
            "descriptions_missing": list(said.without) if said else [],
            "descriptions_sha256": said.digest if said else "",
            "effective_templates": self.weights.effective_number,
            "unjudged_classes": [design.names[one] for one in self.weights.unjudged],
            "shared_names": sorted(
                {name for name, twin in zip(design.names, table.shares_name_with, strict=True) if twin >= 0}
            ),
            "is_transductive": design.found_on is None,
        }


def _known(margin: ClassMatchingMargin) -> int:
    return len(margin.num_images) - len(margin.without_images)


def _csv(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False).encode("utf-8")
