"""What a listing becomes: refused with every rule it breaks, or less of it, as its fingerprint and notes then say."""

from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.data import Caption, ClassLabels, Image, Known, Listing, Skipped, SourcedDataset
from misfire.data.picture_folder import AbsentImage, UnusableImage


def picture(identifier: int, problem: str | None = None) -> Image:
    name = f"{identifier}.jpg"
    return Image(identifier, AbsentImage(name) if problem is None else UnusableImage(name, problem), name)


PETS = Listing(
    name="pets",
    images=[picture(1), picture(2)],
    captions=[Caption(10 + number, 1 + number % 2, f"text {number}") for number in range(14)],
)
BAD = Listing(
    name="pets",
    images=[
        *PETS.images,
        picture(3, "missing"),
        picture(4, "image file is truncated"),
        picture(5, "outside the folder"),
        picture(6),
        picture(7, "missing"),
    ],
    captions=[
        *PETS.captions,
        *(Caption(90 + image, image, "a hen") for image in (3, 4, 5, 7)),
        Caption(80, 1, " \n"),
        Caption(81, 99, "a hen of nowhere"),
    ],
)


def test_one_sentence_names_every_rule_that_is_broken() -> None:
    twice = replace(BAD, images=[*BAD.images, picture(2)], captions=[*BAD.captions, PETS.captions[0]])
    with pytest.raises(UsageError) as caught:
        SourcedDataset(twice)
    assert str(caught.value) == (
        "dataset pets: images must have different ids, got 1 (2.jpg with id 2); "
        "captions must have different ids, got 1 (id 10); captions must not be empty, got 1 (id 80); "
        "captions must describe an image of the dataset, got 1 (id 81); "
        "images must be there, got 2 (3.jpg, 7.jpg); images must lie in their folder, got 1 (5.jpg); "
        "images must decode whole, got 1 (4.jpg: image file is truncated); mend or drop them in the source."
    )


def test_what_is_bad_can_be_skipped_and_is_then_said() -> None:
    kept, whole = SourcedDataset(BAD, on_bad_image="skip"), SourcedDataset(PETS, on_bad_image="skip")
    assert (kept.images, kept.captions) == ((*whole.images, picture(6)), whole.captions)
    assert kept.skipped_images == (
        Skipped("3.jpg", "missing"),
        Skipped("4.jpg", "image file is truncated"),
        Skipped("5.jpg", "outside the folder"),
        Skipped("7.jpg", "missing"),
    )
    assert kept.skipped_captions == (Skipped("id 81", "of image 99, which isn't listed"), Skipped("id 80", "empty"))
    assert kept.notes == (
        "4 of 7 images were skipped (3.jpg: missing, 4.jpg: image file is truncated, 5.jpg: outside the folder, ...).",
        "2 captions were skipped (id 81: of image 99, which isn't listed, id 80: empty).",
        "1 of 3 images has no caption and stands in the gallery (dataset.gallery=captioned leaves it out).",
    )
    assert kept.policy["skipped_images"] == [3, 4, 5, 7]
    assert whole.notes == ()


def test_repeated_ids_are_refused_even_where_bad_images_are_skipped() -> None:
    with pytest.raises(UsageError, match=r"^dataset pets: images must have different ids, got 1 \(2\.jpg with id 2\);"):
        SourcedDataset(replace(PETS, images=[*PETS.images, picture(2)]), on_bad_image="skip")
    with pytest.raises(UsageError, match=r"^dataset pets: images must have different ids, got 1 \(2\.jpg with id 2\);"):
        SourcedDataset(replace(PETS, images=[picture(1), picture(2, "missing"), picture(2)]), on_bad_image="skip")
    with pytest.raises(UsageError, match=r"^dataset pets: captions must have different ids, got 1 \(id 10\);"):
        SourcedDataset(replace(PETS, captions=[*PETS.captions, PETS.captions[0]]), on_bad_image="skip")


def test_a_dataset_of_which_nothing_is_left_says_why() -> None:
    gone = replace(PETS, images=[picture(1, "missing"), picture(2, "missing")])
    with pytest.raises(UsageError) as caught:
        SourcedDataset(gone, on_bad_image="skip")
    assert str(caught.value) == (
        "dataset pets must have images, got none; 2 of 2 images were skipped (1.jpg: missing, 2.jpg: missing)."
    )
    with pytest.raises(UsageError, match="dataset pets must have images, got none; check its path"):
        SourcedDataset(Listing("pets", [], []))


@pytest.mark.parametrize(
    ("policy", "sentence"),
    [
        ({"caption_policy": "first"}, "caption_policy must be one of all, first_5, got 'first'; choose one of them."),
        ({"on_bad_image": "ignore"}, "on_bad_image must be one of refuse, skip, got 'ignore'; choose one of them."),
    ],
)
def test_an_unknown_policy_is_refused_with_the_choices(policy: dict[str, str], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        SourcedDataset(PETS, **policy)  # type: ignore[arg-type]
    assert str(caught.value) == sentence


def test_first_5_are_the_smallest_ids_of_each_image() -> None:
    assert [caption.id for caption in SourcedDataset(PETS).captions] == list(range(10, 24))
    five = SourcedDataset(PETS, caption_policy="first_5")
    assert [caption.id for caption in five.captions] == list(range(10, 20))


listings = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["a", "b", "c"])), min_size=1, max_size=40)


def listing_of(pairs: list[tuple[int, str]]) -> Listing:
    return Listing(
        name="pets",
        images=[picture(image) for image in sorted({image for image, _ in pairs})],
        captions=[Caption(number, image, text) for number, (image, text) in enumerate(pairs)],
    )


@settings(deadline=None)
@given(listings, st.randoms())
def test_first_5_is_the_same_twice_and_in_any_order(pairs: list[tuple[int, str]], random: Any) -> None:
    listing = listing_of(pairs)
    once = SourcedDataset(listing, caption_policy="first_5")
    by_hand = {
        image.id: sorted(caption.id for caption in listing.captions if caption.image_id == image.id)[:5]
        for image in listing.images
    }
    assert sorted(caption.id for caption in once.captions) == sorted(chain(*by_hand.values()))
    again = SourcedDataset(Listing("pets", once.images, once.captions), caption_policy="first_5")
    shuffled = Listing(
        name="other",
        images=random.sample(list(listing.images), len(listing.images)),
        captions=random.sample(list(listing.captions), len(listing.captions)),
    )
    mixed = SourcedDataset(shuffled, caption_policy="first_5")
    assert once.fingerprint == again.fingerprint == mixed.fingerprint


def test_how_it_was_read_is_part_of_the_fingerprint() -> None:
    few = replace(PETS, captions=PETS.captions[:6])  # of which first_5 leaves out none
    one_more = replace(few, images=[*few.images, picture(3, "missing")])
    another = replace(few, images=[*few.images, picture(4, "missing")])
    renamed = replace(few, images=[replace(image, name="other") for image in few.images])
    fingerprints = [
        SourcedDataset(few).fingerprint,
        SourcedDataset(few, caption_policy="first_5").fingerprint,
        SourcedDataset(few, on_bad_image="skip").fingerprint,
        SourcedDataset(one_more, on_bad_image="skip").fingerprint,
        SourcedDataset(another, on_bad_image="skip").fingerprint,
        SourcedDataset(replace(few, captions=[*few.captions[1:], Caption(10, 1, "other")])).fingerprint,
        SourcedDataset(replace(few, images=[few.images[0], Image(2, AbsentImage("other"))])).fingerprint,
    ]
    assert len(set(fingerprints)) == len(fingerprints)
    assert SourcedDataset(renamed).fingerprint == fingerprints[0]


def test_a_dataset_that_is_refused_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        SourcedDataset(BAD, index=tmp_path / "index")
    assert list(tmp_path.iterdir()) == []


def test_equal_pictures_with_labels_of_their_own_stay_apart_and_are_counted() -> None:
    same = [Image(number, AbsentImage(f"{number // 2}.jpg"), f"copy {number}") for number in range(4)]
    labels = ClassLabels(np.arange(4), ("cat", "dog"), np.array([0, 1, 0, 0]))
    kept = SourcedDataset(Listing("pets", same, []), known=Known(labels=labels))
    assert kept.labels == labels
    assert kept.notes == (
        "2 of 4 images are the same picture as an earlier one (copy 1: the same as copy 0, copy 3: the same as copy "
        "2); each keeps its own labels and counts.",
    )
    alone = SourcedDataset(Listing("pets", same, []))
    assert [image.id for image in alone.images] == [0, 2]
    assert "count once, with all captions" in alone.notes[0]
