"""The look at each image before it is used, and a memory of it, so that a file that didn't change is looked at once."""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple, final

from PIL import Image as PillowImage
from typing_extensions import override

from misfire.core.errors import UsageError
from misfire.core.files import atomic_path, locked
from misfire.core.progress import say, track
from misfire.data.dataset import Image, ImageSource, Stamp
from misfire.data.near_twin import THUMBNAIL_BYTES

_FILE: Final = "images.parquet"
_TEXTS: Final = ("name", "sha256")
_THUMBNAIL: Final = "thumbnail"
_NUMBERS: Final = ("num_bytes", "mtime_ns")
_BATCH: Final = 64
_SHA256_LETTERS: Final = 64


@final
@dataclass(frozen=True, slots=True)
class CheckedImage(ImageSource):
    """An image that was looked at: the name of its content is known and needs no reading, nor does its thumbnail."""

    source: ImageSource
    sha256: str
    seen: bytes | None = None

    @property
    @override
    def thumbnail(self) -> bytes | None:
        return self.seen

    @property
    @override
    def content_sha256(self) -> str:
        return self.sha256

    @override
    def load(self) -> PillowImage.Image:
        return self.source.load()

    @override
    def problem(self) -> str | None:
        return self.source.problem()

    @override
    def stamp(self) -> Stamp | None:
        return self.source.stamp()


class _Remembered(NamedTuple):
    """What is remembered of an image that is whole."""

    sha256: str
    thumbnail: bytes | None


class _Look(NamedTuple):
    """What one look found: a problem, or a source with the stamp under which it may be remembered."""

    problem: str | None
    source: ImageSource
    stamp: Stamp | None


class ImageIndex:
    """Hashes and decodes images, several at a time, and remembers those that are whole.

    A source with a stamp whose name, size and time of writing are those of an earlier look is taken at its word; an
    image that had a problem is looked at again each time.

    Args:
        folder: Where looks are remembered, or None to look at every image every time.
    """

    def __init__(self, folder: str | Path | None) -> None:
        self.folder = None if folder is None else Path(folder)
        self._fresh: dict[Stamp, _Remembered] = {}

    def check(self, images: Sequence[Image]) -> tuple[list[Image], dict[int, str]]:
        """Look at every image once; nothing is written.

        Returns:
            The images with the names of their contents known, and the problem of each that has one, by id.
        """
        known = {} if self.folder is None else _read(self.folder)
        looks = list(_looks(images, known))
        for look in looks:
            if look.stamp is not None and look.problem is None and look.stamp not in known:
                self._fresh[look.stamp] = _Remembered(look.source.content_sha256, look.source.thumbnail)
        found = list(zip(images, looks, strict=True))
        problems = {image.id: look.problem for image, look in found if look.problem is not None}
        return [replace(image, source=look.source) for image, look in found], problems

    def save(self) -> None:
        """Remember what :meth:`check` found; where that can't be written, say so and go on."""
        if self.folder is None or not self._fresh:
            return
        try:
            with locked(self.folder / ".lock"):  # another process may have looked at another dataset meanwhile
                looks = _read(self.folder) | self._fresh
                newest = {stamp.name: stamp for stamp in looks}
                _write(self.folder, {stamp: looks[stamp] for stamp in newest.values()})
        except OSError as error:
            say(f"{self.folder} can't be written ({error.strerror}); the images are looked at again next time.")


def _looks(images: Sequence[Image], known: Mapping[Stamp, _Remembered]) -> Iterator[_Look]:
    batches = [images[start : start + _BATCH] for start in range(0, len(images), _BATCH)]

    def look_at(batch: Sequence[Image]) -> list[_Look]:
        return [_look(image.source, known) for image in batch]

    # Threads do: Pillow and hashlib let go of the interpreter while they work.
    with ThreadPoolExecutor(max_workers=min(32, os.cpu_count() or 1)) as pool:
        found = track(pool.map(look_at, batches), total=len(images), what="checking images", unit=_BATCH)
        for batch in found:
            yield from batch


def _look(source: ImageSource, known: Mapping[Stamp, _Remembered]) -> _Look:
    stamp = source.stamp()
    if stamp is not None and stamp in known:
        return _Look(None, CheckedImage(source, *known[stamp]), stamp)
    try:
        problem, thumbnail = source.look()
        if stamp is None or problem is not None:
            return _Look(problem, source, stamp)
        return _Look(None, CheckedImage(source, source.content_sha256, thumbnail), stamp)
    except UsageError as error:  # a file that vanishes between two looks
        return _Look(str(error), source, stamp)


def _read(folder: Path) -> dict[Stamp, _Remembered]:
    """What is remembered; nothing where the file is missing or damaged, since all of it can be found again."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.read_table(folder / _FILE, page_checksum_verification=True)
        names, sha256s = (table.column(name).to_pylist() for name in _TEXTS)
        sizes, times = (table.column(name).to_pylist() for name in _NUMBERS)
        thumbnails = table.column(_THUMBNAIL).to_pylist()
    except (OSError, KeyError, pa.ArrowException):
        return {}
    rows = zip(names, sizes, times, sha256s, thumbnails, strict=True)
    return {
        Stamp(*stamp): _Remembered(sha256, thumbnail)
        for *stamp, sha256, thumbnail in rows
        if sha256 and len(sha256) == _SHA256_LETTERS and len(thumbnail or b"") in (0, THUMBNAIL_BYTES)
    }


def _write(folder: Path, looks: Mapping[Stamp, _Remembered]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    rows = [{**stamp._asdict(), **found._asdict()} for stamp, found in looks.items()]
    schema = pa.schema(
        [
            *((name, pa.string()) for name in _TEXTS),
            *((name, pa.int64()) for name in _NUMBERS),
            (_THUMBNAIL, pa.binary()),
        ]
    )
    with atomic_path(folder / _FILE) as temporary:
        parquet.write_table(pa.Table.from_pylist(rows, schema=schema), temporary, write_page_checksum=True)
