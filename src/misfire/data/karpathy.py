"""Karpathy's splits of COCO, Flickr30k and Flickr8k: one JSON file whose images carry their split and sentences."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, final

from misfire.core.errors import UsageError, name_some
from misfire.data.dataset import Caption, Image, ImageSource, Skipped
from misfire.data.decoding import MAX_PIXELS
from misfire.data.listing import (
    NAME,
    NO_TEXT,
    TEXT,
    TEXT_OR_NULL,
    WHOLE_NUMBER,
    Listing,
    read_column,
    read_json,
    read_rows,
)
from misfire.data.picture_folder import pictures
from misfire.data.sourced import SourcedDataset

_ANNOTATIONS: Final = "it is in caption_datasets.zip of cs.stanford.edu/people/karpathy/deepimagesent"
_PICTURES: Final = (
    "COCO's are in val2014.zip and train2014.zip of https://cocodataset.org/#download, Flickr's with their authors"
)


@final
class KarpathyCaptions(SourcedDataset):
    """One or more of Karpathy's splits, out of ``dataset_coco.json``, ``dataset_flickr30k.json`` or its like.

    An image's id is its ``imgid``, a caption's its ``sentid``.

    Args:
        annotations: The JSON file.
        images: Folder in which each picture lies at its ``filepath/filename``; None to open captions alone.
        split: ``test``, ``val``, ``train`` or, in COCO, ``restval``; several are joined by a plus: ``train+restval``.
        caption_policy: ``all`` or ``first_5``.
        name: What tables call it; made of the file's name and the split if it isn't given.
        on_bad_image: ``refuse`` or ``skip``, see :class:`SourcedDataset`.
        gallery: ``all`` or ``captioned``, see :class:`SourcedDataset`.
        follow_links: Whether symbolic links may lead to pictures outside the folder.
        max_image_pixels: The most pixels that a picture may have; None for any number.
        index: Folder in which the look at each picture is remembered, or None.

    Raises:
        UsageError: If the file isn't in this format, lacks the split, or breaks a rule of :class:`SourcedDataset`.

    Reference:
        Karpathy and Fei-Fei, "Deep visual-semantic alignments for generating image descriptions", CVPR 2015.
    """

    def __init__(
        self,
        annotations: str | Path,
        images: str | Path | None = None,
        split: str = "test",
        caption_policy: str = "all",
        *,
        name: str | None = None,
        on_bad_image: str = "refuse",
        gallery: str = "all",
        follow_links: bool = False,
        max_image_pixels: int | None = MAX_PIXELS,
        index: str | Path | None = None,
    ) -> None:
        folder = partial(pictures, images, published=_PICTURES, follow_links=follow_links, max_pixels=max_image_pixels)
        listing = karpathy_listing(Path(annotations), folder, split=split, name=name)
        super().__init__(
            listing, caption_policy=caption_policy, on_bad_image=on_bad_image, gallery=gallery, index=index
        )


def karpathy_listing(
    annotations: Path,
    folder: Callable[[], Callable[[str], ImageSource]],
    *,
    split: str = "test",
    name: str | None = None,
) -> Listing:
    """What one of Karpathy's files lists in a split; arguments are those of :class:`KarpathyCaptions`.

    ``folder`` opens the folder of pictures, see :func:`~misfire.data.picture_folder.pictures`, once the file was read.
    """
    document = read_json(annotations, "Karpathy's annotations", published=_ANNOTATIONS)
    every = read_rows(annotations, document, "images")
    positions = _of_split(annotations, every, split)
    rows = [every[position] for position in positions]

    def call(index: int) -> str:
        return f"images[{positions[index]}]"

    ids = read_column(annotations, rows, "imgid", WHOLE_NUMBER, call=call)
    names = _file_names(annotations, rows, call)
    captions = _captions(annotations, rows, ids, call)
    picture = folder()
    return Listing(
        name=name or f"{annotations.stem.removeprefix('dataset_')}_karpathy_{split}",
        images=[Image(identifier, picture(file), file) for identifier, file in zip(ids, names, strict=True)],
        captions=[Caption(identifier, owner, text) for identifier, owner, text in captions if text is not None],
        no_texts=[Skipped(f"id {identifier}", NO_TEXT) for identifier, _, text in captions if text is None],
    )


def _of_split(path: Path, rows: Sequence[Mapping[str, Any]], split: str) -> list[int]:
    splits = read_column(path, rows, "split", NAME, call=lambda index: f"images[{index}]")
    sizes, wanted = Counter(splits), [part.strip() for part in split.split("+")]
    unknown = [part for part in wanted if part not in sizes]
    if unknown:
        known = ", ".join(f"{one}: {size:,} images" for one, size in sorted(sizes.items())) or "none"
        raise UsageError(
            f"split must be in {path} ({known}), got {', '.join(map(repr, unknown))}; choose one, or join some by +."
        )
    return [position for position, one in enumerate(splits) if one in wanted]


def _file_names(path: Path, rows: Sequence[Mapping[str, Any]], call: Callable[[int], str]) -> list[str]:
    names = read_column(path, rows, "filename", NAME, call=call)
    folders = read_column(path, [{"filepath": "", **row} for row in rows], "filepath", TEXT, call=call)
    return [f"{folder}/{name}" if folder else name for folder, name in zip(folders, names, strict=True)]


def _captions(
    path: Path, rows: Sequence[Mapping[str, Any]], image_ids: Sequence[int], call: Callable[[int], str]
) -> list[tuple[int, int, str | None]]:
    """Id, image and text of every sentence."""
    per_image = [_sentences(path, row, call(index)) for index, row in enumerate(rows)]
    places = [f"{call(index)}.sentences[{k}]" for index, found in enumerate(per_image) for k in range(len(found))]
    owners = [owner for owner, found in zip(image_ids, per_image, strict=True) for _ in found]
    told = [sentence for found in per_image for sentence in found]
    ids = read_column(path, told, "sentid", WHOLE_NUMBER, call=places.__getitem__)
    texts = read_column(path, told, "raw", TEXT_OR_NULL, call=places.__getitem__)
    claims = [{"imgid": owner, **sentence} for owner, sentence in zip(owners, told, strict=True)]
    claimed = read_column(path, claims, "imgid", WHOLE_NUMBER, call=places.__getitem__)
    astray = [
        f"{place} says {claim} in image {owner}"
        for place, claim, owner in zip(places, claimed, owners, strict=True)
        if claim != owner
    ]
    if astray:
        raise UsageError(
            f"{path}: a sentence's imgid must be its image's, got {name_some(astray)}; mend or drop those sentences."
        )
    return list(zip(ids, owners, texts, strict=True))


def _sentences(path: Path, row: Mapping[str, Any], place: str) -> list[Mapping[str, Any]]:
    return read_rows(path, {f"{place}.sentences": row.get("sentences", [])}, f"{place}.sentences")
