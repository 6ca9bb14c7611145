"""Pictures stay in their folder, whatever a listing calls them."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.data import ImageFile
from misfire.data.picture_folder import AbsentImage, UnusableImage, picture_names, pictures, within


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a picture, beside a secret."""
    (tmp_path / "root" / "sub").mkdir(parents=True)
    (tmp_path / "root" / "cat.png").touch()
    (tmp_path / "root-too").mkdir()
    (tmp_path / "secret.png").touch()
    (tmp_path / "root" / "inside.png").symlink_to("cat.png")
    (tmp_path / "root" / "escape.png").symlink_to("../secret.png")
    (tmp_path / "root" / "away").symlink_to(tmp_path)
    (tmp_path / "root" / "round").symlink_to("round")
    return tmp_path / "root"


LINKS = ("escape.png", "away/secret.png")


def test_pictures_are_found_below_a_folder_each_place_once(tmp_path: Path) -> None:
    for name in ("b/2.JPG", "a.png", "b/c/22.05.tiff", "notes.txt", ".hidden.png", ".git/x.png", "png"):
        (tmp_path / "root" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "root" / name).touch()
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "3.webp").touch()
    (tmp_path / "root" / "far").symlink_to(tmp_path / "far")
    (tmp_path / "far" / "back").symlink_to(tmp_path / "root")  # a circle
    (tmp_path / "root" / "4.gif").symlink_to(tmp_path / "far" / "3.webp")
    assert picture_names(tmp_path / "root") == ["4.gif", "a.png", "b/2.JPG", "b/c/22.05.tiff"]
    followed = ["4.gif", "a.png", "b/2.JPG", "b/c/22.05.tiff", "far/3.webp"]
    assert picture_names(tmp_path / "root", follow_links=True) == followed


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_that_no_picture_keeps_is_refused(tmp_path: Path, limit: int) -> None:
    with pytest.raises(UsageError, match=rf"max_image_pixels must be >= 1 or null, got {limit}; leave it out for 178,"):
        pictures(tmp_path, published="", max_pixels=limit)


@pytest.mark.parametrize(
    "name", ["cat.png", "sub/../cat.png", "./cat.png", "inside.png", "none.png", "a..b.png", "..."]
)
def test_a_name_within_the_folder_is_a_file_of_it(root: Path, name: str) -> None:
    assert within(root, name)
    assert pictures(root, published="")(name) == ImageFile(root / name)


@pytest.mark.parametrize(
    "name",
    [
        "../secret.png",
        "sub/../../secret.png",
        "escape.png",
        "away/secret.png",
        "/etc/passwd",
        "../root-too/x",
        "..",
        "a\0b",
    ],
)
def test_a_name_that_leads_out_is_never_opened(root: Path, name: str) -> None:
    assert not within(root, name)
    picture = pictures(root, published="")(name)
    by_link = ", by a link (see dataset.follow_links)" if name in LINKS else ""
    assert picture == UnusableImage(name, f"outside the folder{by_link}")
    assert picture.problem() == f"outside the folder{by_link}"
    followed = pictures(root, published="", follow_links=True)(name)
    assert followed == (ImageFile(root / name) if name in LINKS else UnusableImage(name, "outside the folder"))
    for read in (UnusableImage.load, lambda image: image.content_sha256):
        with pytest.raises(UsageError, match=r"an image must be usable, got .*outside the folder"):
            read(picture)


def test_a_folder_that_is_reached_by_a_link_holds_its_pictures(root: Path) -> None:
    link = root.parent / "link"
    link.symlink_to(root)
    assert within(link, "cat.png")
    assert not within(link, "escape.png")
    assert str(ImageFile(root / "round").problem()) == "Too many levels of symbolic links"  # it leads to itself
    assert within(Path("/"), "etc")


@settings(deadline=None)
@given(st.lists(st.sampled_from(["..", ".", "a", "b"]), min_size=1, max_size=8))
def test_steps_up_are_counted(steps: list[str]) -> None:
    depths = [0]
    for step in steps:
        depths.append(depths[-1] + {"..": -1, ".": 0}.get(step, 1))
    is_inside = within(Path("/nowhere/misfire/root"), "/".join(steps))
    assert is_inside or depths[-1] < 0 or min(depths) < 0
    assert not (is_inside and depths[-1] < 0)


def test_without_a_folder_the_captions_stand_alone() -> None:
    absent = pictures(None, published="")("cat.png")
    assert absent == AbsentImage("cat.png")
    assert (absent.problem(), absent.stamp()) == (None, None)
    assert absent.content_sha256 == AbsentImage("cat.png").content_sha256 != AbsentImage("dog.png").content_sha256
    with pytest.raises(UsageError, match=r"but cat\.png was opened without its pictures; set dataset\.images=FOLDER\."):
        absent.load()


def test_a_missing_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        pictures(tmp_path / "none", published="they are in val2017.zip")
    assert str(caught.value) == (
        f"the pictures must lie in the folder {tmp_path}/none, found none; put them there (they are in val2017.zip)."
    )
