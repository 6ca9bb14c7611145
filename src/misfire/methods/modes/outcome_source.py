"""Where outcomes come from: a file of any model's, a backbone's own zero-shot labels, or a plan of what is to fail."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
from typing_extensions import override

from misfire.core.counts import check_seed
from misfire.core.errors import UsageError, name_some
from misfire.core.seeding import generator
from misfire.data.outcomes import Outcomes, read_outcomes

if TYPE_CHECKING:
    from misfire.cells import Lab
    from misfire.cells.settings import Settings
    from misfire.data import ClassLabels, Dataset, Image
    from misfire.embeddings import Encoder


@dataclass(frozen=True)
class Ground:
    """What a source may read besides itself; None where no source of a cell asks for it.

    Args:
        dataset: Images and what is known of them.
        backbone: Embeds them.
    """

    dataset: "Dataset | None" = None
    backbone: "Encoder | None" = None

    @property
    def known_dataset(self) -> "Dataset":
        """The dataset.

        Raises:
            UsageError: If there is none.
        """
        if self.dataset is None:
            raise UsageError("outcomes or tags of a dataset need one, got none; choose a dataset, or name files.")
        return self.dataset

    @property
    def known_backbone(self) -> "Encoder":
        """The backbone.

        Raises:
            UsageError: If there is none.
        """
        if self.backbone is None:
            raise UsageError("outcomes or tags by a backbone need one, got none; choose a backbone, or name files.")
        return self.backbone


class OutcomeSource(ABC):
    """Gives the outcomes that a search explains."""

    @property
    def needs_dataset(self) -> bool:
        """Whether it reads a dataset."""
        return False

    @property
    def needs_backbone(self) -> bool:
        """Whether it embeds images."""
        return False

    @property
    def side(self) -> str | None:
        """``dev`` or ``test`` where it gives the outcomes of a part of the images alone."""
        return None

    @property
    def lessons(self) -> "Dataset | None":
        """The images that the model was taught on, where they are known: they say in which contexts it saw a class."""
        return None

    @abstractmethod
    def identity(self, ground: Ground) -> Any:
        """All that the outcomes depend on, as a JSON value, known without computing them."""

    @abstractmethod
    def outcomes(self, ground: Ground, lab: "Lab | None") -> Outcomes:
        """The outcomes, by image name."""

    def planted(self, ground: Ground) -> Mapping[str, Sequence[frozenset[str]]] | None:
        """The combinations of tags that were made to fail, by class name; None where nobody knows."""
        return None


@final
@dataclass(frozen=True)
class FileOutcomes(OutcomeSource):
    """Outcomes of any model, from CSV, TSV, JSON lines or Parquet; arguments as in ``read_outcomes``."""

    path: str
    image: str = "image"
    label: str = "label"
    prediction: str = "prediction"
    fine_label: str | None = None
    correct: str = "correct"
    score: str = "score"
    correct_from: float | None = None

    @cached_property
    def _read(self) -> Outcomes:
        return read_outcomes(
            Path(self.path),
            image=self.image,
            label=self.label,
            prediction=self.prediction,
            fine_label=self.fine_label,
            correct=self.correct,
            score=self.score,
            correct_from=self.correct_from,
        )

    @override
    def identity(self, ground: Ground) -> Any:
        return self._read.fingerprint

    @override
    def outcomes(self, ground: Ground, lab: "Lab | None") -> Outcomes:
        return self._read


@final
@dataclass(frozen=True)
class ZeroShotOutcomes(OutcomeSource):
    """Which class of the dataset the backbone finds nearest to each image, among all that have an image.

    Args:
        template: Prompt of a class, with the place ``{class}``.

    Raises:
        UsageError: If the template has no such place.
    """

    template: str = "a photo of a {class}"

    def __post_init__(self) -> None:
        if "{class}" not in self.template:
            raise UsageError(f"a class prompt must have the place {{class}}, got {self.template!r}; add it.")

    @property
    @override
    def needs_dataset(self) -> bool:
        return True

    @property
    @override
    def needs_backbone(self) -> bool:
        return True

    @override
    def identity(self, ground: Ground) -> Any:
        dataset = ground.known_dataset
        labels = known_labels(dataset)
        return [
            "zero_shot",
            dataset.image_set.fingerprint,
            labels.fingerprint,
            ground.known_backbone.fingerprint,
            self.template,
        ]

    @override
    def outcomes(self, ground: Ground, lab: "Lab | None") -> Outcomes:
        assert lab is not None
        dataset, labels = ground.known_dataset, known_labels(ground.known_dataset)
        bench = lab.bench(dataset, ground.known_backbone)
        present = np.flatnonzero(labels.counts)
        names = tuple(labels.names[one] for one in present)
        place = np.zeros(len(labels.names), dtype=np.int64)
        place[present] = np.arange(len(present))
        scores = (bench.gallery @ bench.texts([self.template.replace("{class}", name) for name in names]).T).numpy()
        truth, predictions = place[labels.labels], scores.argmax(axis=1)
        return Outcomes(
            images=image_names(dataset.images),
            class_names=names,
            labels=truth,
            correct=predictions == truth,
            predictions=predictions,
            prediction_names=names,
            scores=scores[np.arange(len(truth)), truth].astype(np.float64),
            class_scores=scores.astype(np.float64),
        )


@final
@dataclass(frozen=True)
class Plant:
    """A combination of tags that is made to fail.

    Args:
        label: Name of the class.
        tags: Names of tags that the dataset knows.
        accuracy: Accuracy on the images of the class that carry all of them, in [0, 1].
    """

    label: str
    tags: tuple[str, ...]
    accuracy: float


@final
@dataclass(frozen=True)
class PlantedOutcomes(OutcomeSource):
    """Outcomes drawn from a seed: right with one probability, and with a lower one where planted tags meet.

    The truth is known, so that a search can be scored against it.

    Args:
        plants: What is made to fail: mappings or ``Plant`` objects; where several meet, the lowest accuracy holds.
        accuracy: Accuracy elsewhere, in [0, 1].
        seed: Of the draws.
        is_shuffled: Whether outcomes are then exchanged within each class, so that no tag explains any.
    """

    plants: Sequence[Any] = ()
    accuracy: float = 0.9
    seed: int = 0
    is_shuffled: bool = False
    _plants: tuple[Plant, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        wrong = [one for one in self.plants if not isinstance(one, Plant) and not _is_plant(one)]
        if wrong:
            raise UsageError(
                "each of outcomes.plants must state label, tags and accuracy, got "
                f"{wrong[0]!r}; write {{label: fish, tags: [desert], accuracy: 0.3}}."
            )
        plants = tuple(
            one if isinstance(one, Plant) else Plant(str(one["label"]), tuple(one["tags"]), float(one["accuracy"]))
            for one in self.plants
        )
        object.__setattr__(self, "_plants", plants)
        check_seed(**{"outcomes.seed": self.seed})
        wrong = [value for value in (self.accuracy, *(plant.accuracy for plant in plants)) if not 0 <= value <= 1]
        if wrong:
            raise UsageError(f"an accuracy must be in [0, 1], got {wrong[0]}; write 30 % as 0.3.")

    @property
    @override
    def needs_dataset(self) -> bool:
        return True

    @override
    def identity(self, ground: Ground) -> Any:
        dataset = ground.known_dataset
        plants = [[plant.label, sorted(plant.tags), plant.accuracy] for plant in self._plants]
        return ["planted", dataset.fingerprint, sorted(plants), self.accuracy, self.seed, self.is_shuffled]

    @override
    def planted(self, ground: Ground) -> Mapping[str, Sequence[frozenset[str]]]:
        found: dict[str, list[frozenset[str]]] = {}
        for plant in () if self.is_shuffled else self._plants:
            found.setdefault(plant.label, []).append(frozenset(plant.tags))
        return found

    @override
    def outcomes(self, ground: Ground, lab: "Lab | None") -> Outcomes:
        dataset, labels = ground.known_dataset, known_labels(ground.known_dataset)
        tags = dataset.tags
        strangers = sorted({plant.label for plant in self._plants} - set(labels.names))
        if tags is None or strangers:
            raise UsageError(
                f"plants must name classes and tags that the dataset knows, got {name_some(strangers or ['no tags'])}; "
                f"its classes are {name_some(labels.names)}."
            )
        chance = np.full(len(labels), self.accuracy)
        for plant in self._plants:
            members = tags.columns(plant.tags).holds.all(axis=1) & (labels.labels == labels.names.index(plant.label))
            chance[members] = np.minimum(chance[members], plant.accuracy)
        rng = generator(self.seed, "planted outcomes")
        correct = rng.random(len(labels)) < chance
        if self.is_shuffled:
            for label in np.unique(labels.labels):
                rows = np.flatnonzero(labels.labels == label)
                correct[rows] = rng.permutation(correct[rows])
        return Outcomes(image_names(dataset.images), labels.names, np.array(labels.labels), correct)


@final
@dataclass(frozen=True)
class OneSide(OutcomeSource):
    """Those of another source's outcomes that lie on one side of a split of each class's images at random.

    Args:
        source: The other one.
        of: ``dev`` or ``test``.
        dev_share: Share of the images that are dev, in (0, 1).
        seed: Of the split.

    Raises:
        UsageError: If the share is out of its range.
    """

    source: OutcomeSource
    of: str
    dev_share: float
    seed: int

    def __post_init__(self) -> None:
        if not 0 < self.dev_share < 1:
            raise UsageError(f"dev_share must be in (0, 1), got {self.dev_share}; 0.5 halves the images.")

    @property
    @override
    def needs_dataset(self) -> bool:
        return self.source.needs_dataset

    @property
    @override
    def needs_backbone(self) -> bool:
        return self.source.needs_backbone

    @property
    @override
    def side(self) -> str | None:
        return self.of

    @property
    @override
    def lessons(self) -> "Dataset | None":
        return self.source.lessons

    @override
    def identity(self, ground: Ground) -> Any:
        return ["side", self.of, self.dev_share, self.seed, self.source.identity(ground)]

    @override
    def planted(self, ground: Ground) -> Mapping[str, Sequence[frozenset[str]]] | None:
        return self.source.planted(ground)

    @override
    def outcomes(self, ground: Ground, lab: "Lab | None") -> Outcomes:
        outcomes = self.source.outcomes(ground, lab)
        rng = generator(self.seed, "sides of a model's outcomes")
        is_dev = np.zeros(len(outcomes), dtype=np.bool_)
        for label in np.unique(outcomes.labels):
            rows = rng.permutation(np.flatnonzero(outcomes.labels == label))
            is_dev[rows[: round(self.dev_share * len(rows))]] = True
        return outcomes.take(is_dev if self.of == "dev" else ~is_dev)


def outcomes_of(settings: "Settings") -> OutcomeSource:
    """The source that a configuration names, kept to the side that it names.

    Raises:
        UsageError: If it is none, or the share of dev is out of its range.
    """
    source = settings["outcomes"]
    if not isinstance(source, OutcomeSource):
        raise UsageError(f"outcomes must be an OutcomeSource, got {type(source).__name__}; choose another.")
    if settings["side"] is None:
        return source
    return OneSide(source, settings["side"], float(settings["dev_share"]), int(settings["split_seed"]))


def image_names(images: "Sequence[Image]") -> tuple[str, ...]:
    """What a dataset's images are called where files name them: by name, or by id where they have none."""
    return tuple(image.name or str(image.id) for image in images)


def known_labels(dataset: "Dataset") -> "ClassLabels":
    """The labels of a dataset.

    Raises:
        UsageError: If it has none.
    """
    if dataset.labels is None:
        raise UsageError(
            f"outcomes of classes need a dataset that knows them, got {dataset.name} without labels; name a file of "
            "outcomes."
        )
    return dataset.labels


def _is_plant(said: Any) -> bool:
    is_whole = isinstance(said, Mapping) and set(said) == {"label", "tags", "accuracy"}
    return is_whole and isinstance(said["tags"], list | tuple) and isinstance(said["accuracy"], int | float)
