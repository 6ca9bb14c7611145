"""Pictures in a folder a class, as ImageNet's validation set and most labelled sets of one's own lie."""

from pathlib import Path
from typing import final

import numpy as np

from misfire.core.errors import UsageError
from misfire.data.dataset import Image
from misfire.data.image_table import ClassLabels, Known
from misfire.data.listing import Listing
from misfire.data.picture_folder import picture_in
from misfire.data.sourced import SourcedDataset

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")


@final
class ImageFolder(SourcedDataset):
    """Labelled images: each folder below the root is a class and holds its images, however deep.

    Classes are in the order of their folders' names; a folder without an image is a class without one. Ids count the
    images in the order of their paths. Files with other endings than pictures' are no images.

    Args:
        root: The folder of the classes' folders.
        on_bad_image: ``refuse`` or ``skip``, see :class:`SourcedDataset`.
        index: Folder in which the look at each picture is remembered.
        name: What tables call it; the root's name if left out.

    Raises:
        UsageError: If there is no such folder, no folder in it, or no image in any of them.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        on_bad_image: str = "refuse",
        index: str | Path | None = None,
        name: str | None = None,
    ) -> None:
        top = Path(root)
        folders = sorted(path for path in top.iterdir() if path.is_dir()) if top.is_dir() else []
        if not folders:
            raise UsageError(
                f"an image folder must hold a folder for each class, got none in {root}; pictures must lie at "
                f"{root}/CLASS/FILE."
            )
        found = [
            (path.relative_to(top).as_posix(), label)
            for label, folder in enumerate(folders)
            for path in sorted(folder.rglob("*"))
            if path.suffix.lower() in SUFFIXES and path.is_file()
        ]
        if not found:
            raise UsageError(
                f"an image folder must hold images in its classes' folders, got none in {root}; an image ends in "
                f"{', '.join(SUFFIXES)}."
            )
        images = [Image(place, picture_in(top.resolve(), path), path) for place, (path, _) in enumerate(found)]
        labels = np.array([label for _, label in found], dtype=np.int64)
        classes = tuple(folder.name for folder in folders)
        super().__init__(
            Listing(name or top.resolve().name, images, ()),
            on_bad_image=on_bad_image,
            index=index,
            known=Known(labels=ClassLabels(np.arange(len(images)), classes, labels)),
        )
