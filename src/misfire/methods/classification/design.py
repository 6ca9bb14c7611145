"""What is asked of one evaluation of a zero-shot classifier: the images, the model, its prompts and what mends it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Int

from misfire.core.errors import UsageError, name_some
from misfire.core.seeding import generator
from misfire.core.words import counted
from misfire.data import ClassLabels, Dataset
from misfire.data.right_answers import RightAnswers
from misfire.embeddings import Encoder
from misfire.methods.classification.enriching import Enrich
from misfire.methods.classification.evaluation import cutoffs_within
from misfire.methods.classification.prior import PriorCorrection
from misfire.methods.classification.weighting import PromptWeighting
from misfire.prompts import TemplateSet
from misfire.prompts.descriptions import DescriptionSource, NoDescriptions
from misfire.scoring import PromptPooling
from misfire.stats import StatisticsSettings


@dataclass(frozen=True, eq=False)
class Design:
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
