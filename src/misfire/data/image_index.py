"""The look at each image before it's used: its content's name, or why it can't be used."""

from collections.abc import Sequence
from pathlib import Path

from misfire.data.dataset import Image


def check_images(images: Sequence[Image], *, index: str | Path | None) -> tuple[list[Image], dict[int, str]]:
    """Look at every image once.

    Args:
        images: The images.
        index: Folder in which looks are remembered, or None.

    Returns:
        The images with their content's name known, and the problem of each that has one, by id.
    """
    problems = {image.id: problem for image in images if (problem := image.source.problem()) is not None}
    return list(images), problems
