"""Images and captions: the value types, and one module a source."""

from misfire.data.dataset import Caption, Dataset, Image, ImageSource
from misfire.data.folder import captioned_folder
from misfire.data.image_file import ImageFile

__all__ = ["Caption", "Dataset", "Image", "ImageFile", "ImageSource", "captioned_folder"]
