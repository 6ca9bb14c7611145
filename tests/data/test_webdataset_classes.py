"""Labelled shards: what a class is, which pictures have one, and what is refused."""

from pathlib import Path

import pytest

from misfire.core.errors import UsageError
from misfire.data import WebdatasetClasses
from tests.data.test_webdataset import picture, write


def test_numbers_are_classes_in_their_order_over_all_shards(tmp_path: Path) -> None:
    write(tmp_path / "1.tar", {"b.png": picture("red"), "b.cls": "10\n", "c.png": picture("blue"), "c.cls": "2"})
    write(tmp_path / "0.tar", {"a.png": picture("lime"), "a.cls": "2", "a.json": '{"caption": "a lime square"}'})
    found = WebdatasetClasses(tmp_path)
    assert [image.name for image in found.images] == ["a", "b", "c"]
    assert found.labels is not None
    assert found.labels.names == tuple(str(number) for number in range(11))
    assert found.labels.labels.tolist() == [2, 10, 2]
    assert len(found.captions) == 0


def test_names_are_classes_in_the_order_of_the_alphabet(tmp_path: Path) -> None:
    shard = write(
        tmp_path / "a.tar",
        {"a.jpg": picture(form="jpeg"), "a.label.txt": "owl", "b.png": picture(), "b.label.txt": "hen"},
    )
    found = WebdatasetClasses(shard, label="label.txt")
    assert found.labels is not None
    assert (found.labels.names, found.labels.labels.tolist()) == (("hen", "owl"), [1, 0])


def test_a_picture_without_a_class_or_with_two_is_refused(tmp_path: Path) -> None:
    shard = write(tmp_path / "a.tar", {"a.png": picture(), "b.png": picture("blue"), "b.cls": "1\n2"})
    with pytest.raises(
        UsageError, match=r"must have one class in a member that ends in \.cls, got 2 without or with sev"
    ):
        WebdatasetClasses(shard)
    write(shard, {"a.png": picture(), "a.cls": "hen", "b.png": picture("blue"), "b.cls": "7"})
    with pytest.raises(UsageError, match=r"must all be numbers or all be names, got 1 \(7\) beside 1 \(hen\)"):
        WebdatasetClasses(shard)
