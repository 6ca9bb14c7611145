"""Labelled tar shards as webdataset writes them: ``key.jpg`` beside ``key.cls``."""

from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import final

import numpy as np

from misfire.core.errors import UsageError, name_some
from misfire.data.decoding import MAX_PIXELS
from misfire.data.image_table import ClassLabels, Known
from misfire.data.picture_folder import check_max_pixels
from misfire.data.sourced import SourcedDataset
from misfire.data.webdataset import Endings, find_shards, webdataset_listing


@final
class WebdatasetClasses(SourcedDataset):
    """The pictures of tar shards with a class each, read where they lie.

    A class is what ``key.cls`` says: a number from 0, or a name. Numbers are classes in their order up to the largest
    one, whether a picture is of them or not; names are classes in the order of the alphabet. Pictures are understood
    and numbered as in :class:`WebdatasetCaptions`.

    Args:
        shards: One tar, a folder of ``*.tar``, a glob, or a range such as ``shards/{000000..000012}.tar``.
        label: How the names of the classes' members end after their key.
        picture: How the names of the pictures end after their key; None for any known ending.
        name: What tables call it; the shards' name if left out.
        on_bad_image: ``refuse`` or ``skip``, see :class:`SourcedDataset`.
        max_image_pixels: The most pixels that a picture may have; None for any number.
        index: Folder in which the look at each picture is remembered, or None.

    Raises:
        UsageError: If there is no shard, one is damaged, a picture has no class or several, or some classes are numbers
            and others names.
    """

    def __init__(
        self,
        shards: str | Path,
        *,
        label: str = "cls",
        picture: str | None = None,
        name: str | None = None,
        on_bad_image: str = "refuse",
        max_image_pixels: int | None = MAX_PIXELS,
        index: str | Path | None = None,
    ) -> None:
        check_max_pixels(max_image_pixels)
        listing = webdataset_listing(
            find_shards(str(shards)),
            name=name or Path(shards).stem,
            endings=Endings.of(picture=picture, text=label),
            max_pixels=max_image_pixels,
        )
        said = defaultdict(list)
        for caption in listing.captions:
            said[caption.image_id].append(caption.text.strip())
        wrong = [image.name for image in listing.images if len(said[image.id]) != 1]
        if wrong:
            raise UsageError(
                f"every picture of {shards} must have one class in a member that ends in .{label.lstrip('.')}, got "
                f"{len(wrong)} without or with several ({name_some(wrong)}); write the shards again, or say with "
                "dataset.label how these members end."
            )
        classes = [said[image.id][0] for image in listing.images]
        names = _class_names(classes)
        place = {one: at for at, one in enumerate(names)}
        labels = np.array([place[str(int(one)) if one.isdecimal() else one] for one in classes], dtype=np.int64)
        super().__init__(
            replace(listing, captions=[], no_texts=[]),
            on_bad_image=on_bad_image,
            index=index,
            known=Known(labels=ClassLabels(np.arange(len(labels)), names, labels)),
        )


def _class_names(classes: list[str]) -> tuple[str, ...]:
    numbers = [one for one in classes if one.isdecimal()]
    if numbers and len(numbers) < len(classes):
        names = sorted(set(classes) - set(numbers))
        raise UsageError(
            f"classes must all be numbers or all be names, got {name_some(sorted(set(numbers)))} beside "
            f"{name_some(names)}; write one or the other."
        )
    return tuple(str(one) for one in range(max(map(int, numbers)) + 1)) if numbers else tuple(sorted(set(classes)))
