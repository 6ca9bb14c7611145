"""COCO Captions: one JSON file with ``images`` and ``annotations``, and a folder of pictures."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from misfire.data.dataset import Caption, Image, ImageSource, Skipped
from misfire.data.decoding import MAX_PIXELS
from misfire.data.listing import NAME, NO_TEXT, TEXT_OR_NULL, WHOLE_NUMBER, Listing, read_column, read_json, read_rows
from misfire.data.picture_folder import pictures
from misfire.data.sourced import SourcedDataset

_ANNOTATIONS: Final = "it is in annotations_trainval2017.zip of https://cocodataset.org/#download"
_PICTURES: Final = "they are in val2017.zip of https://cocodataset.org/#download"


class CocoCaptions(SourcedDataset):
    """Images and captions of a file in COCO's format, with COCO's ids.

    COCO 2017 val has 25,014 captions of 5,000 images; the policy ``first_5`` keeps 25,000 of them. A file without
    captions (``image_info_test2017.json``, ``instances_val2017.json``) gives its images alone.

    Args:
        annotations: The JSON file, such as ``captions_val2017.json``.
        images: Folder of the pictures, or None to open the captions alone.
        caption_policy: ``all`` or ``first_5``, see :class:`SourcedDataset`.
        on_bad_image: ``refuse`` or ``skip``, see :class:`SourcedDataset`.
        gallery: ``all`` or ``captioned``, see :class:`SourcedDataset`.
        follow_links: Whether symbolic links may lead to pictures outside the folder.
        max_image_pixels: The most pixels that a picture may have; None for any number.
        index: Folder in which the look at each picture is remembered.
        name: What tables call the dataset; the file's name if it isn't given.

    Raises:
        UsageError: If the file is missing or isn't of COCO's format, or as :class:`SourcedDataset` says.
    """

    def __init__(
        self,
        annotations: str | Path,
        images: str | Path | None = None,
        caption_policy: str = "all",
        *,
        on_bad_image: str = "refuse",
        gallery: str = "all",
        follow_links: bool = False,
        max_image_pixels: int | None = MAX_PIXELS,
        index: str | Path | None = None,
        name: str | None = None,
    ) -> None:
        folder = partial(pictures, images, published=_PICTURES, follow_links=follow_links, max_pixels=max_image_pixels)
        listing = coco_listing(Path(annotations), folder, name=name or Path(annotations).stem)
        super().__init__(
            listing, caption_policy=caption_policy, on_bad_image=on_bad_image, gallery=gallery, index=index
        )


def coco_listing(annotations: Path, folder: Callable[[], Callable[[str], ImageSource]], *, name: str) -> Listing:
    """What a file in COCO's format lists.

    Args:
        annotations: The file.
        folder: Opens the folder of pictures, see :func:`~misfire.data.picture_folder.pictures`; asked for once the file
            was read.
        name: The dataset's name.

    Raises:
        UsageError: If the file is missing or isn't of COCO's format.
    """
    document = read_json(annotations, "COCO's captions", published=_ANNOTATIONS)
    pictured = partial(read_column, annotations, read_rows(annotations, document, "images"), call="images[{}]".format)
    notes = read_rows(annotations, document, "annotations") if "annotations" in document else []
    rows = notes if any("caption" in row for row in notes) else []  # boxes and key points are no captions
    told = partial(read_column, annotations, rows, call="annotations[{}]".format)
    picture = folder()
    files = zip(pictured("id", WHOLE_NUMBER), pictured("file_name", NAME), strict=True)
    texts = zip(told("id", WHOLE_NUMBER), told("image_id", WHOLE_NUMBER), told("caption", TEXT_OR_NULL), strict=True)
    captions = list(texts)
    return Listing(
        name=name,
        images=[Image(identifier, picture(file), file) for identifier, file in files],
        captions=[Caption(identifier, image_id, text) for identifier, image_id, text in captions if text is not None],
        no_texts=[Skipped(f"id {identifier}", NO_TEXT) for identifier, _, text in captions if text is None],
    )
