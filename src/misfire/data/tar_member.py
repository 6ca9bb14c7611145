"""An image inside a tar archive, read at its place without unpacking anything."""

import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final, final

from PIL import Image as PillowImage
from typing_extensions import override

from misfire.core.errors import UsageError
from misfire.core.hashing import sha256_bytes
from misfire.data.dataset import OUTSIDE, ImageSource, Look, Stamp
from misfire.data.decoding import MAX_PIXELS, decode, look_at

_PACKED: Final = MappingProxyType(
    {
        b"\x1f\x8b": "gunzip",
        b"BZh": "bunzip2",
        b"\xfd7zXZ\x00": "unxz",
        b"\x28\xb5\x2f\xfd": "unzstd",
        b"\x04\x22\x4d\x18": "unlz4",
    }
)
_LOOK_AHEAD: Final = 1 << 20
# A flipped byte of a header makes tarfile raise more than its own errors.
_DAMAGE: Final = (tarfile.TarError, OSError, ValueError, OverflowError, EOFError)


@final
@dataclass(frozen=True, slots=True)
class TarMember(ImageSource):
    """Some bytes of an archive, ``size`` of them from ``offset`` on; named by those bytes, not by where they lie.

    Raises:
        UsageError: When it's hashed or loaded, if the archive lacks the bytes or they aren't a whole image.
    """

    archive: Path
    offset: int
    size: int
    name: str
    max_pixels: int | None = MAX_PIXELS

    def read(self) -> bytes:
        """The member's bytes."""
        try:
            with self.archive.open("rb") as file:
                file.seek(self.offset)
                data = file.read(self.size)
        except OSError as error:
            raise UsageError(
                f"an archive must be readable, got {self.archive} ({error.strerror}); mend its path or rights."
            ) from error
        if len(data) != self.size:
            raise UsageError(
                f"{self.name} must hold {self.size} bytes, got {len(data)} from {self.archive}; it is truncated, "
                "fetch the archive again."
            )
        return data

    @property
    @override
    def content_sha256(self) -> str:
        return sha256_bytes(self.read())

    @override
    def load(self) -> PillowImage.Image:
        return decode(self.read(), f"{self.name} of {self.archive}", max_pixels=self.max_pixels)

    @override
    def problem(self) -> str | None:
        return self.look().problem

    @override
    def look(self) -> Look:
        return look_at(self.read(), max_pixels=self.max_pixels)

    @override
    def stamp(self) -> Stamp | None:
        try:
            place = _place(self.archive)
            return Stamp(f"{place}@{self.offset}", self.size, os.stat(place).st_mtime_ns)
        except OSError:
            return None


@final
@dataclass(frozen=True, slots=True)
class TarEntry:
    """One header of an archive.

    Args:
        member: Where its bytes lie.
        problem: Why they can't be used ("not a regular file", ...), or None.
    """

    member: TarMember
    problem: str | None


def tar_entries(archive: Path) -> Iterator[TarEntry]:
    """Every entry of an archive but folders, in the archive's order; only headers are read, one at a time.

    Raises:
        UsageError: If the archive is missing, packed, or doesn't go on to the end that a tar has.
    """
    _refuse_packed(archive)
    with _opened(archive) as tar:
        while (header := _next(archive, tar)) is not None:
            tar.members = []  # type: ignore[attr-defined]  # it would keep every header otherwise
            if not header.isdir():
                yield TarEntry(TarMember(archive, header.offset_data, header.size, header.name), _problem(header))
        _check_end(archive, tar.offset)


def _opened(archive: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(archive, "r:", encoding="utf-8", errors="backslashreplace")
    except _DAMAGE as error:
        raise _broken(archive, str(error)) from error


def _next(archive: Path, tar: tarfile.TarFile) -> tarfile.TarInfo | None:
    try:
        return tar.next()
    except _DAMAGE as error:
        raise _broken(archive, str(error)) from error


def _problem(header: tarfile.TarInfo) -> str | None:
    if not header.isreg() or header.issparse():
        return "not a regular file"
    if header.name.startswith("/") or ".." in header.name.split("/"):
        return OUTSIDE
    return None


@lru_cache(maxsize=4096)
def _place(archive: Path) -> str:
    """Asked for every member, so it's found once; a link that is turned meanwhile is seen by the next process."""
    return os.path.realpath(archive)


def _refuse_packed(archive: Path) -> None:
    try:
        with archive.open("rb") as file:
            start = file.read(8)
    except OSError as error:
        raise UsageError(
            f"an archive must be a readable file, got {archive} ({error.strerror}); mend its path or rights."
        ) from error
    for magic, remedy in _PACKED.items():
        if start.startswith(magic):
            raise UsageError(
                f"an archive must be a plain tar, so that pictures are read where they lie, got {archive}, which is "
                f"compressed; unpack it once with {remedy}."
            )


def _check_end(archive: Path, offset: int) -> None:
    """A tar ends in empty blocks; ``tarfile`` itself takes a cut at a header, or a damaged one, for the end."""
    with archive.open("rb") as file:
        file.seek(offset)
        block = file.read(tarfile.BLOCKSIZE)
        if len(block) < tarfile.BLOCKSIZE:
            raise _broken(archive, f"it ends at byte {offset + len(block)} without a closing block")
        if any(block):
            raise _broken(archive, f"no header at byte {offset}")
        while rest := file.read(_LOOK_AHEAD):
            if any(rest):
                raise UsageError(
                    f"an archive must end where its closing blocks are, got more behind them in {archive}; if several "
                    "were joined by cat, give them one by one."
                )


def _broken(archive: Path, reason: str) -> UsageError:
    return UsageError(
        f"an archive must be a whole tar, got {archive} ({reason}); it is truncated or damaged, fetch it again."
    )
