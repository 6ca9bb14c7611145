"""A second opinion on what images show: several right answers an image, or none."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Bool

from misfire.core.errors import UsageError, name_some
from misfire.core.hashing import sha256_json
from misfire.data.column_file import ColumnFile


@final
@dataclass(frozen=True, eq=False)
class RightAnswers:
    """Which classes are right for an image, as raters saw it; ImageNet's ReaL labels are such.

    Args:
        name: What tables call it.
        of_image: Right classes by the image's name; none where the raters found none of the classes.
    """

    name: str
    of_image: dict[str, frozenset[str]]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what is right for which image; the name is no part of it."""
        return sha256_json({image: sorted(right) for image, right in self.of_image.items()})

    def hits(
        self, images: Sequence[str], predictions: Sequence[str]
    ) -> tuple[Bool[np.ndarray, " image"], Bool[np.ndarray, " image"]]:
        """Which images are rated, and which of all are predicted rightly; an image without a right answer is neither.

        Args:
            images: Names of the images.
            predictions: Name of the predicted class of each.

        Raises:
            UsageError: If an image isn't known here.
        """
        strangers = [image for image in images if image not in self.of_image]
        if strangers:
            raise UsageError(
                f"labels_also must know every image, {self.name} has {len(self.of_image)} and lacks "
                f"{name_some(strangers)}; give the file of these images, with an empty field where no answer is right."
            )
        right = [self.of_image[image] for image in images]
        is_rated = np.array([bool(answers) for answers in right], dtype=np.bool_)
        is_hit = np.array([said in answers for said, answers in zip(predictions, right, strict=True)], dtype=np.bool_)
        return is_rated, is_hit


def read_right_answers(
    path: Path, *, image: str = "image", answers: str = "labels", separator: str = " "
) -> RightAnswers:
    """Right answers from CSV, TSV, JSON lines, Parquet or NPZ with a row an image.

    Args:
        path: The file.
        image: Column of the image's name.
        answers: Column of the right classes, with ``separator`` between them; empty where none is right.
        separator: What stands between two classes; another one where class names hold blanks.

    Raises:
        UsageError: If the file can't be read, or an image stands twice.
    """
    file = ColumnFile(path)
    names = file.texts(image)
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise UsageError(f"{path} must have one row an image, got {name_some(twice)} again; join their answers.")
    told = ["" if value is None or value != value else str(value) for value in file.raw(answers)]
    return RightAnswers(
        name=path.stem,
        of_image={
            name: frozenset(one.strip() for one in text.split(separator) if one.strip())
            for name, text in zip(names, told, strict=True)
        },
    )
