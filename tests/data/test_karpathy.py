"""Karpathy's files: splits, ids, paths, and the ways in which a file can be wrong."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage

from misfire.core.errors import UsageError
from misfire.data.karpathy import KarpathyCaptions, karpathy_listing
from misfire.data.picture_folder import AbsentImage

COLOURS = ("red", "lime", "blue", "black")
SPLITS = ("test", "restval", "train", "test")


def image(number: int, split: str = "test", **changed: Any) -> dict[str, Any]:
    sentences = [
        {
            "tokens": ["a"],
            "raw": f"Caption {10 * number + k}, as it was typed .",
            "imgid": number,
            "sentid": 10 * number + k,
        }
        for k in (1, 0)
    ]
    row = {"filepath": "val2014", "filename": f"{number}.png", "imgid": number, "split": split, "sentences": sentences}
    return {name: value for name, value in {**row, **changed}.items() if value is not None}


def sentence(**changed: Any) -> dict[str, Any]:
    whole = {"raw": "A cat .", "imgid": 0, "sentid": 7}
    return {name: value for name, value in {**whole, **changed}.items() if value is not None}


def write(folder: Path, images: Any = None, document: Mapping[str, Any] | None = None) -> Path:
    rows = [image(number, split) for number, split in enumerate(SPLITS)] if images is None else images
    path = folder / "dataset_coco.json"
    path.write_text(json.dumps({"images": rows, "dataset": "coco"} if document is None else document))
    return path


def write_pictures(folder: Path) -> Path:
    (folder / "val2014").mkdir(parents=True)
    for number, colour in enumerate(COLOURS):
        PillowImage.new("RGB", (4, 3), colour).save(folder / "val2014" / f"{number}.png")
    return folder


def test_a_split_has_its_images_and_their_sentences_in_the_order_of_their_ids(tmp_path: Path) -> None:
    dataset = KarpathyCaptions(write(tmp_path), write_pictures(tmp_path / "pictures"))
    assert dataset.name == "coco_karpathy_test"
    assert [one.id for one in dataset.images] == [0, 3]
    assert [one.name for one in dataset.images] == ["val2014/0.png", "val2014/3.png"]
    assert [(one.id, one.image_id) for one in dataset.captions] == [(0, 0), (1, 0), (30, 3), (31, 3)]
    assert dataset.captions[3].text == "Caption 31, as it was typed ."
    assert [one.source.load().getpixel((0, 0)) for one in dataset.images] == [(255, 0, 0), (0, 0, 0)]


@pytest.mark.parametrize(
    ("split", "ids"), [("restval", [1]), ("train", [2]), ("train+restval", [1, 2]), ("restval + test", [0, 1, 3])]
)
def test_splits_are_apart_unless_they_are_joined(tmp_path: Path, split: str, ids: list[int]) -> None:
    assert [one.id for one in KarpathyCaptions(write(tmp_path), split=split).images] == ids


@pytest.mark.parametrize(("split", "shown"), [("dev", "'dev'"), ("", "''"), ("train+rest", "'rest'")])
def test_a_split_that_the_file_lacks_is_answered_with_those_it_has(tmp_path: Path, split: str, shown: str) -> None:
    with pytest.raises(UsageError) as caught:
        KarpathyCaptions(write(tmp_path), split=split)
    assert str(caught.value) == (
        f"split must be in {tmp_path / 'dataset_coco.json'} (restval: 1 images, test: 2 images, train: 1 images), got "
        f"{shown}; choose one, or join some by +."
    )


def test_without_pictures_the_captions_are_there_and_the_fingerprint_is_another(tmp_path: Path) -> None:
    path, pictures = write(tmp_path), write_pictures(tmp_path / "pictures")
    alone, whole = KarpathyCaptions(path), KarpathyCaptions(path, pictures)
    assert alone.captions == whole.captions
    assert alone.fingerprint != whole.fingerprint
    with pytest.raises(UsageError, match="opened without its pictures"):
        alone.images[0].source.load()


def test_a_file_without_folders_looks_beside_itself(tmp_path: Path) -> None:
    """Flickr's files have no filepath."""
    write_pictures(tmp_path)
    dataset = KarpathyCaptions(write(tmp_path, [image(0, filepath=None)]), tmp_path / "val2014")
    assert dataset.images[0].source.load().getpixel((0, 0)) == (255, 0, 0)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (
            [image(0), image(0, filename="b.png", sentences=[sentence()])],
            r"different ids, got 1 \(val2014/b.png with id 0\)",
        ),
        ([image(0, sentences=[sentence(), sentence(raw="B")])], r"captions must have different ids, got 1 \(id 7\)"),
        (
            [
                image(5, sentences=[sentence(imgid=0, sentid=9)]),
                image(0, sentences=[sentence(), sentence(imgid=5, sentid=8)]),
            ],
            r"its image's, got 2 \(images\[0\].sentences\[0\] says 0 in image 5, images\[1\].sentences\[1\] says 5 in",
        ),
        (
            [image(1, "train"), image(0, sentences=[sentence(raw=None)])],
            r"raw must be a text, got 1 \(images\[1\].sentences\[0\] has none\); mend or drop those rows",
        ),
        ([image(0, sentences=[sentence(raw=3)])], r"raw must be a text, got 1 \(images\[0\].sentences\[0\] has 3\)"),
        ([image(0, sentences=[sentence(sentid="x")])], r"sentid must be a whole number, got 1 .* has \"x\""),
        ([image(0, sentences=[sentence(raw=" ")])], r"captions must not be empty, got 1 \(id 7\)"),
        ([image(0, sentences=[{**sentence(), "raw": None}])], r"captions must be texts, got 1 \(id 7: null\)"),
        ([image(0, sentences="a cat")], r"images\[0\].sentences must be a list of objects, got a text"),
        ([image(0, imgid=None)], r"imgid must be a whole number, got 1 \(images\[0\] has none\)"),
        ([image(0, filename="")], r"filename must be a text that isn't empty, got 1 \(images\[0\] has \"\"\)"),
        ([image(0, split=None)], r"split must be a text that isn't empty, got 1 \(images\[0\] has none\)"),
        ([], r"split must be in .* \(none\), got 'test'"),
        ([3], r"images must be a list of objects, got 1 \(images\[0\] is a number\)"),
    ],
)
def test_a_badly_made_file_is_refused_with_its_offenders(tmp_path: Path, images: list[Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        KarpathyCaptions(write(tmp_path, images))


def test_an_offence_in_another_split_is_no_concern(tmp_path: Path) -> None:
    rows = [image(0), image(1, "train", filename=None), image(0, "val", sentences=[])]
    assert len(KarpathyCaptions(write(tmp_path, rows)).captions) == 2


def test_a_missing_file_says_where_it_is_to_be_had(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        KarpathyCaptions(tmp_path / "dataset_coco.json")
    assert str(caught.value) == (
        f"Karpathy's annotations must lie at {tmp_path / 'dataset_coco.json'}, found none; put dataset_coco.json there "
        "(it is in caption_datasets.zip of cs.stanford.edu/people/karpathy/deepimagesent)."
    )


def test_the_annotations_of_coco_itself_are_another_file(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"must hold a JSON object with images, it holds 1 \(annotations\); is it anot"
    ):
        KarpathyCaptions(write(tmp_path, document={"annotations": []}))


def test_bad_pictures_are_named_or_skipped_with_their_captions(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "pictures")
    cut = folder / "val2014" / "3.png"
    cut.write_bytes(cut.read_bytes()[:40])
    path = write(tmp_path, [*(image(number) for number in range(5)), image(9, filepath="../..")])
    with pytest.raises(
        UsageError,
        match=r"there, got 1 \(val2014/4.png\).* folder, got 1 \(../../9.png\).* whole, got 1 \(val2014/3.png",
    ):
        KarpathyCaptions(path, folder)
    dataset = KarpathyCaptions(path, folder, on_bad_image="skip")
    assert [one.id for one in dataset.images] == [0, 1, 2]
    assert len(dataset.captions) == 6
    assert dataset.fingerprint != KarpathyCaptions(write(tmp_path, [image(n) for n in range(3)]), folder).fingerprint


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.text(st.characters(codec="utf-8"), min_size=1), min_size=1, max_size=3), min_size=1))
def test_every_text_comes_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, texts: list[list[str]]
) -> None:
    numbers = iter(range(1000))
    rows = [
        image(index, sentences=[{"raw": text, "sentid": next(numbers)} for text in told])
        for index, told in enumerate(texts)
    ]
    listing = karpathy_listing(write(tmp_path_factory.mktemp("karpathy"), rows), lambda: AbsentImage)
    assert [one.text for one in listing.captions] == [text for told in texts for text in told]
    assert [one.image_id for one in listing.captions] == [index for index, told in enumerate(texts) for _ in told]


def test_an_image_without_sentences_stands_in_the_gallery(tmp_path: Path) -> None:
    rows = [image(0, sentences=[sentence()]), image(5, filename="b.png", sentences=[])]
    dataset = KarpathyCaptions(write(tmp_path, rows))
    assert [one.id for one in dataset.images] == [0, 5]
    assert "1 of 2 images has no caption and stands in the gallery" in dataset.notes[0]
