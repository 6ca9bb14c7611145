"""One training run, or the zero-shot floor, and what its scores on the test images are worth."""

import json
import math
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, final

import numpy as np
from jaxtyping import Float, Int8
from typing_extensions import override

from misfire.cells import Cell, Estimate, Estimates, Lab, Logged, Objective, Outcome, Paired, Question, ReportPart
from misfire.cells.cell import Json
from misfire.cells.paired import CHOSEN
from misfire.cells.settings import Settings
from misfire.cells.slice import Slice
from misfire.core.counts import check_seed
from misfire.core.errors import UsageError, name_some
from misfire.core.hashing import sha256_json
from misfire.core.progress import say
from misfire.core.words import percentage_points, plain_count
from misfire.data import Dataset
from misfire.data.dataset import Image
from misfire.data.image_table import LabelMatrix
from misfire.embeddings.encoder import Encoder
from misfire.methods.multilabel.augmentation import Augmentation
from misfire.methods.multilabel.evaluation import (
    Bounded,
    ImageBootstrap,
    bootstrap_average_precision,
    bootstrap_f1,
    difference,
)
from misfire.methods.multilabel.known_labels import KnownLabels, split_positions
from misfire.methods.multilabel.mask import known_fraction, mask_csv
from misfire.methods.multilabel.prompting import Method, PairedEmbeddings, Prompting, ZeroShot
from misfire.methods.multilabel.replicates import AP, MAP, REPLICATES_FILE, replicates
from misfire.methods.multilabel.settings import TrainingSettings
from misfire.methods.multilabel.sparc import normalised_scores
from misfire.metrics.mean_average_precision import RankedImages, checked_scores
from misfire.stats import StatisticsSettings

CURVE_FILE, MASK_FILE, MODULE_FILE = "curve.csv", "known_labels.csv", "module.safetensors"
_MOST_TRACKED_CLASSES = 20  # a run of COCO's 80 would hide its other metrics


@dataclass
class RecognitionConfig:
    """What a multi-label run can be told.

    Attributes:
        seed: Of the labels that are known and of the training, unless these have their own.
        zeros: Whether a test label that is 0 (a difficult object, an unknown label) is ``ignored`` or ``negative``.
        normalise: Whether scores are normalised by image and class before they are measured.
    """

    train: Any
    dataset: Any
    backbone: Any
    labels: Any
    prompting: Any
    training: Any
    statistics: Any
    tracking: Any
    trainer: Any
    paths: Any
    seed: int = 0
    zeros: str = "ignore"
    normalise: bool = False

    def __post_init__(self) -> None:
        check_seed(seed=self.seed)


@final
@dataclass(frozen=True)
class RecognitionCell(Cell):
    """One method trained on the known labels of some images and measured on others.

    Args:
        train: Images with labels to learn from; a part of them chooses the epoch.
        test: Images with labels that are measured on, and used for nothing else.
        encoder: The frozen model.
        method: One of the four, or the zero-shot floor.
        known: Which training labels are known.
        training: How it is trained.
        statistics: Resamples of the test images.
        zeros: What a test label of 0 means: ``ignore`` or ``negative``.
        is_normalised: Whether the scores are normalised by image and class.

    Raises:
        UsageError: If a dataset has no labels of several classes, their classes differ, or the known labels are too few
            to learn from.
    """

    kind: ClassVar[str] = "multilabel"
    schema: ClassVar[type] = RecognitionConfig
    objectives: ClassVar[Mapping[str, Objective]] = {
        # Only what the validation part says may be searched for: test images choose nothing.
        "validation": Objective(
            "validation", f"validation/{MAP}", title="mAP on the validation part (%)", scale=100.0, has_cut_off=False
        ),
        "parameters": Objective(
            "parameters", "parameters", is_maximised=False, title="trainable parameters", has_cut_off=False
        ),
    }

    train: Dataset
    test: Dataset
    encoder: Encoder
    method: Method
    known: KnownLabels
    training: TrainingSettings
    statistics: StatisticsSettings
    zeros: str = "ignore"
    is_normalised: bool = False

    def __post_init__(self) -> None:
        if self.zeros not in ("ignore", "negative"):
            raise UsageError(f"zeros must be ignore or negative, got {self.zeros!r}; ignore is VOC's own rule.")
        test = _labels(self.test)
        train = _labels(self.train).of_images(self.train.image_set.ids)
        if train.names != test.names:
            strangers = sorted(set(train.names) ^ set(test.names)) or ["the same in another order"]
            raise UsageError(
                f"training and test images must have the same classes, got {name_some(strangers)} in one alone; use "
                "two splits of one dataset."
            )
        bare = [name for name, has in zip(test.names, (test.values == 1).any(axis=0), strict=True) if not has]
        if bare:
            raise UsageError(
                f"each class must have a positive test image, got {name_some(bare)} of {len(test.names)} without, "
                "whose average precision is undefined; take more images, or leave these classes out."
            )
        shared = set(_contents(self.train)) & set(_contents(self.test))
        if shared:
            raise UsageError(
                f"no test image may be trained on, got {plain_count(len(shared))} that stand in both; use two splits."
            )
        if isinstance(self.method, Prompting):  # what training would refuse, before anything is encoded
            split_positions(self.known.of(train), classes=train.names, settings=self.training)

    @classmethod
    @override
    def configured(cls, settings: Settings) -> "RecognitionCell":
        return cls(
            train=settings["train"],
            test=settings["dataset"],
            encoder=settings["backbone"],
            method=settings["prompting"],
            known=settings["labels"],
            training=settings["training"],
            statistics=settings["statistics"],
            zeros=settings["zeros"],
            is_normalised=settings["normalise"],
        )

    @override
    def identity(self) -> Mapping[str, Json]:
        trained: dict[str, Json] = {}
        if isinstance(self.method, Prompting):
            trained = {
                "train_images": self.train.image_set.fingerprint,
                "train_labels": _labels(self.train).fingerprint,
                "known": self.known.identity,
                # Without views the id is what it was before there were any.
                "training": {key: one for key, one in asdict(self.training).items() if key != "augmentation" or one},
            }
        return {
            "images": self.test.image_set.fingerprint,
            "labels": _labels(self.test).fingerprint,
            "encoder": self.encoder.fingerprint,
            "method": {"name": self.method.name, **vars(self.method)},
            "statistics": asdict(self.statistics),
            "zeros": self.zeros,
            "is_normalised": self.is_normalised,
            **trained,
        }

    @override
    def label(self) -> Mapping[str, str]:
        found = dict(self.method.label)
        if isinstance(self.method, Prompting):
            found |= {"fraction": self.known.label, "seed": str(self.training.seed)}
            found |= {} if self.training.augmentation is None else {"views": "random"}
        if self.is_normalised:
            found["scores"] = "normalised"
        return found

    @property
    @override
    def data(self) -> tuple[str, str] | None:
        return self.test.name, self.test.image_set.fingerprint

    @property
    @override
    def marks(self) -> Mapping[str, str]:
        unknown = int((_labels(self.test).values == 0).sum())
        rule = "left out" if self.zeros == "ignore" else "counted as absent"
        return {"labels_of_0": f"{plain_count(unknown)} test labels that are neither, {rule}"}

    @override
    def run(self, lab: Lab) -> Outcome:
        labels = _labels(self.test).of_images(self.test.image_set.ids)
        if isinstance(self.method, Prompting):
            frozen = self._frozen(self.method, labels.names)  # what it refuses it does before anything is encoded
            return self._trained(lab, labels, self.method, frozen)
        assert isinstance(self.method, ZeroShot)
        floor = self._zero_shot(lab, self.method)
        return self._outcome(lab, labels, floor, floor, None, {})

    def _frozen(self, method: Prompting, classes: Sequence[str]) -> Any:
        from misfire.embeddings import PromptedText
        from misfire.embeddings.region_inputs import checked_regional
        from misfire.methods.multilabel.training import Frozen

        checked_regional(self.encoder)
        if not method.reads_text:
            return Frozen(self.encoder.fingerprint, self.encoder.dim, _no_text)
        text = PromptedText(self.encoder, classes, num_context=method.num_context)
        return Frozen(self.encoder.fingerprint, text.width, text)

    def _zero_shot(self, lab: Lab, method: ZeroShot) -> Float[np.ndarray, "image class"]:
        bench = lab.bench(self.test, self.encoder)
        return (bench.gallery @ bench.texts(method.prompts(_labels(self.test).names)).T).double().numpy()

    def _trained(self, lab: Lab, labels: LabelMatrix, method: Prompting, frozen: Any) -> Outcome:
        from misfire.embeddings import embed_regions
        from misfire.methods.multilabel.training import fit, scores

        floor = self._zero_shot(lab, ZeroShot())
        train = _labels(self.train).of_images(self.train.image_set.ids)
        partial = self.known.of(train)
        regions = embed_regions(self.train.images, self.encoder, lab.store, lab.trainer)
        test_regions = embed_regions(self.test.images, self.encoder, lab.store, lab.trainer)
        text = frozen.text
        folder = lab.root / "training" / self.id
        start = time.monotonic()
        fitted = fit(
            method,
            frozen,
            regions,
            partial,
            classes=labels.names,
            settings=self.training,
            folder=folder,
            accelerator=lab.trainer.accelerator,
            devices=lab.trainer.devices,
            strategy=lab.trainer.strategy,
            on_epoch=self._teller(lab, labels.names),
            watch=_TestPrecision(text, test_regions, labels.values, self.zeros),
            views=self._views(),
        )
        seconds = time.monotonic() - start
        found = scores(fitted.module, text, test_regions).astype(np.float64)
        shutil.rmtree(folder, ignore_errors=True)
        facts = {"known_fraction": dict(zip(labels.names, known_fraction(partial).tolist(), strict=True))}
        facts |= self._similarity(fitted, text, labels)
        outcome = self._outcome(lab, labels, found, floor, (fitted, seconds), facts)
        files = {
            **outcome.files,
            MASK_FILE: mask_csv(partial, labels.names),
            CURVE_FILE: _curve(fitted.history, labels.names),
            MODULE_FILE: _module_bytes(fitted),
        }
        return Outcome(outcome.records, outcome.estimates, outcome.facts, files, _curves(fitted.history, labels.names))

    def _views(self) -> "_ViewedRegions | None":
        if self.training.augmentation is None:
            return None
        return _ViewedRegions(self.training.augmentation, self.train.images, self.encoder)

    def _teller(self, lab: Lab, classes: Sequence[str]) -> Any:
        last, process = [time.monotonic()], os.getpid()

        def tell(history: Sequence[Any]) -> None:
            epoch = history[-1]
            if os.getpid() == process:  # another one mustn't use this one's connection to the tracker
                lab.watch(_curves(history, classes))
            if time.monotonic() - last[0] > 10:
                last[0] = time.monotonic()
                say(
                    f"{self.name}: epoch {epoch.number} of at most {self.training.max_epochs}, loss {epoch.loss:.3f}, "
                    f"validation mAP {epoch.validation:.3f}"
                )

        return tell

    @staticmethod
    def _similarity(fitted: Any, text: Any, labels: LabelMatrix) -> dict[str, Any]:
        """Cosine between the embeddings of presence and absence of each class, where the method has two."""
        import torch

        if not isinstance(fitted.module, PairedEmbeddings):
            return {}
        with torch.no_grad():
            positive, negative = fitted.module.embeddings(text)
        cosines = (positive * negative).sum(dim=1).double().tolist()
        return {"similarity": dict(zip(labels.names, cosines, strict=True))}

    def _outcome(
        self,
        lab: Lab,
        labels: LabelMatrix,
        found: Float[np.ndarray, "image class"],
        floor: Float[np.ndarray, "image class"],
        fitted: tuple[Any, float] | None,
        facts: Mapping[str, Any],
    ) -> Outcome:
        import pandas as pd

        plain, floor_plain = found, floor
        if self.is_normalised:
            found, floor = normalised_scores(found), normalised_scores(floor)
        checked_scores(found, labels.values)
        bootstraps = {"own": self._bootstrap(found, labels)}
        if fitted is not None:
            # The same for every cell of a sweep on these images.
            settings = [asdict(self.statistics), self.zeros, self.is_normalised, _labels(self.test).fingerprint]
            floor_id = f"multilabel floor/{sha256_json(settings)}"
            bench = lab.bench(self.test, self.encoder)
            bootstraps["floor"] = bench.once(floor_id, lambda: self._bootstrap(floor, labels))
        rows = list(self._estimates(labels, plain, floor_plain, bootstraps, fitted))
        rows += [] if "similarity" not in facts else [_similarity_estimate(facts["similarity"])]
        records = pd.DataFrame(
            {
                "image": np.repeat(labels.image_ids, len(labels.names)),
                "class": pd.Categorical(list(labels.names) * len(labels), categories=list(labels.names)),
                "label": labels.values.ravel(),
                "score": found.ravel(),
                "floor": floor.ravel(),
            }
        )
        slices = {} if fitted is None else self._slices(labels, plain)
        return Outcome(
            records=records,
            estimates=Estimates.of(rows),
            facts={
                "classes": list(labels.names),
                "image_set": self.test.image_set.fingerprint,
                "backbone": self.encoder.name,
                "data": self.test.name,
                "num_images": len(labels),
                "chosen_epoch": None if fitted is None else fitted[0].chosen,
                "images_trained_on": None if fitted is None else list(fitted[0].num_images),
                **facts,
            },
            files={REPLICATES_FILE: replicates(bootstraps), **slices},
        )

    def _bootstrap(self, scored: Float[np.ndarray, "image class"], labels: LabelMatrix) -> ImageBootstrap:
        return bootstrap_average_precision(scored, labels.values, zeros=self.zeros, statistics=self.statistics)

    def _estimates(
        self,
        labels: LabelMatrix,
        plain: Float[np.ndarray, "image class"],
        floor: Float[np.ndarray, "image class"],
        bootstraps: Mapping[str, ImageBootstrap],
        fitted: tuple[Any, float] | None,
    ) -> Iterator[Estimate]:
        confidence, count = self.statistics.confidence, len(labels)
        own = bootstraps["own"]
        yield _estimate(MAP, own.mean(confidence=confidence), n=count)
        eleven = RankedImages(
            normalised_scores(plain) if self.is_normalised else plain, labels.values, zeros=self.zeros
        )
        yield Estimate(f"{MAP}_voc2007", float(eleven.average_precision(interpolation="voc2007").mean()), n=count)
        is_tracked = len(labels.names) <= _MOST_TRACKED_CLASSES
        for name, one in zip(labels.names, own.per_class(confidence=confidence), strict=True):
            yield _estimate(AP, one, group=_word(name), n=count, is_tracked=is_tracked)
        yield from self._evidence_of_normalising(labels, plain, own)
        if fitted is None:
            return
        before = bootstraps["floor"]
        yield _estimate(MAP, before.mean(confidence=confidence), group="zero_shot", n=count)
        gain = difference(own, before, confidence=confidence)
        yield _estimate(MAP, gain.mean, group="gain_over_zero_shot", unit="difference", n=count)
        class_f1, overall_f1 = bootstrap_f1(plain > 0, labels.values, zeros=self.zeros, statistics=self.statistics)
        yield _estimate("class_f1", class_f1, n=count)
        yield _estimate("overall_f1", overall_f1, n=count)
        fit, seconds = fitted
        chosen = fit.history[fit.chosen - 1]
        yield Estimate(f"validation/{MAP}", chosen.validation, n=fit.num_images[1])
        best = max(epoch.watched for epoch in fit.history)
        yield Estimate(
            f"{MAP}_oracle_choice", best - chosen.watched, group="added_by_choosing_on_test", unit="difference"
        )
        yield Estimate("parameters", float(sum(one.numel() for one in fit.module.parameters())), unit="count")
        yield Estimate("epochs", float(len(fit.history)), unit="count")
        yield Estimate("training_seconds", seconds, unit="seconds")

    def _evidence_of_normalising(
        self, labels: LabelMatrix, plain: Float[np.ndarray, "image class"], own: ImageBootstrap
    ) -> Iterator[Estimate]:
        """What normalised scores change: how the other way of measuring would have come out."""
        if min(plain.shape) < 2:
            return
        other = plain if self.is_normalised else normalised_scores(plain)
        found = self._bootstrap(other, labels)
        after, before = (own, found) if self.is_normalised else (found, own)
        change = difference(after, before, confidence=self.statistics.confidence)
        yield _estimate(MAP, change.mean, group="gain_by_normalising", unit="difference", n=len(labels))

    def _slices(self, labels: LabelMatrix, plain: Float[np.ndarray, "image class"]) -> dict[str, bytes]:
        """Each class's errors as a slice of the images."""
        files = {}
        for one in class_errors(labels, plain > 0, method=self.name, fingerprint=self.test.image_set.fingerprint):
            name = _word(one.name.partition(": ")[0])
            files[f"errors_{name}.json"] = (json.dumps(asdict(one), indent=1, ensure_ascii=False) + "\n").encode(
                "utf-8"
            )
        return files

    @classmethod
    @override
    def headline(cls, estimates: Estimates, facts: Mapping[str, Any]) -> str:
        return f"mAP {100 * estimates.at(MAP).value:.1f}"

    @classmethod
    @override
    def tell(cls, logged: Logged) -> str:
        from misfire.cells.part import in_words

        found = logged.estimates
        gain = found.find(MAP, group="gain_over_zero_shot")
        lines = [f"{logged.name}"]
        if gain is not None:
            beats = "beats" if gain.low > 0 else "is beaten by" if gain.high < 0 else "can't be told from"
            lines.append(
                f"  It {beats} the zero-shot floor: {percentage_points(gain.value)} points of mAP "
                f"[{percentage_points(gain.low)}, {percentage_points(gain.high)}]."
            )
        width = max(len(row.tracked_name) for row in found if row.is_tracked)
        lines += [f"  {row.tracked_name:<{width}}  {in_words(row)}" for row in found if row.is_tracked]
        return "\n".join(lines)

    @classmethod
    @override
    def paired(cls, logged: Logged, *, k: int | None) -> Paired | None:
        """Each image's own average precision over the classes, by the zero-shot floor and by the method."""
        records, num_classes = logged.records, len(logged.facts["classes"])
        if logged.estimates.find(MAP, group="gain_over_zero_shot") is None:
            return None
        tables = [records[column].to_numpy().reshape(-1, num_classes).T for column in ("score", "floor", "label")]
        after, before = (
            RankedImages(scored, tables[2], zeros=str(logged.identity["zeros"])).average_precision()
            for scored in tables[:2]
        )
        has = np.isfinite(after)
        units = records["image"].to_numpy()[::num_classes][has]
        return Paired(
            unit=units,
            cluster=units,
            part=np.full(len(units), CHOSEN),
            weight=np.ones(len(units)),
            before=before[has],
            after=after[has],
            data=str(logged.facts["image_set"]),
        )

    @classmethod
    @override
    def report(cls, cells: Sequence[Logged], question: Question) -> ReportPart:
        from misfire.methods.multilabel.report import recognition_part

        return recognition_part(cells, question)


# Classes where functions inside of a method would do: processes that are spawned are sent them.
@final
@dataclass(frozen=True, eq=False)
class _TestPrecision:
    """What choosing the epoch by the test images would see; nothing chooses by it."""

    text: Any
    regions: Any
    labels: Int8[np.ndarray, "image class"]
    zeros: str

    def __call__(self, module: Any) -> float:
        from misfire.methods.multilabel.training import scores

        found = RankedImages(scores(module, self.text, self.regions), self.labels, zeros=self.zeros)
        return float(found.average_precision().mean())


@final
@dataclass(frozen=True, eq=False)
class _ViewedRegions:
    """Regions of random views of training images, computed when they are asked for."""

    augmentation: Augmentation
    images: Sequence[Image]
    encoder: Encoder

    def __call__(self, positions: Sequence[int], rng: np.random.Generator, device: Any) -> Any:
        import torch

        views = [self.augmentation.view(self.images[position].source.load(), rng) for position in positions]
        pixels = torch.stack([self.encoder.preprocess(view) for view in views])
        self.encoder.module().to(device)  # a method without text leaves it where it was
        return self.encoder.encode_regions(pixels.to(device)).cpu()  # type: ignore[attr-defined]


def class_errors(labels: LabelMatrix, predicted: np.ndarray, *, method: str, fingerprint: str) -> tuple[Slice, ...]:
    """For each class the images on which it is decided wrongly; a class without errors has no slice.

    Args:
        labels: The truth; images whose label of a class is 0 are in none of its slices.
        predicted: Whether each class is predicted to be present in each image.
        method: What decided, for the slice's words.
        fingerprint: Of the images.
    """
    wrong = (predicted & (labels.values == -1)) | (~predicted & (labels.values == 1))
    return tuple(
        Slice(
            name=f"{name}: wrong",
            of="images",
            members=tuple(labels.image_ids[wrong[:, column]].tolist()),
            how_chosen=f"images in which {method} misses {name} or sees it where it isn't",
            is_chosen_by_failing=True,
            uses_oracle_labels=True,
            dataset_fingerprint=fingerprint,
        )
        for column, name in enumerate(labels.names)
        if wrong[:, column].any()
    )


def _labels(dataset: Dataset) -> LabelMatrix:
    found = dataset.label_matrix
    if found is None:
        raise UsageError(
            f"multi-label recognition must have labels of several classes an image, dataset {dataset.name} has none; "
            "use world, or a dataset of VOC 2007, COCO's instances or a table of labels."
        )
    return found


def _contents(dataset: Dataset) -> list[str]:
    return [image.source.content_sha256 for image in dataset.images]


def _no_text(contexts: Any) -> Any:
    raise AssertionError("a method without text asked for it")


def _word(name: str) -> str:
    """A class name as the tracker takes it: letters, digits, ``_`` and ``-``."""
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "_-") else "_" for letter in name)


def _estimate(metric: str, one: Bounded, **options: Any) -> Estimate:
    return Estimate(metric, one.value, low=one.low, high=one.high, **options)


def _similarity_estimate(similarity: Mapping[str, float]) -> Estimate:
    values = list(similarity.values())
    return Estimate("polarity_similarity", math.fsum(values) / len(values), unit="score", n=len(values))


def _curve(history: Sequence[Any], classes: Sequence[str]) -> bytes:
    import pandas as pd

    rows = [
        {
            "epoch": epoch.number,
            "loss": epoch.loss,
            "validation_map": epoch.validation,
            "oracle_test_map": epoch.watched,
            **{f"learning_rate_{name}": rate for name, rate in epoch.learning_rates.items()},
            **{f"validation_ap_{name}": one for name, one in zip(classes, epoch.validation_per_class, strict=True)},
        }
        for epoch in history
    ]
    return pd.DataFrame(rows).to_csv(index=False, lineterminator="\n").encode("utf-8")


def _curves(history: Sequence[Any], classes: Sequence[str]) -> dict[str, list[float]]:
    """Loss, learning rates and validation mAP of each epoch, and of each class where these are few."""
    found = {
        "training/loss": [epoch.loss for epoch in history],
        "training/validation_map": [epoch.validation for epoch in history],
        **{
            f"training/learning_rate_{name}": [epoch.learning_rates[name] for epoch in history]
            for name in history[0].learning_rates
        },
    }
    if len(classes) <= _MOST_TRACKED_CLASSES:
        for column, name in enumerate(classes):
            found[f"training/validation_ap/{_word(name)}"] = [epoch.validation_per_class[column] for epoch in history]
    return found


def _module_bytes(fitted: Any) -> bytes:
    from safetensors.torch import save

    return save({name: value.contiguous() for name, value in fitted.module.state_dict().items()})
