"""A dataset's rules, its order, its targets and its name by content."""

import random
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PillowImage

from misfire.core.errors import UsageError
from misfire.data import Caption, Dataset, Image, ImageSource


@dataclass(frozen=True)
class NamedSource(ImageSource):
    content: str

    @property
    def content_sha256(self) -> str:
        return self.content

    def load(self) -> PillowImage.Image:
        raise AssertionError("a dataset names its images without reading their pixels")


def images(*ids: int) -> tuple[Image, ...]:
    return tuple(Image(identifier, NamedSource(f"pixels {identifier}")) for identifier in ids)


CAPTIONS = (Caption(10, 1, "a cat"), Caption(11, 2, "a dog"), Caption(12, 1, "a small cat"))


def dataset(**changed: object) -> Dataset:
    content: dict[str, object] = {"name": "pets", "images": images(1, 2), "captions": CAPTIONS}
    return Dataset(**{**content, **changed})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"images": ()}, "dataset pets must have images, got none; check its path or num_images."),
        (
            {"images": images(1, 2, 1)},
            "dataset pets: images must have different ids, got 1 (id 1); mend or drop them in the source.",
        ),
        (
            {"captions": (*CAPTIONS, Caption(10, 2, "a hen"))},
            "dataset pets: captions must have different ids, got 1 (id 10); mend or drop them in the source.",
        ),
        (
            {"captions": (*CAPTIONS, Caption(13, 2, ""), Caption(14, 2, " \n"))},
            "dataset pets: captions must not be empty, got 2 (id 13, id 14); mend or drop them in the source.",
        ),
        (
            {"captions": (*CAPTIONS, Caption(13, 9, "a hen"))},
            "dataset pets: captions must describe an image of the dataset, got 1 (id 13); "
            "mend or drop them in the source.",
        ),
        (
            {"images": images(1, 2, 3, 4)},
            "dataset pets: images must have a caption, got 2 (id 3, id 4); mend or drop them in the source.",
        ),
    ],
)
def test_a_dataset_that_breaks_a_rule_is_refused(changed: dict[str, object], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        dataset(**changed)
    assert str(caught.value) == sentence


def test_every_offender_is_counted_and_the_first_few_named() -> None:
    strangers = tuple(Caption(100 + number, 99, "a hen") for number in range(7))
    with pytest.raises(UsageError, match=r"got 7 \(id 100, id 101, id 102, id 103, id 104, \.\.\.\)"):
        dataset(captions=(*CAPTIONS, *strangers))


@given(st.permutations(range(2)), st.permutations(range(3)))
def test_the_order_is_by_id_whatever_the_input_order(image_order: list[int], caption_order: list[int]) -> None:
    pets = dataset(
        images=tuple(images(1, 2)[index] for index in image_order),
        captions=tuple(CAPTIONS[index] for index in caption_order),
    )
    assert [image.id for image in pets.images] == [1, 2]
    assert pets.captions == CAPTIONS
    assert pets.fingerprint == dataset().fingerprint


def test_targets_are_places_not_ids() -> None:
    identifiers = random.Random(0).sample(range(10_000), 30)
    captions = tuple(Caption(number, identifiers[number % 30], f"caption {number}") for number in range(75))
    large = dataset(images=images(*identifiers), captions=captions)
    found = [large.images[position].id for position in large.targets]
    assert found == [caption.image_id for caption in large.captions]


def test_the_name_is_no_part_of_the_fingerprint() -> None:
    assert dataset(name="animals").fingerprint == dataset().fingerprint


@pytest.mark.parametrize(
    "changed",
    [
        {"images": (images(1)[0], Image(2, NamedSource("other pixels")))},
        {"captions": (*CAPTIONS[:2], Caption(12, 1, "a small cat."))},
        {"captions": (*CAPTIONS[:2], Caption(12, 2, "a small cat"))},
        {"captions": (*CAPTIONS[:2], Caption(13, 1, "a small cat"))},
        {"captions": CAPTIONS[:2]},
    ],
    ids=["pixels", "text", "target", "id", "fewer"],
)
def test_any_content_is_part_of_the_fingerprint(changed: dict[str, object]) -> None:
    assert dataset(**changed).fingerprint != dataset().fingerprint
