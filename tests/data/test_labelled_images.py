"""Labelled pictures: a folder a class, and whatever torchvision has."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from misfire.core.errors import UsageError
from misfire.data.image_folder import ImageFolder
from misfire.data.torchvision_images import TorchvisionImages


def picture(path: Path, shade: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    PillowImage.new("RGB", (6, 6), (shade, 0, 0)).save(path)


def test_each_folder_is_a_class(tmp_path: Path) -> None:
    picture(tmp_path / "owl" / "b.png", 1)
    picture(tmp_path / "hen" / "deep" / "a.PNG", 2)
    picture(tmp_path / "hen" / "c.png", 3)
    (tmp_path / "yak").mkdir()
    (tmp_path / "hen" / "notes.txt").write_text("no picture")
    found = ImageFolder(tmp_path)
    assert [image.name for image in found.images] == ["hen/c.png", "hen/deep/a.PNG", "owl/b.png"]
    assert found.labels is not None
    assert found.labels.names == ("hen", "owl", "yak")
    assert found.labels.labels.tolist() == [0, 0, 1]
    assert found.labels.counts.tolist() == [2, 1, 0]
    moved = tmp_path.rename(tmp_path.with_name("moved"))
    assert ImageFolder(moved).image_set.fingerprint == found.image_set.fingerprint


def test_a_folder_without_classes_or_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="must hold a folder for each class, got none in"):
        ImageFolder(tmp_path)
    (tmp_path / "hen").mkdir()
    with pytest.raises(UsageError, match="must hold images in its classes' folders, got none in"):
        ImageFolder(tmp_path)
    (tmp_path / "hen" / "a.png").write_bytes(b"junk")
    with pytest.raises(UsageError, match="images must decode whole"):
        ImageFolder(tmp_path)


def test_a_dataset_of_torchvision_is_read(tmp_path: Path) -> None:
    options = {"size": 5, "image_size": (3, 8, 8), "num_classes": 4}
    found = TorchvisionImages("FakeData", tmp_path, options)
    assert len(found.images) == 5
    assert found.images[2].source.load().size == (8, 8)
    assert found.labels is not None
    again = TorchvisionImages("FakeData", tmp_path, options)
    assert again.image_set.fingerprint == found.image_set.fingerprint
    np.testing.assert_array_equal(again.labels.labels, found.labels.labels)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("CIFAR11", {}, "source must be a class of torchvision.datasets, got CIFAR11"),
        ("VisionDataset", {}, "source must be a class of torchvision.datasets, got VisionDataset"),
        ("CIFAR10", {"train": False}, "the files of torchvision's CIFAR10 must lie at"),
        ("CIFAR10", {"trian": False}, "its options fit, got: "),
    ],
)
def test_what_torchvision_does_not_have_is_said(
    tmp_path: Path, name: str, options: dict[str, object], sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        TorchvisionImages(name, tmp_path, options)
