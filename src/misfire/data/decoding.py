"""From an image's bytes to its pixels in RGB, as a person sees them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BufferedReader, BytesIO
from threading import Lock
from types import MappingProxyType
from typing import Final

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image as PillowImage
from PIL import UnidentifiedImageError

from misfire.core.errors import UsageError
from misfire.data.dataset import Look
from misfire.data.near_twin import thumbnail

MAX_PIXELS: Final = 178_956_970
"""Pixels of the largest image that is decoded unless another limit is set: Pillow's own, 512 MiB in RGB."""

_PILLOW_LIMIT: Final = Lock()
# Pillow hands PostScript to Ghostscript, an interpreter, whatever the file is called.
_RUN: Final = ("EPS",)
_WHITE: Final = (255, 255, 255, 255)
_ORIENTATION: Final = 0x0112
_MAX_16_BIT: Final = 65535

# What undoes each way in which EXIF says that the camera was held.
_UPRIGHT: Mapping[int, PillowImage.Transpose] = MappingProxyType(
    {
        2: PillowImage.Transpose.FLIP_LEFT_RIGHT,
        3: PillowImage.Transpose.ROTATE_180,
        4: PillowImage.Transpose.FLIP_TOP_BOTTOM,
        5: PillowImage.Transpose.TRANSPOSE,
        6: PillowImage.Transpose.ROTATE_270,
        7: PillowImage.Transpose.TRANSVERSE,
        8: PillowImage.Transpose.ROTATE_90,
    }
)


def decode(
    data: BufferedReader | BytesIO | bytes, name: str, *, max_pixels: int | None = MAX_PIXELS
) -> PillowImage.Image:
    """The image in RGB, 8 bits a channel.

    It stands upright whatever its EXIF says; transparent parts show white; CMYK goes through its colour profile where
    it has one; 16-bit grey is scaled to 8 bits; of an animation it is the first frame. Plain 8-bit RGB keeps its bits.

    Args:
        data: The file, open for reading, or its bytes.
        name: What a person calls it, for the error.
        max_pixels: The most pixels that it may have, since a small file can say that it has many; None for no limit.

    Raises:
        UsageError: If it can't be decoded whole.
    """
    try:
        with _opened(data, max_pixels) as image:
            return _as_seen(image)
    except Exception as error:  # what a damaged file makes Pillow raise has no common class
        raise UsageError(
            f"an image file must decode whole, got {name} ({_reason(error)}); restore or drop it."
        ) from error


def check_decodes(data: BufferedReader | BytesIO | bytes, *, max_pixels: int | None = MAX_PIXELS) -> str | None:
    """Why an image can't be decoded whole, in a few words, or None where it can."""
    return look_at(data, max_pixels=max_pixels).problem


def look_at(data: BufferedReader | BytesIO | bytes, *, max_pixels: int | None = MAX_PIXELS) -> Look:
    """Why an image can't be decoded whole, in a few words, or None and its thumbnail where it can.

    A JPEG is decoded at an eighth of its size: all its bytes are read for that, which finds any truncation, and the
    most of the time that pixels take is saved.
    """
    try:
        with _opened(data, max_pixels) as image:
            image.draft(image.mode, (1, 1))
            return Look(None, thumbnail(_as_seen(image)))
    except Exception as error:  # as in decode
        return Look(_reason(error))


@contextmanager
def _opened(data: BufferedReader | BytesIO | bytes, max_pixels: int | None) -> Iterator[PillowImage.Image]:
    """The image with its header read and its size checked, its pixels not yet."""
    # Pillow's limit belongs to the process, ours to the dataset: it's lifted while a header is read, no longer.
    with _PILLOW_LIMIT:
        limit, PillowImage.MAX_IMAGE_PIXELS = PillowImage.MAX_IMAGE_PIXELS, None
        try:
            image = PillowImage.open(BytesIO(data) if isinstance(data, bytes) else data)
        finally:
            PillowImage.MAX_IMAGE_PIXELS = limit
    with image:
        if image.format in _RUN:
            raise ValueError("PostScript, a program rather than pixels; convert it")
        if max_pixels is not None and image.width * image.height > max_pixels:
            raise ValueError(
                f"{image.width} x {image.height} pixels exceed the limit of {max_pixels:,}, see max_image_pixels"
            )
        yield image


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):  # its own words hold an address in memory
        return "not an image, or cut off in its first bytes"
    return " ".join(str(error).split()) or type(error).__name__


def _as_seen(image: PillowImage.Image) -> PillowImage.Image:
    image.load()  # before the orientation is asked for: a PNG may hold it behind its pixels
    turn = _UPRIGHT.get(_orientation(image))
    colour = _in_colour(image)
    return colour if turn is None else colour.transpose(turn)


def _orientation(image: PillowImage.Image) -> int:
    try:
        value = image.getexif().get(_ORIENTATION)
    except Exception:  # a broken EXIF block hides no pixel
        return 1
    return value if isinstance(value, int) else 1


def _in_colour(image: PillowImage.Image) -> PillowImage.Image:
    if image.mode.startswith("I;16"):
        return _of_16_bit(image)
    if image.mode in _DEEP:
        return _grey(_DEEP[image.mode](np.asarray(image, dtype=np.float64)))
    if image.mode == "CMYK":
        return _of_cmyk(image)
    if image.has_transparency_data:
        seen = image.convert("RGBA")
        return PillowImage.alpha_composite(PillowImage.new("RGBA", seen.size, _WHITE), seen).convert("RGB")
    return image.convert("RGB")


def _of_16_bit(image: PillowImage.Image) -> PillowImage.Image:
    values = np.asarray(image).astype(np.float64)
    grey = _of_whole_numbers(values)
    transparent = image.info.get("transparency")
    return _grey(grey if transparent is None else np.where(values == transparent, np.uint8(255), grey))


def _of_whole_numbers(values: Float[np.ndarray, "row column"]) -> UInt8[np.ndarray, "row column"]:
    """16-bit grey to 8 bits; whatever exceeds 16 bits is scaled by the range that it has."""
    return _scaled(values, usual=(_MAX_16_BIT,))


def _of_fractions(values: Float[np.ndarray, "row column"]) -> UInt8[np.ndarray, "row column"]:
    """Grey in [0, 1], or else in [0, 255], or else scaled by the range that it has; what isn't finite is black."""
    return _scaled(np.where(np.isfinite(values), values, 0.0), usual=(1, 255))


def _scaled(values: Float[np.ndarray, "row column"], *, usual: Sequence[int]) -> UInt8[np.ndarray, "row column"]:
    """From [0, the first usual maximum that isn't exceeded], or else from the values' own range and 0, to [0, 255]."""
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    if low == 0:
        high = next((float(most) for most in usual if high <= most), high)
    grey: UInt8[np.ndarray, "row column"] = np.rint((values - low) * (255 / (high - low))).astype(np.uint8)
    return grey


_DEEP: Final = MappingProxyType({"I": _of_whole_numbers, "F": _of_fractions})


def _grey(values: UInt8[np.ndarray, "row column"]) -> PillowImage.Image:
    return PillowImage.fromarray(values).convert("RGB")


def _of_cmyk(image: PillowImage.Image) -> PillowImage.Image:
    """Through the inks' own profile where the file brings one: the plain formula shows inks brighter than they are."""
    from PIL import ImageCms

    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(image.info["icc_profile"]))
        seen = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (KeyError, OSError, ImageCms.PyCMSError):  # none, or a damaged one, or one of another colour space
        return image.convert("RGB")
    return seen or image.convert("RGB")
