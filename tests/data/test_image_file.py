"""A file as an image: why it can't be used, its name by content, and when an earlier look at it still holds."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from misfire.core.errors import UsageError
from misfire.core.hashing import sha256_bytes
from misfire.data import ImageFile


def write(path: Path, colour: str = "red") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    PillowImage.new("RGB", (40, 30), colour).save(path)
    return path


@pytest.mark.parametrize(
    "name", ["plain.png", "two words.png", "caf\u00e9.png", "\u732b/\U0001f431.png", "UPPER.PNG", "a,b'c.png"]
)
def test_a_whole_file_is_used_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    image = ImageFile(write(tmp_path / name))
    assert image.problem() is None
    assert image.content_sha256 == sha256_bytes((tmp_path / name).read_bytes())
    assert image.load().getpixel((0, 0)) == (255, 0, 0)


def test_an_image_is_upright_and_rgb_whatever_its_file_says(tmp_path: Path) -> None:
    pixels = np.zeros((2, 3), dtype=np.uint8)
    pixels[0] = 200
    exif = PillowImage.Exif()
    exif[0x0112] = 6  # the camera was held on its right side: turn a quarter clockwise
    PillowImage.fromarray(pixels).save(tmp_path / "grey.png", exif=exif)
    seen = ImageFile(tmp_path / "grey.png").load()
    assert (seen.mode, seen.size) == ("RGB", (2, 3))
    assert [seen.getpixel((column, 0)) for column in (0, 1)] == [(0, 0, 0), (200, 200, 200)]


def test_a_truncated_or_missing_image_is_one_sentence(tmp_path: Path) -> None:
    PillowImage.effect_noise((64, 64), 50).save(tmp_path / "whole.png")
    (tmp_path / "half.png").write_bytes((tmp_path / "whole.png").read_bytes()[:600])
    with pytest.raises(UsageError, match=r"must decode whole, got .*half.png .*restore or drop it"):
        ImageFile(tmp_path / "half.png").load()
    for read in (ImageFile.load, lambda image: image.content_sha256):
        with pytest.raises(UsageError, match=r"must be readable, got .*none.png \(No such file or directory\)"):
            read(ImageFile(tmp_path / "none.png"))


def test_a_problem_is_named(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "half.jpg").write_bytes(whole[:-20])
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "folder.jpg").mkdir()
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "round.jpg").symlink_to(tmp_path / "round.jpg")
    problems = {
        "none.jpg": "missing",
        "whole.jpg/inside.jpg": "missing",
        "half.jpg": "image file is truncated",
        "empty.jpg": "not an image, or cut off in its first bytes",
        "folder.jpg": "not a file",
        "pipe.jpg": "not a file",
        "round.jpg": "Too many levels of symbolic links",
        "zero\0byte.jpg": "embedded null byte",
        "x" * 300 + ".jpg": "File name too long",
    }
    for name, problem in problems.items():
        assert str(ImageFile(tmp_path / name).problem()).startswith(problem), name


@pytest.mark.parametrize(("asked", "there"), [("Cat.JPG", "cat.jpg"), ("caf\u00e9.jpg", "cafe\u0301.jpg")])
def test_a_name_that_differs_as_people_do_not_see_is_missing_and_said(tmp_path: Path, asked: str, there: str) -> None:
    write(tmp_path / there)
    if (tmp_path / asked).exists():
        pytest.skip("this file system doesn't tell the two names apart")
    problem = ImageFile(tmp_path / asked).problem()
    assert problem == f"missing, though {there} is there, whose name differs in case or in accents"


def test_a_stamp_changes_with_the_file_and_follows_links(tmp_path: Path) -> None:
    path = write(tmp_path / "cat.png")
    before = ImageFile(path).stamp()
    (tmp_path / "link.png").symlink_to(path)
    assert before is not None
    assert ImageFile(tmp_path / "link.png").stamp() == before
    os.utime(path, ns=(0, before.mtime_ns + 1))
    assert ImageFile(path).stamp() == before._replace(mtime_ns=before.mtime_ns + 1)
    assert ImageFile(tmp_path / "none.png").stamp() is None
    assert ImageFile(tmp_path / "zero\0byte.png").stamp() is None


def test_a_link_that_leads_nowhere_is_told_as_one(tmp_path: Path) -> None:
    (tmp_path / "a.png").symlink_to("/nowhere/b.png")
    assert ImageFile(tmp_path / "a.png").problem() == "missing, a link to /nowhere/b.png"
