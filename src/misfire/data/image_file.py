"""An image that lies in a file."""

import os
import stat
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import final

from PIL import Image as PillowImage
from typing_extensions import override

from misfire.core.errors import UsageError
from misfire.core.hashing import sha256_file
from misfire.data.dataset import MISSING, ImageSource, Look, Stamp
from misfire.data.decoding import MAX_PIXELS, decode, look_at


@final
@dataclass(frozen=True)
class ImageFile(ImageSource):
    """A file that Pillow reads; named by its bytes, so that moving it changes nothing.

    Args:
        path: The file.
        max_pixels: The most pixels that it may have, or None.

    Raises:
        UsageError: When it's hashed or loaded, if it is missing or can't be decoded whole.
    """

    path: Path
    max_pixels: int | None = MAX_PIXELS

    @cached_property
    @override
    def content_sha256(self) -> str:  # cached: hashing reads the whole file
        try:
            return sha256_file(self.path)
        except (OSError, ValueError) as error:
            raise _unreadable(self.path, error) from error

    @override
    def load(self) -> PillowImage.Image:
        try:
            file = self.path.open("rb")
        except (OSError, ValueError) as error:
            raise _unreadable(self.path, error) from error
        with file:
            return decode(file, str(self.path), max_pixels=self.max_pixels)

    @override
    def problem(self) -> str | None:
        return self.look().problem

    @override
    def look(self) -> Look:
        try:
            if not stat.S_ISREG(self.path.stat().st_mode):  # opening a pipe would wait for ever
                return Look("not a file")
            with self.path.open("rb") as file:
                return look_at(file, max_pixels=self.max_pixels)
        except (FileNotFoundError, NotADirectoryError):
            return Look(_missing(self.path))
        except (OSError, ValueError) as error:
            return Look(_in_words(error))

    @override
    def stamp(self) -> Stamp | None:
        try:
            place = os.path.realpath(self.path)
            place.encode("utf-8")  # a name that is no text can't be remembered
            found = os.stat(place)
        except (OSError, ValueError):
            return None
        return Stamp(place, found.st_size, found.st_mtime_ns)


def _unreadable(path: Path, error: OSError | ValueError) -> UsageError:
    return UsageError(f"an image file must be readable, got {path} ({_in_words(error)}); mend its path.")


def _in_words(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)  # a zero byte is a ValueError


def _missing(path: Path) -> str:
    """That a file is missing, whether a link stands in its place, or a name that differs as people don't see it."""
    if path.is_symlink():
        return f"{MISSING}, a link to {os.readlink(path)}"
    try:
        near = _names(path.parent, path.parent.stat().st_mtime_ns).get(_folded(path.name))
    except OSError:
        return MISSING
    return MISSING if near is None else f"{MISSING}, though {near} is there, whose name differs in case or in accents"


@lru_cache(maxsize=4)
def _names(folder: Path, _mtime_ns: int) -> Mapping[str, str]:
    return {_folded(name): name for name in os.listdir(folder)}


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name.casefold())
