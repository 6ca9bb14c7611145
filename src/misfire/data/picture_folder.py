"""Where a listing's pictures lie: a folder that none of them may leave, or nowhere."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, NoReturn, final

from PIL import Image as PillowImage
from typing_extensions import override

from misfire.core.errors import UsageError
from misfire.core.hashing import sha256_text
from misfire.data.dataset import OUTSIDE, ImageSource
from misfire.data.decoding import MAX_PIXELS
from misfire.data.image_file import ImageFile

PICTURE_ENDINGS: Final = (
    *(".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"),
    *(".heic", ".heif", ".jxl", ".jp2"),  # not all of which Pillow reads: then they are told, and not left out
)
"""How the names of pictures end that are looked for without being named; any other file must be named in a table."""


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


def pictures(
    folder: str | Path | None,
    *,
    published: str,
    follow_links: bool = False,
    max_pixels: int | None = MAX_PIXELS,
) -> Callable[[str], ImageSource]:
    """From an image's name within ``folder`` to its picture; without a folder, to a picture that is absent.

    Args:
        folder: Folder of the pictures, or None to open captions alone.
        published: Where a user gets the pictures, for the error.
        follow_links: Whether a symbolic link may lead to a picture outside the folder.
        max_pixels: The most pixels that a picture may have, or None for any number.

    Raises:
        UsageError: If there is no such folder.
    """
    if folder is None:
        return AbsentImage
    root = Path(folder)
    if not root.is_dir():
        raise UsageError(f"the pictures must lie in the folder {root}, found none; put them there ({published}).")
    check_max_pixels(max_pixels)
    return partial(picture_in, root.resolve(), follow_links=follow_links, max_pixels=max_pixels)


def picture_in(
    root: Path, name: str, *, follow_links: bool = False, max_pixels: int | None = MAX_PIXELS
) -> ImageSource:
    """The file ``name`` of the folder ``root``, which must be resolved; a name that leads out of it is never opened.

    A link that leads out is refused like such a name, unless links are followed: then it's the data's own structure.
    """
    if within(root, name, follow_links=follow_links):
        return ImageFile(root / name, max_pixels)
    is_link = not follow_links and within(root, name, follow_links=True)
    return UnusableImage(name, f"{OUTSIDE}, by a link (see dataset.follow_links)" if is_link else OUTSIDE)


def picture_names(root: Path, *, follow_links: bool = False) -> list[str]:
    """Names of all picture files below a folder, sorted; hidden files and folders are passed over.

    Args:
        root: The folder.
        follow_links: Whether linked folders are entered, each place once.
    """
    found: list[str] = []
    entered = {os.path.realpath(root)}
    for folder, inner, files in os.walk(root, followlinks=follow_links):
        relative = Path(folder).relative_to(root)
        found += [(relative / file).as_posix() for file in files if is_picture(file) and not file.startswith(".")]
        fresh = []
        for name in inner:
            place = os.path.realpath(os.path.join(folder, name))
            if not name.startswith(".") and place not in entered:  # a link that leads back to itself ends here
                entered.add(place)
                fresh.append(name)
        inner[:] = fresh
    return sorted(found)


def is_picture(name: str) -> bool:
    """Whether a file's name ends as those of pictures do.

    Example:
        >>> is_picture("22.05.PNG"), is_picture("png")
        (True, False)
    """
    return name.lower().endswith(PICTURE_ENDINGS)


def check_max_pixels(max_pixels: int | None) -> None:
    """Refuse a limit that no picture keeps."""
    if max_pixels is not None and max_pixels < 1:
        raise UsageError(
            f"max_image_pixels must be >= 1 or null, got {max_pixels}; leave it out for {MAX_PIXELS:,} pixels."
        )


def within(root: Path, relative: str, *, follow_links: bool = False) -> bool:
    """Whether a path, taken from ``root``, stays in it after ``..`` and, unless they are trusted, every link.

    Example:
        >>> within(Path("/data"), "val/1.jpg"), within(Path("/data"), "val/../../etc/passwd")
        (True, False)
    """
    real = os.path.abspath if follow_links else os.path.realpath
    try:  # on texts: a Path a name would take most of the time in which a known dataset opens
        top, place = real(root), real(os.path.join(root, relative))
        if "\0" in relative:
            return False
    except (OSError, ValueError):  # a name with a zero byte
        return False
    return place == top or place.startswith(top.rstrip(os.sep) + os.sep)
