"""Images and captions: the value types, and one module a source."""

from misfire.data.dataset import Caption, Dataset, Image, ImageSource

__all__ = ["Caption", "Dataset", "Image", "ImageSource"]
