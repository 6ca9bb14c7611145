"""Datasets of the Hugging Face hub, or saved in its formats on this machine."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, final

from PIL import Image as PillowImage
from typing_extensions import override

from misfire.core.errors import UsageError, name_some
from misfire.core.hashing import sha256_bytes
from misfire.core.hub import offline_if_unreachable
from misfire.data.dataset import MISSING, Caption, Image, ImageSource, Look, Skipped, Stamp
from misfire.data.decoding import MAX_PIXELS, decode, look_at
from misfire.data.image_file import ImageFile
from misfire.data.listing import NO_TEXT, Listing
from misfire.data.picture_folder import UnusableImage, check_max_pixels
from misfire.data.sourced import SourcedDataset

_SAVED: Final = ("dataset_dict.json", "state.json")  # what save_to_disk leaves
_TEXT_FIELDS: Final = ("raw", "text")
_REMEDY: Final = "put a folder that save_to_disk wrote, or Parquet files, on this machine and set dataset.path to it"


@final
class HuggingFaceCaptions(SourcedDataset):
    """A split of a dataset that the package ``datasets`` reads; needs the extra ``huggingface``.

    A row is an image with its captions, or an image with one of them: rows of equal pictures are one image. Images are
    numbered by the first row that has them, captions in the order of the rows and then theirs.

    Args:
        path: A folder that ``save_to_disk`` wrote, a Parquet file, or what ``load_dataset`` takes: a folder or a name.
        split: Which split.
        image_column: Column of the pictures, encoded or as paths.
        caption_column: Column of the captions (a text, a list of texts, or objects with ``raw`` or ``text``), or
            several columns; an empty list opens the images alone.
        caption_policy: ``all`` or ``first_5``.
        configuration: Which configuration of the dataset, if it has several.
        revision: Which commit or tag of the hub's repository.
        name: What tables call it; the path's last part if it isn't given.
        on_bad_image: ``refuse`` or ``skip``, see :class:`SourcedDataset`.
        gallery: ``all`` or ``captioned``, see :class:`SourcedDataset`.
        max_image_pixels: The most pixels that a picture may have; None for any number.
        index: Folder in which the look at each picture is remembered, or None.

    Raises:
        UsageError: If the package or the dataset can't be had, it lacks the split or a column, captions aren't texts,
            or a rule of :class:`SourcedDataset` is broken.
    """

    def __init__(
        self,
        path: str | Path,
        split: str = "test",
        image_column: str = "image",
        caption_column: str | Sequence[str] = "caption",
        caption_policy: str = "all",
        *,
        configuration: str | None = None,
        revision: str | None = None,
        name: str | None = None,
        on_bad_image: str = "refuse",
        gallery: str = "all",
        max_image_pixels: int | None = MAX_PIXELS,
        index: str | Path | None = None,
    ) -> None:
        check_max_pixels(max_image_pixels)
        origin = Origin(str(path), split, image_column, configuration, revision)
        columns = (caption_column,) if isinstance(caption_column, str) else tuple(caption_column)
        listing = huggingface_listing(origin, columns, name=name or Path(path).stem, max_pixels=max_image_pixels)
        super().__init__(
            listing, caption_policy=caption_policy, on_bad_image=on_bad_image, gallery=gallery, index=index
        )


@final
@dataclass(frozen=True, slots=True)
class Origin:
    """From where a table of rows can be opened again, by any process."""

    path: str
    split: str
    image_column: str
    configuration: str | None = None
    revision: str | None = None


@final
@dataclass(frozen=True, slots=True)
class RowImage(ImageSource):
    """The picture of one row; it carries where the row is, and opens the table in the process that reads it."""

    origin: Origin
    row: int
    max_pixels: int | None = MAX_PIXELS

    def picture(self) -> "bytes | ImageSource":
        """The picture's bytes, or the file in which the row says that they lie."""
        cell = _pictures(self.origin)[self.row][self.origin.image_column] or {}
        if cell.get("bytes") is not None:
            return bytes(cell["bytes"])
        if cell.get("path"):
            return ImageFile(Path(cell["path"]), self.max_pixels)
        return UnusableImage(f"row {self.row}", MISSING)

    @property
    @override
    def content_sha256(self) -> str:
        picture = self.picture()
        return sha256_bytes(picture) if isinstance(picture, bytes) else picture.content_sha256

    @override
    def load(self) -> PillowImage.Image:
        picture = self.picture()
        if not isinstance(picture, bytes):
            return picture.load()
        return decode(picture, f"row {self.row} of {self.origin.path}", max_pixels=self.max_pixels)

    @override
    def problem(self) -> str | None:
        return self.look().problem

    @override
    def look(self) -> Look:
        picture = self.picture()
        return look_at(picture, max_pixels=self.max_pixels) if isinstance(picture, bytes) else picture.look()

    @override
    def stamp(self) -> Stamp | None:
        if not isinstance(self.picture(), bytes):
            return None  # the table stays the same where a file that it names changes
        files = [Path(file["filename"]) for file in open_table(self.origin).cache_files]
        if not files:
            return None
        found = [file.stat() for file in files]
        place = f"{files[0].resolve()}@{self.origin.split}/{self.origin.image_column}/{self.row}"
        return Stamp(place, sum(one.st_size for one in found), max(one.st_mtime_ns for one in found))


def huggingface_listing(
    origin: Origin, caption_columns: Sequence[str], *, name: str, max_pixels: int | None = MAX_PIXELS
) -> Listing:
    """What a table lists; captions are read, pictures are not."""
    table = open_table(origin)
    _check_columns(table, origin, caption_columns)
    texts: list[tuple[int, str | None]] = []
    wrong: list[str] = []
    for row, cells in enumerate(table.select_columns(list(caption_columns)) if caption_columns else ()):
        try:
            texts.extend((row, text) for column in caption_columns for text in _texts(cells[column]))
        except ValueError as error:
            wrong.append(f"row {row} ({error})")
    if wrong:
        raise UsageError(
            f"{origin.path}: {', '.join(caption_columns)} must hold texts, got {name_some(wrong)}; name another column "
            "with dataset.caption_column or mend the rows."
        )
    return Listing(
        name=name,
        images=[Image(row, RowImage(origin, row, max_pixels), f"row {row}") for row in range(len(table))],
        captions=[Caption(index, row, text) for index, (row, text) in enumerate(texts) if text is not None],
        no_texts=[Skipped(f"row {row}", NO_TEXT) for row, text in texts if text is None],
    )


@lru_cache(maxsize=4)
def open_table(origin: Origin) -> Any:
    """The rows of a split with their pictures still encoded; a ``datasets.Dataset`` that is mapped, not read.

    Raises:
        UsageError: If the package or the dataset can't be had, or it lacks the split or the column of pictures.
    """
    spec = find_spec("datasets")
    if spec is None or spec.origin is None:  # a plain folder named datasets, where data lies, has no origin
        raise UsageError(
            "a Hugging Face dataset must be read by the package datasets, found none; run "
            "`pip install 'misfire[huggingface]'`."
        )
    import datasets

    load = _load_saved if _is_saved(origin.path) else _load
    table = load(datasets, origin)
    _check_columns(table, origin, ())
    try:
        return table.cast_column(origin.image_column, datasets.Image(decode=False))
    except (TypeError, ValueError, NotImplementedError) as error:
        raise UsageError(
            f"{origin.path}: {origin.image_column} must hold pictures, got {table.features[origin.image_column]}; name "
            "another column with dataset.image_column."
        ) from error


@lru_cache(maxsize=4)
def _pictures(origin: Origin) -> Any:
    """The column of pictures alone: reading a row would decode whatever else it holds."""
    return open_table(origin).select_columns([origin.image_column])


def _is_saved(path: str) -> bool:
    return any((Path(path) / name).is_file() for name in _SAVED)


def _load_saved(datasets: Any, origin: Origin) -> Any:
    try:
        found = datasets.load_from_disk(origin.path)
    except Exception as error:  # damaged Arrow files have errors of many kinds
        raise _unloadable(origin, error) from error
    if isinstance(found, datasets.Dataset):
        splits = {origin.split if found.split is None else str(found.split): found}
    else:
        splits = dict(found)
    if origin.split not in splits:
        sizes = ", ".join(f"{split}: {len(table):,} rows" for split, table in splits.items())
        raise UsageError(f"split must be in {origin.path} ({sizes}), got {origin.split!r}; choose one of them.")
    return splits[origin.split]


def _load(datasets: Any, origin: Origin) -> Any:
    words: dict[str, Any] = {"path": origin.path, "name": origin.configuration, "revision": origin.revision}
    if Path(origin.path).is_file():
        words = {"path": "parquet", "data_files": {origin.split: origin.path}}
    try:
        with offline_if_unreachable():
            return datasets.load_dataset(**words, split=origin.split)
    except Exception as error:  # the hub, the network, the builder and Arrow raise errors of many kinds
        raise _unloadable(origin, error) from error


def _unloadable(origin: Origin, error: Exception) -> UsageError:
    cause = " ".join(str(error).split())
    return UsageError(
        f"a dataset must lie on this machine or be within reach on the hub, got {origin.path} with split "
        f"{origin.split} ({cause.rstrip('.')}); {_REMEDY}."
    )


def _check_columns(table: Any, origin: Origin, caption_columns: Sequence[str]) -> None:
    missing = [column for column in (origin.image_column, *caption_columns) if column not in table.column_names]
    if missing:
        raise UsageError(
            f"{origin.path} must have the columns {', '.join(missing)}, it has {', '.join(table.column_names)}; name "
            "them with dataset.image_column and dataset.caption_column."
        )


def _texts(value: Any) -> Iterator[str | None]:
    if isinstance(value, str):
        value.encode("utf-8")  # half a surrogate pair can't be hashed or tokenized
        yield value
    elif value is None:
        yield None
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, dict) and any(field in value for field in _TEXT_FIELDS):
        yield from _texts(next(value[field] for field in _TEXT_FIELDS if field in value))
    else:
        raise ValueError(type(value).__name__)
