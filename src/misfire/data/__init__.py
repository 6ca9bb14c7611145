"""Image sets and what is known of them: captions, labels, tags, sentences; one module a source."""

from misfire.data.card import dataset_card, folded, i2t_hit_ceiling, images_of_texts, truncation_note
from misfire.data.coco import CocoCaptions
from misfire.data.dataset import Caption, Dataset, Image, ImageSet, ImageSource, Skipped, Stamp
from misfire.data.flickr import FlickrTokens
from misfire.data.folder import CaptionedFolder
from misfire.data.huggingface import HuggingFaceCaptions
from misfire.data.image_file import ImageFile
from misfire.data.image_folder import ImageFolder
from misfire.data.image_table import ClassLabels, ImageTable, Known, LabelMatrix, Sentences, Tags
from misfire.data.karpathy import KarpathyCaptions
from misfire.data.listing import Listing
from misfire.data.sample import image_sample
from misfire.data.several_classes import CocoInstances, LabelTable, RatedLabels, Voc2007
from misfire.data.sourced import SourcedDataset
from misfire.data.tar_member import TarMember
from misfire.data.torchvision_images import TorchvisionImages
from misfire.data.webdataset import WebdatasetCaptions
from misfire.data.webdataset_classes import WebdatasetClasses

__all__ = [
    "Caption",
    "CaptionedFolder",
    "ClassLabels",
    "CocoCaptions",
    "CocoInstances",
    "Dataset",
    "FlickrTokens",
    "HuggingFaceCaptions",
    "Image",
    "ImageFile",
    "ImageFolder",
    "ImageSet",
    "ImageSource",
    "ImageTable",
    "KarpathyCaptions",
    "Known",
    "LabelMatrix",
    "LabelTable",
    "Listing",
    "RatedLabels",
    "Sentences",
    "Skipped",
    "SourcedDataset",
    "Stamp",
    "Tags",
    "TarMember",
    "TorchvisionImages",
    "Voc2007",
    "WebdatasetCaptions",
    "WebdatasetClasses",
    "dataset_card",
    "folded",
    "i2t_hit_ceiling",
    "image_sample",
    "images_of_texts",
    "truncation_note",
]
