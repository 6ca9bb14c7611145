"""COCO Captions: one JSON file with ``images`` and ``annotations``, and a folder of pictures."""

from functools import partial
from pathlib import Path
from typing import Final

from misfire.data.dataset import Caption, Image
from misfire.data.listing import NAME, TEXT, WHOLE_NUMBER, Listing, read_column, read_json, read_rows
from misfire.data.picture_folder import pictures
from misfire.data.sourced import SourcedDataset

_ANNOTATIONS: Final = "it is in annotations_trainval2017.zip of https://cocodataset.org/#download"
_PICTURES: Final = "they are in val2017.zip of https://cocodataset.org/#download"


class CocoCaptions(SourcedDataset):
    """Images and captions of a file in COCO's format, with COCO's ids.

    COCO 2017 val has 25,014 captions of 5,000 images; the policy ``first_5`` keeps 25,000 of them.

    Args:
        annotations: The JSON file, such as ``captions_val2017.json``.
        images: Folder of the pictures, or None to open the captions alone.
        caption_policy: ``all`` or ``first_5``, see :class:`SourcedDataset`.
        on_bad_image: ``refuse`` or ``skip``, see :class:`SourcedDataset`.
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
        index: str | Path | None = None,
        name: str | None = None,
    ) -> None:
        listing = coco_listing(Path(annotations), images, name=name or Path(annotations).stem)
        super().__init__(listing, caption_policy=caption_policy, on_bad_image=on_bad_image, index=index)


def coco_listing(annotations: Path, images: str | Path | None, *, name: str) -> Listing:
    """What a file in COCO's format lists.

    Raises:
        UsageError: If the file or the folder of pictures is missing, or the file isn't of COCO's format.
    """
    document = read_json(annotations, "COCO's captions", published=_ANNOTATIONS)
    pictured = partial(read_column, annotations, read_rows(annotations, document, "images"), call="images[{}]".format)
    told = partial(
        read_column, annotations, read_rows(annotations, document, "annotations"), call="annotations[{}]".format
    )
    picture = pictures(images, published=_PICTURES)
    files = zip(pictured("id", WHOLE_NUMBER), pictured("file_name", NAME), strict=True)
    texts = zip(told("id", WHOLE_NUMBER), told("image_id", WHOLE_NUMBER), told("caption", TEXT), strict=True)
    return Listing(
        name=name,
        images=[Image(identifier, picture(file), file) for identifier, file in files],
        captions=[Caption(identifier, image_id, text) for identifier, image_id, text in texts],
    )
