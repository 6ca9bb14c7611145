"""Where a listing's pictures lie: a folder that none of them may leave, or nowhere."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn, final

from PIL import Image as PillowImage
from typing_extensions import override

from misfire.core.errors import UsageError
from misfire.core.hashing import sha256_text
from misfire.data.dataset import OUTSIDE, ImageSource
from misfire.data.image_file import ImageFile


@final
@dataclass(frozen=True)
class AbsentImage(ImageSource):
    """The picture of a dataset that was opened for its captions alone; named by what its source calls it."""

    name: str

    @property
    @override
    def content_sha256(self) -> str:
        return sha256_text(f"absent image/{self.name}")

    @override
    def load(self) -> NoReturn:
        raise UsageError(
            f"an image must have its picture to be read, but {self.name} was opened without its pictures; "
            "set dataset.images=FOLDER."
        )

    @override
    def problem(self) -> None:
        return None


@final
@dataclass(frozen=True)
class UnusableImage(ImageSource):
    """A picture of which it's known before opening it that it can't be used, and why."""

    name: str
    reason: str

    @property
    @override
    def content_sha256(self) -> NoReturn:
        raise UsageError(f"an image must be usable, got {self.name} ({self.reason}); mend or drop it in the source.")

    @override
    def load(self) -> PillowImage.Image:
        return self.content_sha256

    @override
    def problem(self) -> str:
        return self.reason


def pictures(folder: str | Path | None, *, published: str) -> Callable[[str], ImageSource]:
    """From an image's name within ``folder`` to its picture; without a folder, to a picture that is absent.

    Args:
        folder: Folder of the pictures, or None to open captions alone.
        published: Where a user gets the pictures, for the error.

    Raises:
        UsageError: If there is no such folder.
    """
    if folder is None:
        return AbsentImage
    root = Path(folder)
    if not root.is_dir():
        raise UsageError(f"the pictures must lie in the folder {root}, found none; put them there ({published}).")
    return partial(picture_in, root.resolve())


def picture_in(root: Path, name: str) -> ImageSource:
    """The file ``name`` of the folder ``root``, which must be resolved; a name that leads out of it is never opened."""
    return ImageFile(root / name) if within(root, name) else UnusableImage(name, OUTSIDE)


def within(root: Path, relative: str) -> bool:
    """Whether a path, taken from ``root``, stays in it after ``..`` and every link is followed.

    Example:
        >>> within(Path("/data"), "val/1.jpg"), within(Path("/data"), "val/../../etc/passwd")
        (True, False)
    """
    try:  # on texts: a Path a name would take most of the time in which a known dataset opens
        top, place = os.path.realpath(root), os.path.realpath(os.path.join(root, relative))
    except (OSError, ValueError):  # a name with a zero byte
        return False
    return place == top or place.startswith(top.rstrip(os.sep) + os.sep)
