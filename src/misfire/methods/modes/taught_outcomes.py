"""Outcomes of a linear classifier that was taught on other images, whose shortcuts these images lay bare."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

import numpy as np
from typing_extensions import override

from misfire.core.errors import UsageError, name_some
from misfire.data.dataset import Dataset
from misfire.data.outcomes import Outcomes
from misfire.methods.modes.amplification import Amplification
from misfire.methods.modes.method_identity import described
from misfire.methods.modes.outcome_source import Ground, OutcomeSource, image_names, known_labels

if TYPE_CHECKING:
    from misfire.cells import Lab


@final
@dataclass(frozen=True)
class TaughtOutcomes(OutcomeSource):
    """What a linear model on the backbone's features predicts, after it was taught the labels of other images.

    Where its lessons show each class mostly in one context, it takes the context for the class, and fails on images of
    the class elsewhere. That is how LBEE and FACTS plant failures whose cause is known.

    Args:
        taught_on: Labelled images of the same classes.
        head: How the model is trained; with strong weight decay it leans on contexts.
        seed: Of the training.

    Reference:
        Yenamandra et al., "FACTS: First amplify correlations and then slice to discover bias", ICCV 2023; Csurka et
        al., "What could go wrong?", 2024, appendix B.
    """

    taught_on: Dataset
    head: Amplification = field(default_factory=Amplification)
    seed: int = 0

    @property
    @override
    def needs_dataset(self) -> bool:
        return True

    @property
    @override
    def needs_backbone(self) -> bool:
        return True

    @property
    @override
    def lessons(self) -> Dataset:
        return self.taught_on

    @override
    def identity(self, ground: Ground) -> Any:
        dataset, taught_on = ground.known_dataset, self.taught_on
        return [
            "taught",
            [dataset.image_set.fingerprint, known_labels(dataset).fingerprint],
            [taught_on.image_set.fingerprint, known_labels(taught_on).fingerprint],
            taught_on.tags and taught_on.tags.fingerprint,
            ground.known_backbone.fingerprint,
            described(self.head),
            self.seed,
        ]

    @override
    def outcomes(self, ground: Ground, lab: "Lab | None") -> Outcomes:
        assert lab is not None
        dataset, backbone = ground.known_dataset, ground.known_backbone
        labels, taught = known_labels(dataset), known_labels(self.taught_on)
        known = {taught.names[one] for one in np.flatnonzero(taught.counts)}
        strange = [name for one in np.flatnonzero(labels.counts) if (name := labels.names[one]) not in known]
        if strange:
            raise UsageError(
                f"a model can name only classes that it was taught, got images of {name_some(strange)} beside; teach "
                f"it on images of all classes of {dataset.name}."
            )
        model = self.head.fit(
            lab.bench(self.taught_on, backbone).gallery.numpy(),
            taught.labels.astype(np.int64),
            num_classes=len(taught.names),
            rng=np.random.default_rng(self.seed),
        )
        chances = model.predictions(lab.bench(dataset, backbone).gallery.numpy()).astype(np.float64)
        place = {name: column for column, name in enumerate(taught.names)}
        truth = np.array([place.get(name, -1) for name in labels.names])[labels.labels]
        predictions = chances.argmax(axis=1)
        return Outcomes(
            images=image_names(dataset.images),
            class_names=taught.names,
            labels=truth,
            correct=predictions == truth,
            predictions=predictions,
            prediction_names=taught.names,
            scores=chances[np.arange(len(truth)), truth],
            class_scores=chances,
        )
