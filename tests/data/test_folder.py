from pathlib import Path

import pytest
from PIL import Image as PillowImage

from misfire.core.errors import UsageError
from misfire.data import CaptionedFolder


def write_folder(root: Path, rows: str = "b.png,a red star\na.png,a blue star\nb.png,one star\n") -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for name, colour in {"a.png": (0, 0, 255), "b.png": (255, 0, 0)}.items():
        PillowImage.new("RGB", (4, 3), colour).save(root / name)
    (root / "captions.csv").write_text("image,caption\n" + rows, encoding="utf-8")
    return root


def test_captions_find_their_images(tmp_path: Path) -> None:
    dataset = CaptionedFolder(str(write_folder(tmp_path / "mine")))
    assert dataset.name == "mine"
    assert [caption.text for caption in dataset.captions] == ["a red star", "a blue star", "one star"]
    colours = [dataset.images[target].source.load().getpixel((0, 0)) for target in dataset.targets]
    assert colours == [(255, 0, 0), (0, 0, 255), (255, 0, 0)]


def test_moving_the_folder_changes_no_fingerprint_and_a_pixel_does(tmp_path: Path) -> None:
    here = CaptionedFolder(str(write_folder(tmp_path / "here"))).fingerprint
    assert CaptionedFolder(str(write_folder(tmp_path / "there"))).fingerprint == here
    PillowImage.new("RGB", (4, 3), (0, 0, 254)).save(tmp_path / "there" / "a.png")
    assert CaptionedFolder(str(tmp_path / "there")).fingerprint != here


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ("c.png,a star\n", r"images must be there, got 1 \(c.png\); mend or drop them in the source"),
        ("../x.png,a star\n", r"images must lie in their folder, got 1 \(../x.png\)"),
        ("a.png, \n", r"captions must not be empty, got 1 \(id 0\)"),
        ("", "must have images, got none"),
    ],
)
def test_bad_rows_are_counted_and_named(tmp_path: Path, rows: str, sentence: str) -> None:
    root = write_folder(tmp_path, rows)
    with pytest.raises(UsageError, match=sentence):
        CaptionedFolder(str(root))


def test_a_missing_table_or_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"must hold captions\.csv or .* or captions\.parquet, found none"):
        CaptionedFolder(str(tmp_path))
    (tmp_path / "captions.csv").write_text("file,caption\n")
    with pytest.raises(UsageError, match=r"it lacks image; add them"):
        CaptionedFolder(str(tmp_path))
