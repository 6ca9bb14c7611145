import io
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from misfire.core.errors import UsageError
from misfire.data import Dataset
from misfire.failures import ContactSheetLayout, FailureSet, contact_sheets


def pages(
    failures: FailureSet, data: Dataset, *, layout: ContactSheetLayout | None = None, show: bool = False
) -> dict[str, bytes]:
    return dict(contact_sheets(failures, data, layout=layout, show_oracle_categories=show))


def colours(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def columns_of(picture: np.ndarray, colour: tuple[int, int, int]) -> tuple[int, int]:
    """First and last column in which many pixels have a colour."""
    found = np.flatnonzero((picture == colour).all(axis=2).sum(axis=0) > 100)
    return int(found[0]), int(found[-1])


def test_pages_hold_every_failure_and_have_stable_names(invented: ModuleType) -> None:
    data, failures = invented.dataset(), invented.failure_set()
    drawn = pages(failures, data, layout=ContactSheetLayout(pairs_per_page=4))
    assert list(drawn) == ["page_1.png", "page_2.png", "page_3.png"]
    assert drawn == pages(failures, data, layout=ContactSheetLayout(pairs_per_page=4))
    many = pages(failures, data, layout=ContactSheetLayout(pairs_per_page=1))
    assert list(many)[::9] == ["page_01.png", "page_10.png"]


def test_the_target_stands_left_and_the_retrieved_image_right(invented: ModuleType) -> None:
    data, failures = invented.dataset(), invented.failure_set(num_failures=1)
    failure = failures.failures[0]
    source = {image.id: image.source for image in data.images}
    picture = colours(pages(failures, data)["page_1.png"])
    target = columns_of(picture, source[failure.target_image_id].colour)
    retrieved = columns_of(picture, source[failure.retrieved_image_id].colour)
    assert target[1] < retrieved[0]
    # 64 pixels grow by a whole factor of 3, less the frame of 2 on each side.
    assert target[1] - target[0] + 1 == retrieved[1] - retrieved[0] + 1 == 3 * 64 - 4


@pytest.mark.parametrize("size", [(640, 427), (3, 500), (1, 1), (191, 100)])
def test_images_of_any_size_are_drawn(invented: ModuleType, size: tuple[int, int]) -> None:
    data, failures = invented.dataset(), invented.failure_set()
    expected = colours(pages(failures, data)["page_1.png"]).shape
    resized = replace(
        data, images=tuple(replace(image, source=replace(image.source, size=size)) for image in data.images)
    )
    assert colours(pages(failures, resized)["page_1.png"]).shape == expected


def test_a_long_caption_makes_room_for_itself(invented: ModuleType) -> None:
    data, failures = invented.dataset(), invented.failure_set(num_failures=1)

    def height(caption: str) -> int:
        longer = replace(failures, failures=(replace(failures.failures[0], caption=caption),))
        return len(colours(pages(longer, data)["page_1.png"]))

    assert height("one line") < height("many words " * 15) < height("many words " * 30)
    assert height("many words " * 300) == height("many words " * 600)
    assert height("x" * 500) == height("one line")


def test_annotators_do_not_see_the_category(invented: ModuleType) -> None:
    data, failures = invented.dataset(), invented.failure_set()
    unlabelled = failures.relabelled({}, label_source="nobody")
    # The digest in the title differs, so only what lies below it is compared.
    blind = colours(pages(failures, data)["page_1.png"])[60:]
    np.testing.assert_array_equal(blind, colours(pages(unlabelled, data)["page_1.png"])[60:])
    assert (blind != colours(pages(failures, data, show=True)["page_1.png"])[60:]).any()


def test_an_impossible_layout_is_refused() -> None:
    with pytest.raises(UsageError, match="pairs_per_page must be at least 1, got 0"):
        ContactSheetLayout(pairs_per_page=0)
    with pytest.raises(UsageError, match="num_columns must be at least 1, got -1"):
        ContactSheetLayout(num_columns=-1)
