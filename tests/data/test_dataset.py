"""A dataset's rules, its order, its targets and its name by content."""

import hashlib
import json
import random
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PillowImage

from misfire.core.errors import UsageError
from misfire.data import Caption, Dataset, Image, ImageSet, ImageSource, Skipped


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


def test_all_rules_that_are_broken_stand_in_one_sentence() -> None:
    with pytest.raises(UsageError) as caught:
        dataset(
            images=(Image(1, NamedSource("a"), "a.jpg"), Image(1, NamedSource("b"), "b.jpg"), *images(3)),
            captions=(Caption(10, 1, "a cat"), Caption(10, 9, " ")),
        )
    assert str(caught.value) == (
        "dataset pets: images must have different ids, got 1 (b.jpg with id 1); "
        "captions must have different ids, got 1 (id 10); captions must not be empty, got 1 (id 10); "
        "captions must describe an image of the dataset, got 1 (id 10); mend or drop them in the source."
    )


def test_the_fingerprint_is_the_hash_of_what_is_said() -> None:
    content: dict[str, object] = {
        "captions": [[10, 1, "a cat"], [11, 2, "a dog"], [12, 1, "a small cat"]],
        "images": [[1, "pixels 1"], [2, "pixels 2"]],
    }

    def sha256(value: object) -> str:
        return hashlib.sha256(json.dumps(value, separators=(",", ":")).encode()).hexdigest()

    assert dataset().fingerprint == sha256(content)  # without a policy: as it was before there were policies
    policy = {"caption_policy": "all", "skipped_images": [4]}
    assert dataset(policy=policy).fingerprint == sha256({**content, "policy": policy})


def test_what_was_left_out_is_said_and_no_part_of_the_fingerprint_by_itself() -> None:
    left_out = tuple(Skipped(f"{number}.jpg", "missing") for number in range(4))
    pets = dataset(skipped_images=left_out, skipped_captions=(Skipped("id 4", "empty"),))
    assert pets.notes == (
        "4 of 6 images were skipped (0.jpg: missing, 1.jpg: missing, 2.jpg: missing, ...).",
        "1 caption was skipped (id 4: empty).",
    )
    assert pets.fingerprint == dataset().fingerprint
    assert dataset().notes == ()


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("missing", "missing"),
        ("missing, though Cat.jpg is there, whose name differs in case or in accents", "missing"),
        ("outside the folder", "outside the folder"),
        ("without a caption", "without a caption"),
        ("image file is truncated (3 bytes not processed)", "unreadable"),
    ],
)
def test_a_reason_is_of_a_kind(reason: str, kind: str) -> None:
    assert Skipped("cat.jpg", reason).kind == kind


def test_a_source_that_says_nothing_of_problems_is_tried() -> None:
    class Broken(NamedSource):
        def load(self) -> PillowImage.Image:
            raise UsageError("an image must be whole, got half of it; mend it.")

    class Whole(NamedSource):
        def load(self) -> PillowImage.Image:
            return PillowImage.new("RGB", (1, 1))

    assert Broken("x").problem() == "an image must be whole, got half of it; mend it."
    assert Whole("x").problem() is None
    assert Whole("x").stamp() is None


def test_a_hundred_thousand_images_are_held_and_checked() -> None:
    count = 100_000
    many = tuple(Image(number, NamedSource(str(number)), f"{number}.jpg") for number in range(count))
    told = tuple(Caption(number, number, "a thing") for number in range(count))
    large = dataset(images=many[::-1], captions=told[::-1])
    assert (large.targets == range(count)).all()
    with pytest.raises(UsageError, match=r"must describe an image of the dataset, got 99999 \(id 1, id 2, id 3, "):
        dataset(images=many[:1], captions=told)


def test_images_stand_in_the_gallery_without_a_caption() -> None:
    more = dataset(images=images(1, 2, 3, 4))
    assert [image.id for image in more.images] == [1, 2, 3, 4]
    assert more.targets.tolist() == dataset().targets.tolist()
    assert more.fingerprint != dataset().fingerprint


def test_an_image_set_stands_alone_and_is_named_by_its_images() -> None:
    silent = Dataset("pets", images(2, 1))
    assert silent.image_set.ids.tolist() == [1, 2]
    assert silent.image_set.fingerprint == dataset().image_set.fingerprint == ImageSet("x", images(1, 2)).fingerprint
    assert silent.fingerprint != dataset().fingerprint
    assert ImageSet("pets", images(1, 3)).fingerprint != silent.image_set.fingerprint
    assert silent.labels is silent.label_matrix is silent.tags is silent.sentences is None
    with pytest.raises(UsageError, match=r"^retrieval must have captions as queries, dataset pets has 2 images and no"):
        _ = silent.targets
    with pytest.raises(UsageError, match=r"image set pets must have images, got none; check its path"):
        ImageSet("pets", ())
    with pytest.raises(UsageError, match=r"images must have different ids, got 1 \(id 1\)"):
        ImageSet("pets", images(1, 1))
