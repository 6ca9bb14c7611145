"""What an image goes through before the network: one description of it, and open_clip's own pixels, bit for bit."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image as Pillow
from PIL.Image import Image as PillowImage
from PIL.Image import Resampling

from misfire.core.errors import UsageError

Size = tuple[int, int]  # height and width, in open_clip's order
# open_clip's own defaults (``PreprocessCfg``), which are OpenAI's; said here, so that describing a model is quick.
DEFAULTS: Mapping[str, Any] = {
    "mode": "RGB",
    "mean": (0.48145466, 0.4578275, 0.40821073),
    "std": (0.26862954, 0.26130258, 0.27577711),
    "interpolation": "bicubic",
    "resize_mode": "shortest",
    "fill_color": 0,
}
# "random" is a choice of training; open_clip evaluates it as bicubic.
_RESAMPLING = {"bicubic": Resampling.BICUBIC, "bilinear": Resampling.BILINEAR, "random": Resampling.BICUBIC}


@final
@dataclass(frozen=True)
class Preprocessing:
    """Resizing, cropping and normalisation as they take effect: equal objects give equal inputs of the network.

    Args:
        size: Height and width of the network's input.
        mean: Subtracted from each channel in [0, 1].
        std: Divides each channel after that.
        interpolation: ``bicubic`` or ``bilinear``.
        resize_mode: ``shortest`` (the short edge fits, the rest is cropped), ``longest`` (the long edge fits, the rest
            is filled) or ``squash`` (both edges fit, the proportions are lost).
        fill_color: Value of what is filled, from 0 to 255.
    """

    size: Size
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str
    resize_mode: str
    fill_color: int = 0

    def describe(self) -> str:
        """JSON text of every part."""
        return json.dumps(vars(self), sort_keys=True)

    def resize(self, image: PillowImage) -> UInt8[torch.Tensor, "channel height width"]:
        """The pixels of one image at the network's size, not yet normalised."""
        image = image if image.mode == "RGB" else image.convert("RGB")
        resample = _RESAMPLING[self.interpolation]
        fitted = _RESIZE_MODES[self.resize_mode](image, self.size, resample, self.fill_color)
        return torch.from_numpy(np.array(fitted)).permute(2, 0, 1).contiguous()

    def normalise(
        self, images: UInt8[torch.Tensor, "image channel height width"]
    ) -> Float[torch.Tensor, "image channel height width"]:
        """The network's input in fp32, on the device of the images."""
        mean, std = (torch.tensor(values, device=images.device).view(-1, 1, 1) for values in (self.mean, self.std))
        pixels: torch.Tensor = images.to(torch.float32).div_(255).sub_(mean).div_(std)
        return pixels


def preprocessing_of(settings: Mapping[str, Any], *, image_size: int | Sequence[int], place: str) -> Preprocessing:
    """The preprocessing that open_clip would give a network of an image size, in its one canonical form.

    Args:
        settings: open_clip's ``preprocess_cfg``; what it doesn't say, or says as None, is open_clip's default.
        image_size: The network's own.
        place: Where the settings stand, for an error.

    Raises:
        UsageError: If a setting is none that open_clip knows, or its size isn't the network's.
    """
    size = size_pair(image_size)
    given = {name: value for name, value in settings.items() if value is not None}
    if "size" in given and size_pair(given["size"]) != size:
        raise UsageError(
            f"the preprocessing's size must be the network's image_size, got {size_pair(given['size'])} and {size} in "
            f"{place}; correct the one that the weights weren't trained with."
        )
    merged = {**DEFAULTS, **given}
    allowed = {"mode": ("RGB",), "interpolation": tuple(_RESAMPLING), "resize_mode": tuple(_RESIZE_MODES)}
    for name, values in allowed.items():
        if merged[name] not in values:
            raise UsageError(f"{name} must be one of {', '.join(values)}, got {merged[name]} in {place}; correct it.")
    mode = merged["resize_mode"]
    # open_clip ignores the interpolation where it fits the short edge to sides of different length.
    is_forced = mode == "shortest" and size[0] != size[1]
    interpolation = "bicubic" if is_forced or merged["interpolation"] == "random" else merged["interpolation"]
    return Preprocessing(
        size=size,
        mean=_triple(merged["mean"], "mean", place),
        std=_triple(merged["std"], "std", place),
        interpolation=interpolation,
        resize_mode=mode,
        fill_color=int(merged["fill_color"]) if mode == "longest" else 0,
    )


def size_pair(size: int | Sequence[int]) -> Size:
    """Height and width of a side or of both."""
    sides = tuple(size) if isinstance(size, Sequence) else (size,)
    return int(sides[0]), int(sides[-1])


def _triple(value: Any, name: str, place: str) -> tuple[float, float, float]:
    values = tuple(value) if isinstance(value, (list, tuple)) else (value,) * 3
    if len(values) != 3 or not all(isinstance(number, (int, float)) for number in values):
        raise UsageError(f"{name} must be three numbers, got {value} in {place}; give one for each of R, G and B.")
    return float(values[0]), float(values[1]), float(values[2])


def _shortest(image: PillowImage, size: Size, resample: Resampling, fill: int) -> PillowImage:
    del fill  # a rounding error of one line is filled with black by torchvision
    if size[0] != size[1]:
        return _crop_or_pad(_keep_ratio(image, size, resample, pick=min), size, 0)
    edge, (width, height) = size[0], image.size
    longer = int(edge * max(width, height) / min(width, height))  # cut, not rounded: as torchvision does
    return _crop_or_pad(image.resize((edge, longer) if width <= height else (longer, edge), resample), size, 0)


def _longest(image: PillowImage, size: Size, resample: Resampling, fill: int) -> PillowImage:
    return _crop_or_pad(_keep_ratio(image, size, resample, pick=max), size, fill)


def _squash(image: PillowImage, size: Size, resample: Resampling, fill: int) -> PillowImage:
    del fill  # nothing is left to be filled
    return image.resize((size[1], size[0]), resample)


def _keep_ratio(
    image: PillowImage, size: Size, resample: Resampling, *, pick: Callable[[float, float], float]
) -> PillowImage:
    width, height = image.size
    ratio = pick(height / size[0], width / size[1])
    # At least one pixel: where open_clip would fail on a very thin picture.
    return image.resize((max(1, round(width / ratio)), max(1, round(height / ratio))), resample)


def _crop_or_pad(image: PillowImage, size: Size, fill: int) -> PillowImage:
    height, width = size
    wide, high = max(width, image.width), max(height, image.height)
    if (wide, high) != image.size:
        canvas = Pillow.new("RGB", (wide, high), (fill, fill, fill))
        canvas.paste(image, ((wide - image.width) // 2, (high - image.height) // 2))
        image = canvas
    left, top = round((image.width - width) / 2.0), round((image.height - height) / 2.0)
    return image.crop((left, top, left + width, top + height))


_RESIZE_MODES: Mapping[str, Callable[[PillowImage, Size, Resampling, int], PillowImage]] = {
    "shortest": _shortest,
    "longest": _longest,
    "squash": _squash,
}
