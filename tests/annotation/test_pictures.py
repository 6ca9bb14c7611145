import io
from dataclasses import replace
from types import ModuleType

import pytest
from PIL import Image as PillowImage

from misfire.annotation.pictures import picture
from misfire.core.errors import UsageError
from misfire.data import Image


def test_a_small_image_keeps_every_pixel(invented: ModuleType) -> None:
    data = invented.dataset()
    shown = picture(data, 103)
    assert shown.media_type == "image/png"
    image = PillowImage.open(io.BytesIO(shown.data))
    assert (image.size, image.getpixel((5, 5))) == ((64, 48), data.images[3].source.colour)


def test_a_large_image_is_bounded(invented: ModuleType) -> None:
    large = Image(100, invented.PlainImage((9, 9, 9), size=(3200, 800)))
    data = invented.dataset()
    shown = picture(replace(data, images=(large, *data.images[1:])), 100)
    assert shown.media_type == "image/jpeg"
    assert PillowImage.open(io.BytesIO(shown.data)).size == (1600, 400)


@pytest.mark.parametrize("image_id", [-1, 0, 99, 130, 10**12])
def test_an_image_of_no_dataset_is_refused(invented: ModuleType, image_id: int) -> None:
    with pytest.raises(UsageError, match=f"an image must be of dataset invented, got id {image_id};"):
        picture(invented.dataset(), image_id)
