"""Images and captions: the value types, and one module a source."""

from misfire.data.card import dataset_card, folded
from misfire.data.coco import CocoCaptions
from misfire.data.dataset import Caption, Dataset, Image, ImageSource, Skipped, Stamp
from misfire.data.flickr import FlickrTokens
from misfire.data.folder import CaptionedFolder
from misfire.data.huggingface import HuggingFaceCaptions
from misfire.data.image_file import ImageFile
from misfire.data.karpathy import KarpathyCaptions
from misfire.data.listing import Listing
from misfire.data.sample import image_sample
from misfire.data.sourced import SourcedDataset
from misfire.data.tar_member import TarMember
from misfire.data.webdataset import WebdatasetCaptions

__all__ = [
    "Caption",
    "CaptionedFolder",
    "CocoCaptions",
    "Dataset",
    "FlickrTokens",
    "HuggingFaceCaptions",
    "Image",
    "ImageFile",
    "ImageSource",
    "KarpathyCaptions",
    "Listing",
    "Skipped",
    "SourcedDataset",
    "Stamp",
    "TarMember",
    "WebdatasetCaptions",
    "dataset_card",
    "folded",
    "image_sample",
]
