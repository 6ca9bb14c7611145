"""COCO's format, real and badly made."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage

from misfire.core.errors import UsageError
from misfire.data import CocoCaptions

MINI = Path(__file__).parents[2] / "../shared/data/coco_mini"
IMAGES = [{"id": 7, "file_name": "b.png"}, {"id": 3, "file_name": "sub/a 1.png"}]
CAPTIONS = [
    {"id": 20, "image_id": 7, "caption": "a red square "},
    {"id": 10, "image_id": 3, "caption": "a blue one"},
    {"id": 15, "image_id": 7, "caption": "something red"},
]


def write(root: Path, **changed: Any) -> Path:
    """A file in COCO's format beside its pictures."""
    (root / "pictures" / "sub").mkdir(parents=True, exist_ok=True)
    PillowImage.new("RGB", (4, 3), "red").save(root / "pictures" / "b.png")
    PillowImage.new("RGB", (4, 3), "blue").save(root / "pictures" / "sub" / "a 1.png")
    document = {"info": {}, "images": IMAGES, "annotations": CAPTIONS} | changed
    (root / "captions.json").write_text(json.dumps(document), encoding="utf-8")
    return root / "captions.json"


def test_ids_texts_and_targets_are_cocos(tmp_path: Path) -> None:
    dataset = CocoCaptions(write(tmp_path), tmp_path / "pictures", name="squares")
    assert dataset.name == "squares"
    assert [(image.id, image.name) for image in dataset.images] == [(3, "sub/a 1.png"), (7, "b.png")]
    assert [(caption.id, caption.text) for caption in dataset.captions] == [
        (10, "a blue one"),
        (15, "something red"),
        (20, "a red square "),
    ]
    assert dataset.targets.tolist() == [0, 1, 1]
    colours = [image.source.load().getpixel((0, 0)) for image in dataset.images]
    assert colours == [(0, 0, 255), (255, 0, 0)]
    assert CocoCaptions(str(tmp_path / "captions.json"), str(tmp_path / "pictures")).name == "captions"


def test_captions_open_without_pictures(tmp_path: Path) -> None:
    dataset = CocoCaptions(write(tmp_path))
    assert len(dataset.captions) == 3
    with pytest.raises(UsageError, match=r"b\.png was opened without its pictures; set dataset\.images=FOLDER"):
        dataset.images[1].source.load()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None)
@given(images=st.permutations(IMAGES), annotations=st.permutations(CAPTIONS))
def test_the_order_of_rows_changes_nothing(tmp_path: Path, images: list[Any], annotations: list[Any]) -> None:
    assert CocoCaptions(write(tmp_path, images=images, annotations=annotations)) == CocoCaptions(write(tmp_path))


def test_moving_changes_no_fingerprint_and_a_pixel_a_text_or_an_id_does(tmp_path: Path) -> None:
    def fingerprint(root: Path, **changed: Any) -> str:
        return CocoCaptions(write(root, **changed), root / "pictures").fingerprint

    here = fingerprint(tmp_path / "here")
    assert fingerprint(tmp_path / "there" / "deeper") == here
    other_text = [*CAPTIONS[:2], {**CAPTIONS[2], "caption": "something red."}]
    other_id = [*CAPTIONS[:2], {**CAPTIONS[2], "id": 16}]
    assert fingerprint(tmp_path, annotations=other_text) != here
    assert fingerprint(tmp_path, annotations=other_id) != here
    annotations = write(tmp_path / "pixel")
    PillowImage.new("RGB", (4, 3), (254, 0, 0)).save(tmp_path / "pixel" / "pictures" / "b.png")
    assert CocoCaptions(annotations, tmp_path / "pixel" / "pictures").fingerprint != here


def test_the_bad_are_counted_and_named_together(tmp_path: Path) -> None:
    images = [
        *IMAGES,
        {"id": 1, "file_name": "none.png"},
        {"id": 2, "file_name": "../captions.json"},
        {"id": 4, "file_name": "half.png"},
        {"id": 3, "file_name": "b.png"},
    ]
    annotations = [
        *CAPTIONS,
        *({"id": 30 + image, "image_id": image, "caption": "a thing"} for image in (1, 2)),
        {"id": 40, "image_id": 99, "caption": ""},
    ]
    write(tmp_path)
    whole = (tmp_path / "pictures" / "b.png").read_bytes()
    (tmp_path / "pictures" / "half.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UsageError) as caught:
        CocoCaptions(write(tmp_path, images=images, annotations=annotations), tmp_path / "pictures")
    for part in (
        "dataset captions: ",
        "images must have different ids, got 1 (b.png with id 3); ",
        "captions must not be empty, got 1 (id 40); ",
        "captions must describe an image of the dataset, got 1 (id 40); ",
        "images must be there, got 1 (none.png); ",
        "images must lie in their folder, got 1 (../captions.json); ",
        "images must decode whole, got 1 (half.png: ",
    ):
        assert part in str(caught.value)
    kept = CocoCaptions(
        write(tmp_path, images=images[:-1], annotations=annotations), tmp_path / "pictures", on_bad_image="skip"
    )
    assert [image.id for image in kept.images] == [3, 7]
    assert [caption.id for caption in kept.captions] == [10, 15, 20]
    assert kept.policy == {"caption_policy": "all", "on_bad_image": "skip", "skipped_images": [1, 2, 4]}


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"images": None}, r"captions\.json: images must be a list of objects, got null"),
        ({"annotations": [[]]}, r"annotations must be a list of objects, got 1 \(annotations\[0\] is a list\)"),
        ({"images": [{"id": 1}]}, r"file_name must be a text that isn't empty, got 1 \(images\[0\] has none\)"),
        (
            {"images": [{"id": "x", "file_name": "b.png"}]},
            r"id must be a whole number, got 1 \(images\[0\] has \"x",
        ),
        (
            {"annotations": [CAPTIONS[0], {**CAPTIONS[1], "caption": 3}, {**CAPTIONS[2], "caption": ["x"]}]},
            r"caption must be a text, got 2 \(annotations\[1\] has 3, annotations\[2\] has \[\"x\"\]\)",
        ),
        (
            {"annotations": [{"id": 1, "caption": "x"}]},
            r"image_id must be a whole number, got 1 \(annotations\[0\] has",
        ),
        ({"images": []}, r"dataset captions must have images, got none"),
    ],
)
@pytest.mark.parametrize("on_bad_image", ["refuse", "skip"])
def test_a_file_of_another_shape_is_refused(
    tmp_path: Path, changed: dict[str, Any], sentence: str, on_bad_image: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        CocoCaptions(write(tmp_path, **changed), tmp_path / "pictures", on_bad_image=on_bad_image)


def test_ids_written_as_texts_are_numbers(tmp_path: Path) -> None:
    texts = [{**image, "id": str(image["id"])} for image in IMAGES]
    assert CocoCaptions(write(tmp_path, images=texts)) == CocoCaptions(write(tmp_path))


def test_missing_files_say_where_they_are_published(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        CocoCaptions(tmp_path / "captions_val2017.json")
    assert str(caught.value) == (
        f"COCO's captions must lie at {tmp_path}/captions_val2017.json, found none; put captions_val2017.json there "
        "(it is in annotations_trainval2017.zip of https://cocodataset.org/#download)."
    )
    with pytest.raises(UsageError, match=r"the pictures must lie in the folder .*/none, found none; .*val2017\.zip of"):
        CocoCaptions(write(tmp_path), tmp_path / "none")


def test_real_pictures_and_captions_open_with_and_without_the_pictures(tmp_path: Path) -> None:
    if not MINI.is_dir():
        pytest.skip("needs 283 COCO pictures beside the repository, in ../shared/data")
    pictured = CocoCaptions(MINI / "captions.json", MINI / "images", "first_5", index=tmp_path)
    again = CocoCaptions(MINI / "captions.json", MINI / "images", "first_5", index=tmp_path)
    bare = CocoCaptions(MINI / "captions.json", caption_policy="first_5")
    assert (len(pictured.images), len(pictured.captions)) == (283, 1415)
    assert pictured.captions == bare.captions
    assert pictured.fingerprint == again.fingerprint != bare.fingerprint
    assert pictured.images[0].source.load().size == (300, 300)


def test_a_file_without_captions_gives_its_images(tmp_path: Path) -> None:
    boxes = [{"id": 1, "image_id": 3, "category_id": 1, "bbox": [0, 0, 1, 1]}]
    with_captions = CocoCaptions(write(tmp_path), tmp_path / "pictures")
    for changed in ({"annotations": boxes}, {"annotations": []}):
        silent = CocoCaptions(write(tmp_path, **changed), tmp_path / "pictures")
        assert silent.captions == ()
        assert silent.image_set.fingerprint == with_captions.image_set.fingerprint
    null = CocoCaptions(
        write(tmp_path, annotations=[{**CAPTIONS[0], "caption": None}, *CAPTIONS[1:]]),
        tmp_path / "pictures",
        on_bad_image="skip",
    )
    assert null.skipped_captions[0].reason == "null"
