"""Pixels as a person sees them, against pixels computed without Pillow's conversions; every truncation is found."""

import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from itertools import product
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

from misfire.core.errors import UsageError
from misfire.data.decoding import MAX_PIXELS, check_decodes, decode

RNG = np.random.default_rng(0)
COLOURS = RNG.integers(0, 256, size=(12, 16, 3), dtype=np.uint8)


def written(image: PillowImage.Image, format: str, **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def pixels(data: bytes) -> np.ndarray:
    image = decode(data, "picture")
    assert image.mode == "RGB"
    return np.asarray(image)


def over_white(colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    share = alpha[..., None] / 255
    return colour * share + 255 * (1 - share)


@pytest.mark.parametrize(
    ("format", "options"),
    [
        ("PNG", {}),
        ("JPEG", {}),
        ("JPEG", {"progressive": True, "subsampling": 0}),
        ("WEBP", {}),
        ("BMP", {}),
        ("TIFF", {}),
    ],
)
def test_plain_colour_keeps_every_bit(format: str, options: dict[str, Any]) -> None:
    data = written(PillowImage.fromarray(COLOURS), format, **options)
    with PillowImage.open(BytesIO(data)) as image:
        assert (pixels(data) == np.asarray(image.convert("RGB"))).all()


UPRIGHT: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda stored: stored,
    2: np.fliplr,
    3: lambda stored: np.rot90(stored, 2),
    4: np.flipud,
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.rot90(stored, 2).swapaxes(0, 1),
    8: np.rot90,
    9: lambda stored: stored,  # no such orientation
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_a_picture_stands_upright(orientation: int, format: str) -> None:
    exif = PillowImage.Exif()
    exif[0x0112] = orientation
    data = written(PillowImage.fromarray(COLOURS), format, exif=exif)
    assert (pixels(data) == UPRIGHT[orientation](COLOURS)).all()


def test_a_jpeg_stands_upright_and_a_broken_exif_block_hides_nothing() -> None:
    exif = PillowImage.Exif()
    exif[0x0112] = 6
    plain = written(PillowImage.fromarray(COLOURS), "JPEG")
    assert (pixels(written(PillowImage.fromarray(COLOURS), "JPEG", exif=exif)) == np.rot90(pixels(plain), -1)).all()
    broken = written(PillowImage.fromarray(COLOURS), "JPEG", exif=b"Exif\x00\x00this is no TIFF header")
    assert (pixels(broken) == pixels(plain)).all()
    assert check_decodes(broken) is None


def transparent_pictures() -> dict[str, tuple[bytes, np.ndarray]]:
    """Files with transparent parts, and what is seen of them on white paper."""
    alpha = RNG.integers(0, 256, size=(12, 16), dtype=np.uint8)
    alpha[:3] = [[0], [255], [128]]
    grey = COLOURS[..., 0]
    rgba = PillowImage.fromarray(np.dstack([COLOURS, alpha]))
    la = PillowImage.merge("LA", (PillowImage.fromarray(grey), PillowImage.fromarray(alpha)))
    index = RNG.integers(0, 4, size=(12, 16), dtype=np.uint8)
    palette = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [10, 20, 30]], dtype=np.uint8)
    indexed = PillowImage.frombytes("P", (16, 12), index.tobytes())
    indexed.putpalette(palette.tobytes())
    opacity = np.array([255, 0, 100, 255], dtype=np.uint8)
    keyed = np.where((COLOURS[0, 0] == COLOURS).all(axis=-1), 0, 255).astype(np.uint8)
    grey_keyed = np.where(grey == grey[0, 0], 0, 255).astype(np.uint8)
    three = np.dstack([grey] * 3)
    return {
        "RGBA": (written(rgba, "PNG"), over_white(COLOURS, alpha)),
        "RGBA in WebP": (written(rgba, "WEBP", lossless=True, exact=True), over_white(COLOURS, alpha)),
        "LA": (written(la, "PNG"), over_white(three, alpha)),
        "palette with opacities": (
            written(indexed, "PNG", transparency=opacity.tobytes()),
            over_white(palette[index], opacity[index]),
        ),
        "palette with one clear colour": (
            written(indexed, "GIF", transparency=2),
            over_white(palette[index], np.where(index == 2, 0, 255)),
        ),
        "RGB with one clear colour": (
            written(PillowImage.fromarray(COLOURS), "PNG", transparency=tuple(COLOURS[0, 0].tolist())),
            over_white(COLOURS, keyed),
        ),
        "grey with one clear value": (
            written(PillowImage.fromarray(grey), "PNG", transparency=int(grey[0, 0])),
            over_white(three, grey_keyed),
        ),
    }


@pytest.mark.parametrize("kind", transparent_pictures())
def test_transparent_parts_show_white_paper(kind: str) -> None:
    data, seen = transparent_pictures()[kind]
    assert np.abs(pixels(data) - seen).max() <= 1  # one of 255, since the mixing is done in whole numbers


def test_a_palette_without_transparency_is_its_colours() -> None:
    index = RNG.integers(0, 3, size=(12, 16), dtype=np.uint8)
    palette = np.array([[255, 0, 0], [0, 200, 0], [9, 8, 7]], dtype=np.uint8)
    image = PillowImage.frombytes("P", (16, 12), index.tobytes())
    image.putpalette(palette.tobytes())
    for format in ("PNG", "GIF", "BMP"):
        assert (pixels(written(image, format)) == palette[index]).all()


def test_black_and_white_and_grey() -> None:
    bits = RNG.random((12, 16)) < 0.5
    assert (pixels(written(PillowImage.fromarray(bits), "PNG")) == bits[..., None] * 255).all()
    assert (pixels(written(PillowImage.fromarray(COLOURS[..., 0]), "PNG")) == COLOURS[..., :1]).all()


DEEP = np.array([[0, 1, 128, 129, 257, 32768], [40000, 50000, 65000, 65406, 65407, 65535]])


@pytest.mark.parametrize("byte_order", ["<u2", ">u2"])
def test_16_bit_grey_is_scaled_not_clipped(byte_order: str) -> None:
    expected = np.round(DEEP / 65535 * 255)[..., None]
    assert expected.max() == 255
    assert len(np.unique(expected)) > 6
    mode = {"<u2": "I;16", ">u2": "I;16B"}[byte_order]
    image = PillowImage.frombytes(mode, (6, 2), DEEP.astype(byte_order).tobytes())
    assert (pixels(written(image, "TIFF")) == expected).all()
    if byte_order == "<u2":
        assert (pixels(written(image, "PNG")) == expected).all()


def test_a_16_bit_clear_value_shows_white() -> None:
    image = PillowImage.frombytes("I;16", (6, 2), DEEP.astype("<u2").tobytes())
    data = written(image, "PNG")
    start, body = data.index(b"IDAT") - 4, b"tRNS" + struct.pack(">H", 40000)
    chunk = struct.pack(">I", 2) + body + struct.pack(">I", zlib.crc32(body))
    keyed = data[:start] + chunk + data[start:]
    assert pixels(keyed)[1, 0].tolist() == [255, 255, 255]
    assert (pixels(keyed)[0] == pixels(data)[0]).all()


@pytest.mark.parametrize(
    ("values", "mode", "seen"),
    [
        ([[0, 257, 65535]], "I", [0, 1, 255]),
        ([[0, 100_000, 200_000]], "I", [0, 128, 255]),
        ([[-100, 0, 155]], "I", [0, 100, 255]),
        ([[0.0, 0.5, 1.0]], "F", [0, 128, 255]),
        ([[0.0, 7.0, 255.0]], "F", [0, 7, 255]),
        ([[-1.0, 0.0, 1.0]], "F", [0, 128, 255]),
        ([[0.0, 0.0, 0.0]], "F", [0, 0, 0]),
        ([[300.0, 300.0, 300.0]], "F", [255, 255, 255]),
        ([[float("nan"), 0.5, float("inf")]], "F", [0, 128, 0]),
    ],
)
def test_deeper_grey_is_scaled_not_clipped(values: list[list[float]], mode: str, seen: list[int]) -> None:
    image = PillowImage.fromarray(np.array(values, dtype={"I": np.int32, "F": np.float32}[mode]))
    assert image.mode == mode
    assert pixels(written(image, "TIFF"))[0].tolist() == [[value] * 3 for value in seen]


def test_inks_subtract_from_white() -> None:
    inks = RNG.integers(0, 256, size=(12, 16, 4), dtype=np.uint8)
    image = PillowImage.frombytes("CMYK", (16, 12), inks.tobytes())
    share = inks / 255
    seen = 255 * (1 - share[..., :3]) * (1 - share[..., 3:])
    assert np.abs(pixels(written(image, "TIFF")) - seen).max() <= 1.5


def test_a_jpeg_of_inks_is_not_its_own_negative() -> None:
    image = PillowImage.new("CMYK", (16, 16), (0, 255, 255, 0))  # magenta and yellow print red
    data = written(image, "JPEG", quality=95)
    assert b"Adobe" in data  # whose files hold inks upside down
    assert np.abs(pixels(data).astype(int) - [255, 0, 0]).max() <= 6


def profile_of_grey_inks() -> bytes:
    """A colour profile of inks by which only black counts: without it anything has L* = 50.2, a* = b* = 0."""
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0])
    lut += b"".join(struct.pack(">i", 65536 if row == column else 0) for row in range(3) for column in range(3))
    corners = [bytes([0 if black else 128, 128, 128]) for *_, black in product((0, 1), repeat=4)]
    lut += bytes(range(256)) * 4 + b"".join(corners) + bytes(range(256)) * 3
    white = b"XYZ " + bytes(4) + struct.pack(">iii", 63190, 65536, 54061)
    offset = 128 + 4 + 2 * 12
    tags = struct.pack(">I", 2) + b"A2B0" + struct.pack(">II", offset, len(lut))
    tags += b"wtpt" + struct.pack(">II", offset + len(lut), len(white))
    size = offset + len(lut) + len(white)
    header = struct.pack(">I4sI4s4s4s", size, b"lcms", 0x02400000, b"prtr", b"CMYK", b"Lab ") + bytes(12) + b"acsp"
    header += bytes(28) + struct.pack(">iii", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + tags + lut + white


def test_inks_go_through_their_own_profile_and_a_damaged_one_is_left_out() -> None:
    image = PillowImage.new("CMYK", (16, 16), (0, 255, 255, 0))
    profiled = pixels(written(image, "JPEG", quality=95, icc_profile=profile_of_grey_inks()))
    luminance = ((128 / 255 * 100 + 16) / 116) ** 3  # from L* to Y, then by sRGB's curve
    assert np.abs(profiled - 255 * (1.055 * luminance ** (1 / 2.4) - 0.055)).max() <= 1.5
    plain = pixels(written(image, "JPEG", quality=95))
    assert (pixels(written(image, "JPEG", quality=95, icc_profile=b"no profile")) == plain).all()


def test_of_an_animation_the_first_frame_is_seen() -> None:
    red, blue = (PillowImage.new("RGB", (8, 8), colour) for colour in ("red", "blue"))
    for format, options in (("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {}), ("TIFF", {})):
        data = written(red, format, save_all=True, append_images=[blue], **options)
        assert (pixels(data) == [255, 0, 0]).all(), format


RAMP = np.tile(np.linspace(0, 255, 40).astype(np.uint8)[None, :, None], (16, 1, 3))
PICTURE = PillowImage.fromarray(np.concatenate([RAMP, np.tile(COLOURS, (1, 3, 1))[:, :40]]))


@pytest.mark.parametrize(
    ("format", "options"),
    [
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("JPEG", {"quality": 95, "subsampling": 0, "restart_marker_rows": 1}),
        ("PNG", {}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("GIF", {}),
        ("BMP", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_file_cut_anywhere_is_found_unless_all_its_pixels_are_there(format: str, options: dict[str, Any]) -> None:
    data = written(PICTURE, format, **options)
    whole = pixels(data)
    assert check_decodes(data) is None
    unnoticed = [length for length in range(len(data)) if check_decodes(data[:length]) is None]
    assert all((pixels(data[:length]) == whole).all() for length in unnoticed)
    assert len(unnoticed) <= 22  # the check sums and the end mark of a PNG
    assert format != "JPEG" or not unnoticed


def test_what_cannot_be_decoded_is_one_sentence() -> None:
    data = written(PICTURE, "PNG")
    for damaged, reason in (
        (b"", r"not an image, or cut off in its first bytes"),
        (b"<html>not found</html>", r"not an image, or cut off in its first bytes"),
        (data[: len(data) // 2], r"image file is truncated"),
    ):
        with pytest.raises(UsageError, match=rf"^an image file must decode whole, got cat\.png \({reason}.*\);"):
            decode(damaged, "cat.png")
        assert str(check_decodes(damaged)).startswith(reason)


def test_the_most_pixels_are_a_setting_whatever_pillow_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    data = written(PICTURE, "PNG")
    with pytest.raises(UsageError) as caught:
        decode(data, "cat.png", max_pixels=1119)
    assert str(caught.value) == (
        "an image file must decode whole, got cat.png (40 x 28 pixels exceed the limit of 1,119, see "
        "max_image_pixels); restore or drop it."
    )
    assert str(check_decodes(data, max_pixels=1119)).startswith("40 x 28 pixels exceed the limit")
    for limit in (1120, None):
        assert (np.asarray(decode(data, "cat.png", max_pixels=limit)) == pixels(data)).all()
    monkeypatch.setattr(PillowImage, "MAX_IMAGE_PIXELS", 10)  # another library's affair
    assert check_decodes(data) is None
    assert PillowImage.MAX_IMAGE_PIXELS == 10
    assert MAX_PIXELS == 2 * 89_478_485


def test_an_open_file_is_read_as_its_bytes_are() -> None:
    data = written(PICTURE, "JPEG")
    assert (np.asarray(decode(BytesIO(data), "picture")) == pixels(data)).all()
    assert check_decodes(BytesIO(data)) is None
