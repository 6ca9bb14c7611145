import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from misfire.core.errors import UsageError
from misfire.embeddings.preprocessing import DEFAULTS, Preprocessing, preprocessing_of

COCO = Path(__file__).parents[3] / "shared/data/coco_mini"
MEANS = ((0.48145466, 0.4578275, 0.40821073), (0.5, 0.5, 0.5), (0.0, 0.0, 0.0))
STDS = ((0.26862954, 0.26130258, 0.27577711), (0.5, 0.5, 0.5), (1.0, 1.0, 1.0))


def noise_image(seed: int, size: tuple[int, int]) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(256, size=(size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def own_pixels(given: dict[str, Any], size: Any, image: Image.Image) -> torch.Tensor:
    preprocessing = preprocessing_of(given, image_size=size, place="here")
    pixels = preprocessing.resize(image)
    assert pixels.dtype == torch.uint8
    assert pixels.is_contiguous()
    return preprocessing.normalise(pixels[None])[0]


def open_clips_pixels(given: dict[str, Any], size: Any, image: Image.Image) -> torch.Tensor:
    from open_clip.transform import PreprocessCfg, image_transform_v2, merge_preprocess_dict

    merged = merge_preprocess_dict(PreprocessCfg(), given)
    pixels: torch.Tensor = image_transform_v2(PreprocessCfg(**{**merged, "size": size}), is_train=False)(image)
    return pixels


@settings(max_examples=150, deadline=None)
@given(
    width=st.integers(1, 90),
    height=st.integers(1, 90),
    size=st.sampled_from([32, 33, (32, 32), (24, 40), (41, 24)]),
    mode=st.sampled_from([None, "shortest", "longest", "squash"]),
    interpolation=st.sampled_from([None, "bicubic", "bilinear", "random"]),
    fill=st.sampled_from([None, 0, 128]),
    scale=st.integers(0, 2),
    seed=st.integers(0, 99),
)
def test_pixels_are_open_clips_bit_for_bit(
    width: int, height: int, size: Any, mode: str, interpolation: str, fill: int, scale: int, seed: int
) -> None:
    image = noise_image(seed, (width, height))
    given = {
        "mean": MEANS[scale],
        "std": STDS[scale],
        "interpolation": interpolation,
        "resize_mode": mode,
        "fill_color": fill,
    }
    try:
        expected = open_clips_pixels(given, size, image)
    except ValueError:  # so thin a picture that open_clip is left without a pixel
        assert own_pixels(given, size, image).shape[0] == 3
        return
    assert torch.equal(own_pixels(given, size, image), expected)


@pytest.mark.skipif(not COCO.is_dir(), reason="the shared pictures are absent")
def test_photographs_at_full_size_are_open_clips_bit_for_bit() -> None:
    paths = sorted(COCO.glob("**/*.jpg"))[:6]
    assert paths
    for number, path in enumerate(paths):
        image = Image.open(path).convert("RGB").resize((300, 210 + 30 * number))
        for mode in ("shortest", "longest", "squash"):
            given = {"resize_mode": mode}
            assert torch.equal(own_pixels(given, 224, image), open_clips_pixels(given, 224, image))


def test_a_stack_is_normalised_as_its_images_are() -> None:
    preprocessing = preprocessing_of({}, image_size=16, place="here")
    pixels = [preprocessing.resize(noise_image(seed, (20 + seed, 30))) for seed in range(3)]
    together = preprocessing.normalise(torch.stack(pixels))
    assert torch.equal(together, torch.stack([preprocessing.normalise(one[None])[0] for one in pixels]))


def test_a_grey_or_transparent_image_has_three_channels() -> None:
    preprocessing = preprocessing_of({}, image_size=8, place="here")
    for mode in ("L", "RGBA", "CMYK"):
        assert preprocessing.resize(Image.new(mode, (10, 9))).shape == (3, 8, 8)


def test_the_defaults_are_open_clips() -> None:
    from open_clip.transform import PreprocessCfg

    own = {**vars(PreprocessCfg())}
    assert own.pop("size") == 224
    assert {name: tuple(v) if isinstance(v, list) else v for name, v in own.items()} == dict(DEFAULTS)


@pytest.mark.parametrize(
    ("one", "other", "are_equal"),
    [
        ({}, {"mean": list(MEANS[0]), "resize_mode": "shortest", "size": [32, 32]}, True),
        ({}, {"interpolation": "random"}, True),
        ({}, {"fill_color": 7}, True),
        ({"resize_mode": "longest"}, {"resize_mode": "longest", "fill_color": 7}, False),
        ({"mean": 0.5}, {"mean": [0.5, 0.5, 0.5]}, True),
        ({}, {"interpolation": "bilinear"}, False),
        ({}, {"resize_mode": "squash"}, False),
        ({}, {"std": [0.5, 0.5, 0.5]}, False),
    ],
)
def test_equal_descriptions_are_equal_effects(one: dict[str, Any], other: dict[str, Any], are_equal: bool) -> None:
    described = [preprocessing_of(given, image_size=32, place="here").describe() for given in (one, other)]
    assert (described[0] == described[1]) is are_equal
    image = noise_image(0, (50, 37))
    assert torch.equal(own_pixels(one, 32, image), own_pixels(other, 32, image)) is are_equal
    assert set(json.loads(described[0])) == set(Preprocessing.__dataclass_fields__)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"size": 64}, r"size must be the network's image_size, got \(64, 64\) and \(32, 32\) in here; correct"),
        (
            {"resize_mode": "crop"},
            r"resize_mode must be one of shortest, longest, squash, got crop in here; correct it",
        ),
        ({"interpolation": "nearest"}, r"interpolation must be one of bicubic, bilinear, random, got nearest in here"),
        ({"mode": "L"}, r"mode must be one of RGB, got L in here"),
        ({"mean": [0.5, 0.5]}, r"mean must be three numbers, got \[0.5, 0.5\] in here; give one"),
        ({"std": "a"}, r"std must be three numbers, got a in here"),
    ],
)
def test_settings_that_open_clip_has_not_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        preprocessing_of(given, image_size=32, place="here")
