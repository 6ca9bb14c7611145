"""Images and captions: the value types, and one module a source."""

from misfire.data.coco import CocoCaptions
from misfire.data.dataset import Caption, Dataset, Image, ImageSource, Skipped, Stamp
from misfire.data.folder import CaptionedFolder
from misfire.data.image_file import ImageFile
from misfire.data.listing import Listing
from misfire.data.sourced import SourcedDataset

__all__ = [
    "Caption",
    "CaptionedFolder",
    "CocoCaptions",
    "Dataset",
    "Image",
    "ImageFile",
    "ImageSource",
    "Listing",
    "Skipped",
    "SourcedDataset",
    "Stamp",
]
