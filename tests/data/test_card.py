"""The card of a dataset: counts by hand, the ceiling by enumeration, the published figures of COCO's captions."""

import json
import math
from collections import Counter
from dataclasses import dataclass
from itertools import permutations, product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage

from misfire.core.errors import UsageError
from misfire.data import Caption, CocoCaptions, Dataset, Image, ImageSource, Listing, SourcedDataset, dataset_card
from misfire.data.card import folded, hit_at_1_ceiling, i2t_hit_ceiling, images_of_texts, truncation_note
from misfire.data.picture_folder import AbsentImage, UnusableImage

COCO = Path(__file__).parents[2] / "../shared/data/coco_val2017/captions_val2017.json"


@dataclass(frozen=True)
class NamedSource(ImageSource):
    content: str

    @property
    def content_sha256(self) -> str:
        return self.content

    def load(self) -> PillowImage.Image:
        return PillowImage.new("RGB", (2, 2))


def dataset_of(texts: dict[int, list[str]]) -> Dataset:
    captions = [(image, text) for image, described in texts.items() for text in described]
    return Dataset(
        name="pets",
        images=tuple(Image(image, NamedSource(f"pixels {image}")) for image in texts),
        captions=tuple(Caption(number, image, text) for number, (image, text) in enumerate(captions)),
    )


def test_the_published_figures_of_coco_2017_val() -> None:
    if not COCO.is_file():
        pytest.skip("needs COCO's captions beside the repository, in ../shared/data")
    card = dataset_card(CocoCaptions(COCO))
    assert (card["num_images"], card["num_captions"]) == (5000, 25_000)
    assert (card["num_shared_captions"], card["num_shared_captions_exact"]) == (369, 321)
    assert card["hit_at_1_ceiling"] == pytest.approx(0.99064, abs=1e-9)
    assert card["hit_at_1_ceiling_exact"] == pytest.approx(0.99192, abs=1e-9)
    assert card["captions_per_image_histogram"] == {"5": 5000}
    assert (card["num_shared_texts_exact"], card["num_images_of_shared_texts_exact"]) == (119, 292)
    assert card["num_images_without_picture"] == 5000


def test_a_card_counts_what_can_be_counted_by_hand() -> None:
    card = dataset_card(dataset_of({1: ["a cat", "A cat.", "one"], 2: ["a  cat"], 3: ["a big dog", "a big dog"]}))
    expected = {
        "name": "pets",
        "num_images": 3,
        "num_captions": 6,
        "captions_per_image_min": 1,
        "captions_per_image_mean": 2.0,
        "captions_per_image_max": 3,
        "captions_per_image_histogram": {"1": 1, "2": 1, "3": 1},
        "caption_words_min": 1,
        "caption_words_mean": 13 / 6,
        "caption_words_max": 3,
        "num_repeated_captions": 5,  # three of "a cat", two of "a big dog"
        "num_repeated_captions_exact": 2,
        "num_shared_captions": 3,
        "num_shared_captions_exact": 0,
        "hit_at_1_ceiling": 5 / 6,  # image 1 for "a cat" is right twice of three times
        "hit_at_1_ceiling_exact": 1.0,
        "num_images_without_picture": 0,
        "num_skipped_images": 0,
        "num_skipped_captions": 0,
    }
    assert {key: card[key] for key in expected} == expected
    assert json.loads(json.dumps(card)) == card


def test_a_card_says_what_was_skipped_and_why() -> None:
    images = [
        Image(1, AbsentImage("a"), "a"),
        Image(2, UnusableImage("b", "missing"), "b"),
        Image(3, UnusableImage("c", "outside the folder"), "c"),
        Image(4, UnusableImage("d", "image file is truncated"), "d"),
        Image(5, AbsentImage("e"), "e"),
    ]
    captions = [
        *(Caption(image, image, "a cat") for image in (1, 2, 3, 4)),
        Caption(6, 1, " "),
        Caption(7, 99, "a hen"),
    ]
    card = dataset_card(SourcedDataset(Listing("pets", images, captions), on_bad_image="skip"))
    expected = {
        "num_images": 2,
        "num_captions": 1,
        "num_missing_images": 1,
        "num_images_outside": 1,
        "num_unreadable_images": 1,
        "num_images_without_caption": 1,
        "num_skipped_images": 3,
        "num_empty_captions": 1,
        "num_skipped_captions": 2,
    }
    assert {key: card[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A cat.", "a CAT"),
        ("a cat,  a dog", "a cat a dog\n"),
        ("Stra\u00dfe", "STRASSE"),
        ("caf\u00e9", "cafe\u0301"),
        ("\u201ca cat\u201d", '"a cat"'),
        ("\uff21 cat", "a cat"),
    ],
)
def test_what_readers_do_not_tell_apart_is_one_text(one: str, other: str) -> None:
    assert folded(one) == folded(other)


@pytest.mark.parametrize(("one", "other"), [("a cat", "a cats"), ("2 cats", "3 cats"), ("a cat", "acat"), ("?", "!")])
def test_what_readers_tell_apart_stays_apart(one: str, other: str) -> None:
    assert folded(one) != folded(other)


def best_of_every_reader(captions: list[tuple[str, int]]) -> float:
    """Every way to answer each text with one image, tried."""
    texts, images = sorted({text for text, _ in captions}), sorted({image for _, image in captions})
    readers = (dict(zip(texts, answers, strict=True)) for answers in product(images, repeat=len(texts)))
    return max(sum(reader[text] == image for text, image in captions) for reader in readers) / len(captions)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3)), min_size=1, max_size=9))
def test_no_reader_of_texts_alone_beats_the_ceiling_and_one_reaches_it(captions: list[tuple[str, int]]) -> None:
    stands = {text: Counter(image for other, image in captions if other == text) for text, _ in captions}
    assert hit_at_1_ceiling(stands) == pytest.approx(best_of_every_reader(captions))


def by_enumeration(owners: list[int], texts: list[str], *, k: int) -> float:
    """Independent and slow on purpose: every order of every text's captions, every choice of places among texts."""
    images = sorted(set(owners))
    places_of = {text: [place for place, one in enumerate(texts) if one == text] for text in set(texts)}
    best = []
    for image in images:
        own = sorted({text for text, owner in zip(texts, owners, strict=True) if owner == image})
        chances = []
        for shares in product(range(k + 1), repeat=len(own)):
            if sum(shares) > k:
                continue
            orders = [list(permutations(places_of[text])) for text in own]
            hits = [
                any(
                    owners[place] == image
                    for order, share in zip(chosen, shares, strict=True)
                    for place in order[:share]
                )
                for chosen in product(*orders)
            ]
            chances.append(sum(hits) / len(hits))
        best.append(max(chances))
    return sum(best) / len(best)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["a", "b", "c"])), min_size=1, max_size=7), st.integers(1, 3)
)
def test_the_i2t_ceiling_is_the_best_over_all_orders(rows: list[tuple[int, str]], k: int) -> None:
    dataset = dataset_of({image: [text for other, text in rows if other == image] for image, _ in rows})
    owners = [caption.image_id for caption in dataset.captions]
    expected = by_enumeration(owners, [caption.text for caption in dataset.captions], k=k)
    assert i2t_hit_ceiling(images_of_texts(dataset), k=k) == pytest.approx(expected, abs=1e-12)
    if k == 1:
        assert dataset_card(dataset)["i2t_hit_at_1_ceiling"] == pytest.approx(expected, abs=1e-12)


def test_images_that_have_but_one_text_cannot_all_be_hits() -> None:
    dataset = dataset_of({1: ["a cat"], 2: ["A cat."], 3: ["a cat"], 4: ["a cat", "a dog"]})
    card = dataset_card(dataset)
    assert card["i2t_hit_at_1_ceiling"] == pytest.approx((3 * 1 / 4 + 1) / 4)
    assert card["i2t_hit_at_1_ceiling_exact"] == pytest.approx((2 * 1 / 3 + 2) / 4)
    assert (card["num_shared_texts"], card["num_images_of_shared_texts"]) == (1, 4)
    assert i2t_hit_ceiling(images_of_texts(dataset), k=4) == 1.0
    with pytest.raises(UsageError, match="a ceiling must have k >= 1, got 0"):
        i2t_hit_ceiling({}, k=0)


def test_the_card_of_images_alone_counts_them_and_leaves_the_rest_undefined() -> None:
    card = dataset_card(Dataset("pets", dataset_of({1: ["a"], 2: ["b"]}).images))
    assert (card["num_images"], card["num_captions"], card["num_gallery_images_without_caption"]) == (2, 0, 2)
    undefined = ("caption_words_min", "caption_words_mean", "hit_at_1_ceiling", "i2t_hit_at_1_ceiling")
    assert all(math.isnan(card[name]) for name in undefined)


def test_captions_that_are_cut_are_said_in_one_sentence_and_none_in_none() -> None:
    assert truncation_note(0, 10, context_length=77) == ""
    assert truncation_note(1, 10, context_length=32) == (
        "1 of 10 captions is longer than the model's 32 tokens: its end is cut off."
    )
