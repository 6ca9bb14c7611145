"""Labelled datasets of torchvision, whichever it has."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from inspect import signature
from pathlib import Path
from typing import Any, Final, final

import numpy as np
from PIL import Image as PillowImage
from typing_extensions import override

from misfire.core.errors import UsageError, name_some
from misfire.core.hashing import sha256_bytes
from misfire.data.dataset import Dataset, Image, ImageSource
from misfire.data.image_table import ClassLabels, Known

# It keeps a list of keys beside its files, as a pickle that nothing vouches for; CIFAR's are held against checksums.
_UNPICKLING: Final = ("LSUN", "LSUNClass")


@final
@dataclass(frozen=True, eq=False)
class IndexedImage(ImageSource):
    """One picture of a dataset that is read by number; named by its pixels."""

    dataset: Any
    place: int

    @cached_property
    @override
    def content_sha256(self) -> str:
        image = self.load()
        return sha256_bytes(f"{image.mode}{image.size}".encode() + image.tobytes())

    @override
    def load(self) -> PillowImage.Image:
        image: PillowImage.Image = self.dataset[self.place][0]
        return image


@final
class TorchvisionImages(Dataset):
    """Images and classes of a dataset of torchvision that lies on this machine; nothing is downloaded.

    Args:
        source: The class's name in ``torchvision.datasets``, such as CIFAR10.
        root: Where its files lie.
        options: Its other arguments, such as ``{train: false}`` or ``{split: val}``.

    Raises:
        UsageError: If torchvision has no such dataset, its files aren't there, or its items aren't a picture and a
            class each.
    """

    def __init__(self, source: str, root: str | Path, options: Mapping[str, Any] | None = None) -> None:
        import torchvision

        made_by = getattr(torchvision.datasets, source, None)
        base = torchvision.datasets.VisionDataset
        is_one = isinstance(made_by, type) and issubclass(made_by, base) and made_by is not base
        if made_by is None or not is_one:
            raise UsageError(f"source must be a class of torchvision.datasets, got {source}; CIFAR10 is one.")
        if source in _UNPICKLING:
            raise UsageError(
                f"source must be a dataset that unpickles nothing of its folder, got {source}; export its pictures "
                "into a folder a class."
            )
        given = dict(options or {})
        if "download" in given or "root" in given:
            raise UsageError(
                f"options must be others than root and download, got {name_some(given)}; the folder is said by root, "
                "and nothing is downloaded: fetch it yourself."
            )
        given |= {"download": False} if "download" in signature(made_by).parameters else {}
        given |= {} if source == "FakeData" else {"root": str(root)}  # which has no files
        try:
            found = made_by(**given)
        except (RuntimeError, OSError, TypeError, ValueError, KeyError, ImportError) as error:
            reason = " ".join(str(error).split())
            raise UsageError(
                f"the files of torchvision's {source} must lie at {root} and its options fit, got: {reason}; put them "
                "there (as its documentation says)."
            ) from error
        labels = _labels(found, source)
        names = tuple(getattr(found, "classes", ())) or tuple(str(one) for one in range(int(labels.max()) + 1))
        names = tuple(", ".join(name) if isinstance(name, tuple) else str(name) for name in names)
        super().__init__(
            name=source.lower(),
            images=tuple(Image(place, IndexedImage(found, place), str(place)) for place in range(len(found))),
            known=Known(labels=ClassLabels(np.arange(len(found)), names, labels)),
        )


def _labels(found: Any, source: str) -> np.ndarray:
    listed = getattr(found, "targets", None)
    values = (
        listed if listed is not None and len(listed) == len(found) else [found[place][1] for place in range(len(found))]
    )
    labels = np.array(
        [one if isinstance(one, int | np.integer) else getattr(one, "item", lambda: -1)() for one in values]
    )
    if not len(labels) or labels.dtype.kind not in "iu" or labels.min() < 0:
        raise UsageError(
            f"a dataset of torchvision must have a picture and a class in each item, got something else in {source}; "
            "choose one for classification."
        )
    return labels.astype(np.int64)
