"""How many of the training labels are known: a fraction that is drawn, or a mask that somebody has published."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Int, Int8

from misfire.core.counts import check_seed
from misfire.core.errors import UsageError, name_some
from misfire.core.hashing import sha256_file
from misfire.core.seeding import generator
from misfire.data.image_table import LabelMatrix
from misfire.methods.multilabel.mask import draw_mask, hide, read_mask
from misfire.methods.multilabel.settings import TrainingSettings


@final
@dataclass(frozen=True)
class KnownLabels:
    """Which training labels are known.

    Args:
        fraction: Share that is known, in (0, 1]; each label by itself with this probability.
        seed: Of the draw.
        mask: A file with rows of -1, 0 and 1 instead, a row an image in the order of the dataset.

    Raises:
        UsageError: If the fraction isn't in (0, 1] or the seed is negative.
    """

    fraction: float = 0.5
    seed: int = 0
    mask: str | None = None

    def __post_init__(self) -> None:
        if not 0 < self.fraction <= 1:
            raise UsageError(f"labels.fraction must be in (0, 1], got {self.fraction}; use 0.1 for 10 %.")
        check_seed(**{"labels.seed": self.seed})

    @property
    def identity(self) -> dict[str, str | float | int]:
        """What the draw depends on: of a file, its content."""
        if self.mask is not None:
            return {"mask_sha256": sha256_file(self._checked())}
        return {"fraction": self.fraction, "seed": self.seed}

    @property
    def label(self) -> str:
        """What a table of runs shows."""
        return f"{self.fraction:g}" if self.mask is None else Path(self.mask).stem

    def of(self, labels: LabelMatrix) -> Int8[np.ndarray, "image class"]:
        """The labels that are known, 0 elsewhere; labels that the dataset doesn't know stay unknown.

        Raises:
            UsageError: If the file is of other classes or images, or contradicts the dataset's labels.
        """
        if self.mask is None:
            return hide(labels.values, draw_mask(labels.values.shape, fraction=self.fraction, seed=self.seed))
        read = read_mask(self._checked(), labels.names)
        partial = hide(labels.values, read != 0)
        # A file of 0 and 1 is a plain mask, whose 1 says known; one with -1 in it says what the label is, too.
        if (read == -1).any():
            wrong = [
                labels.names[column] for column in np.flatnonzero(((read != partial) & (partial != 0)).any(axis=0))
            ]
            if wrong:
                raise UsageError(
                    f"a mask's labels must be the dataset's, got others for classes {name_some(wrong)} in {self.mask}; "
                    "use the mask of this dataset and split, with its images in the order of their ids."
                )
        return partial

    def _checked(self) -> Path:
        path = Path(self.mask or "")
        if not path.is_file():
            raise UsageError(f"a mask must be a file of rows of -1, 0 and 1, found none at {path}; check its path.")
        return path


def split_positions(
    labels: Int[np.ndarray, "image class"], *, classes: Sequence[str], settings: TrainingSettings
) -> tuple[Int[np.ndarray, " train_image"], Int[np.ndarray, " choice_image"]]:
    """Which training images are learned from and which choose the epoch, drawn from the seed; ascending positions.

    Args:
        labels: The known ones, 0 elsewhere.
        classes: Their names, for messages.
        settings: The share that chooses, and the seed.

    Raises:
        UsageError: If all labels are unknown, a class has no known positive image to learn from, or the validation part
            has none at all.
    """
    if not labels.any():
        raise UsageError(
            f"at least one label must be known, got {labels.size} that are all unknown; draw a larger fraction."
        )
    order = generator(settings.seed, "validation part").permutation(len(labels))
    num_choice = max(1, round(settings.validation_share * len(labels)))
    choice, train = np.sort(order[:num_choice]), np.sort(order[num_choice:])
    bare = [name for name, has in zip(classes, (labels[train] == 1).any(axis=0), strict=True) if not has]
    if bare:
        raise UsageError(
            f"each class must have a known positive image to learn from, got {name_some(bare)} without; draw a larger "
            "fraction, add images, or leave these classes out."
        )
    if not (labels[choice] == 1).any():
        raise UsageError(
            f"the validation part must have a known positive label, got none in {len(choice)} images; draw a larger "
            "fraction or raise validation_share."
        )
    return train, choice
