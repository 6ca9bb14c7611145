import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from misfire.core.errors import UsageError
from misfire.data import CocoInstances, LabelTable, RatedLabels, Voc2007
from misfire.data.several_classes import VOC_CLASSES


def draw(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        Image.new("RGB", (6, 6), (40 * number, 10, 90)).save(folder / name)


def values(dataset: Any) -> list[list[int]]:
    return dataset.label_matrix.of_images(dataset.image_set.ids).values.tolist()


def voc(root: Path, annotations: dict[str, list[tuple[str, int]]]) -> Path:
    draw(root / "JPEGImages", *(f"{name}.jpg" for name in annotations))
    (root / "ImageSets/Main").mkdir(parents=True)
    (root / "ImageSets/Main/test.txt").write_text("".join(f"{name}\n" for name in annotations))
    (root / "Annotations").mkdir()
    for name, objects in annotations.items():
        told = "".join(f"<object><name>{kind}</name><difficult>{hard}</difficult></object>" for kind, hard in objects)
        (root / f"Annotations/{name}.xml").write_text(f"<annotation>{told}</annotation>")
    return root


def test_voc_leaves_difficult_objects_out_or_counts_them_as_absent(tmp_path: Path) -> None:
    root = voc(tmp_path, {"000012": [("cat", 1), ("cat", 0), ("dog", 1)], "000007": [("dog", 0)]})
    dataset = Voc2007(root)
    assert [image.id for image in dataset.images] == [7, 12]
    rows = dict(zip(("000007", "000012"), values(dataset), strict=True))
    cat, dog, car = (VOC_CLASSES.index(name) for name in ("cat", "dog", "car"))
    assert [rows["000012"][column] for column in (cat, dog, car)] == [1, 0, -1]
    assert [rows["000007"][column] for column in (cat, dog, car)] == [-1, 1, -1]
    assert dataset.remarks == (
        "1 labels whose objects are all marked difficult are left out of these classes, as by VOC's devkit.",
    )
    strict = Voc2007(root, difficult="negative")
    assert values(strict)[1][dog] == -1
    assert strict.remarks[0].endswith("are counted as absent.")
    assert strict.label_matrix.fingerprint != dataset.label_matrix.fingerprint


def test_voc_says_what_is_missing_or_strange(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"VOC's list of images must lie at .*test.txt, found none; put test.txt there"
    ):
        Voc2007(tmp_path)
    with pytest.raises(UsageError, match="difficult must be one of ignore, negative, got 'drop'"):
        Voc2007(tmp_path, difficult="drop")
    root = voc(tmp_path, {"000007": [("unicorn", 0)]})
    with pytest.raises(UsageError, match=r"must be of its 20 classes, got 'unicorn' in .*000007.xml"):
        Voc2007(root)
    (root / "Annotations/000007.xml").write_text("<annotation>")
    with pytest.raises(UsageError, match=r"annotations must be XML, got .*000007.xml \(no element found"):
        Voc2007(root)
    (root / "Annotations/000007.xml").write_text('<!DOCTYPE a [<!ENTITY b "c">]><annotation>&b;</annotation>')
    with pytest.raises(UsageError, match="must be plain XML, got entities"):
        Voc2007(root)


def coco(folder: Path, **changes: Any) -> Path:
    draw(folder / "images", "a.png", "b.png", "c.png")
    document = {
        "images": [{"id": 9, "file_name": "c.png"}, {"id": 2, "file_name": "a.png"}, {"id": 5, "file_name": "b.png"}],
        "categories": [{"id": 18, "name": "dog"}, {"id": 1, "name": "person"}],
        "annotations": [
            {"image_id": 2, "category_id": 1, "iscrowd": 1},
            {"image_id": 5, "category_id": 1, "iscrowd": 1},
            {"image_id": 5, "category_id": 1, "iscrowd": 0},
            {"image_id": 5, "category_id": 18, "iscrowd": 0},
        ],
    }
    (folder / "instances.json").write_text(json.dumps({**document, **changes}))
    return folder / "instances.json"


def test_coco_says_of_crowds_and_images_without_annotations(tmp_path: Path) -> None:
    path = coco(tmp_path)
    dataset = CocoInstances(path, tmp_path / "images")
    assert dataset.label_matrix.names == ("person", "dog")  # in the order of the categories' ids
    assert values(dataset) == [[1, -1], [1, 1], [-1, -1]]
    assert dataset.remarks == ("1 images without an annotation are kept.",)
    strict = CocoInstances(path, tmp_path / "images", crowds="ignore", unannotated="dropped")
    assert [image.id for image in strict.images] == [2, 5]
    assert values(strict) == [[0, -1], [1, 1]]
    assert strict.remarks == (
        "1 images without an annotation are dropped.",
        "1 labels that only crowd boxes speak for are left out of these classes.",
    )
    assert [str(one) for one in strict.skipped_images] == ["c.png: without an annotation"]


def test_coco_refuses_strangers(tmp_path: Path) -> None:
    path = coco(tmp_path, annotations=[{"image_id": 3, "category_id": 1, "iscrowd": 0}])
    with pytest.raises(UsageError, match=r"of a listed image and category, got 1 \(image 3, category 1\)"):
        CocoInstances(path)
    with pytest.raises(UsageError, match="crowds must be one of present, ignore, got 'absent'"):
        CocoInstances(path, crowds="absent")


def test_a_table_of_labels_is_read_whatever_the_order_of_its_rows(tmp_path: Path) -> None:
    draw(tmp_path, "a.png", "b.png")
    (tmp_path / "labels.csv").write_text("image,cat,dog,split\nb.png,1,0,x\na.png,-1,1.0,y\n")
    dataset = LabelTable(tmp_path / "labels.csv", tmp_path, leave_out=["split"])
    assert [image.name for image in dataset.images] == ["a.png", "b.png"]
    assert dataset.label_matrix.names == ("cat", "dog")
    assert values(dataset) == [[-1, 1], [1, 0]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,cat\na.png,2\n", r"column cat of .*labels.csv must hold 1, -1, 0, got '2'"),
        ("image,cat\na.png,1\na.png,1\n", r"must have a row an image, got 1 \(a.png\) again"),
        ("image\na.png\n", "must have a column a class, got none"),
    ],
)
def test_a_table_that_breaks_a_rule_is_refused(tmp_path: Path, text: str, message: str) -> None:
    draw(tmp_path, "a.png")
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(UsageError, match=message):
        LabelTable(tmp_path / "labels.csv", tmp_path)


JUDGEMENTS = """image,label,rater,answer
a.png,cat,ann,yes
a.png,cat,bob,yes
a.png,cat,eve,no
a.png,dog,ann,yes
a.png,dog,bob,no
b.png,cat,ann,Maybe
b.png,dog,eve,no
"""


def test_raters_decide_by_majority_and_what_they_leave_open_is_neither(tmp_path: Path) -> None:
    draw(tmp_path, "a.png", "b.png")
    (tmp_path / "judged.csv").write_text(JUDGEMENTS)
    dataset = RatedLabels(tmp_path / "judged.csv", tmp_path)
    assert dataset.label_matrix.names == ("cat", "dog")
    assert values(dataset) == [[1, 0], [0, -1]]
    assert dataset.remarks == (
        "7 judgements of 4 pairs; raters contradict each other on 2; 2 of 4 labels are neither present nor absent.",
    )
    assert values(RatedLabels(tmp_path / "judged.csv", tmp_path, least=2)) == [[1, 0], [0, 0]]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a.png,cat,ann,yes\n", r"a rater must judge a pair once, got 1 \(ann on cat in a.png\) again"),
        ("b.png,dog,ann,perhaps\n", "column answer of .* must hold yes, 1, true, no, -1, false, maybe, 0, unsure, got"),
    ],
)
def test_judgements_that_break_a_rule_are_refused(tmp_path: Path, line: str, message: str) -> None:
    draw(tmp_path, "a.png", "b.png")
    (tmp_path / "judged.csv").write_text(JUDGEMENTS + line)
    with pytest.raises(UsageError, match=message):
        RatedLabels(tmp_path / "judged.csv", tmp_path)


def test_a_picture_twice_keeps_both_its_labels_and_it_is_said(tmp_path: Path) -> None:
    draw(tmp_path, "a.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes())
    (tmp_path / "labels.csv").write_text("image,cat\na.png,1\nb.png,-1\n")
    dataset = LabelTable(tmp_path / "labels.csv", tmp_path)
    assert np.array(values(dataset)).tolist() == [[1], [-1]]  # one of them would be lost if they were one image
    assert dataset.notes[-1].startswith("1 of 2 images is the same picture as an earlier one (b.png: the same as a.")
