"""A folder of one's own in every format of its table, well and badly made."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image as PillowImage

from misfire.core.errors import UsageError
from misfire.data import CaptionedFolder

PAIRS = [("b.png", "a red star"), ("a.png", 'a "blue" star, \u00e9\u2028'), ("b.png", "one\nstar")]


def write_folder(root: Path) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for name, colour in {"a.png": (0, 0, 255), "b.png": (255, 0, 0)}.items():
        PillowImage.new("RGB", (4, 3), colour).save(root / name)
    return root


def write_separated(path: Path, separator: str) -> None:
    quoted = [f'"{image}"{separator}"{text.replace(chr(34), chr(34) * 2)}"' for image, text in PAIRS]
    path.write_text("\n".join([f"image{separator}caption", *quoted]) + "\n", encoding="utf-8-sig")


def write_json_lines(path: Path) -> None:
    lines = [json.dumps({"caption": text, "image": image, "more": 1}, ensure_ascii=False) for image, text in PAIRS]
    path.write_text("\n\n".join(lines), encoding="utf-8")


def write_parquet(path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    images, texts = zip(*PAIRS, strict=True)
    parquet.write_table(pa.table({"more": [1, 2, 3], "caption": texts, "image": images}), path)


WRITERS: dict[str, Callable[[Path], None]] = {
    ".csv": lambda path: write_separated(path, ","),
    ".tsv": lambda path: write_separated(path, "\t"),
    ".jsonl": write_json_lines,
    ".parquet": write_parquet,
}


@pytest.mark.parametrize("ending", WRITERS)
def test_captions_find_their_images_in_every_format(tmp_path: Path, ending: str) -> None:
    root = write_folder(tmp_path / "mine")
    WRITERS[ending](root / f"captions{ending}")
    dataset = CaptionedFolder(root)
    assert dataset.name == "mine"
    assert [caption.text for caption in dataset.captions] == [text for _, text in PAIRS]
    colours = [dataset.images[target].source.load().getpixel((0, 0)) for target in dataset.targets]
    assert colours == [(255, 0, 0), (0, 0, 255), (255, 0, 0)]
    assert [image.name for image in dataset.images] == ["a.png", "b.png"]


def test_the_format_is_no_part_of_the_fingerprint_and_neither_is_the_place(tmp_path: Path) -> None:
    fingerprints = set()
    for ending, write in WRITERS.items():
        root = write_folder(tmp_path / ending)
        write(root / f"texts{ending}")
        fingerprints.add(CaptionedFolder(root, f"texts{ending}", name="mine").fingerprint)
    assert len(fingerprints) == 1
    PillowImage.new("RGB", (4, 3), (0, 0, 254)).save(root / "a.png")
    assert CaptionedFolder(root, f"texts{ending}").fingerprint not in fingerprints


@pytest.mark.parametrize(
    ("ending", "text", "sentence"),
    [
        (".csv", "image,caption\nc.png,a star\n", r"images must be there, got 1 \(c.png\); mend or drop them"),
        (".csv", "image,caption\n../x.png,a star\n", r"images must lie in their folder, got 1 \(../x.png\)"),
        (".csv", "image,caption\na.png, \n", r"captions must not be empty, got 1 \(id 0\)"),
        (".csv", "", r"must have the columns image and caption, it lacks image, caption; add them, or name yours"),
        (
            ".csv",
            "file,caption\n",
            r"captions\.csv must have the columns image and caption, it lacks image; add them, or name",
        ),
        (
            ".csv",
            'image,caption\na.png,"a star,\na moon"\na.png,a star, a moon\nb.png,x\nb.png,a,b,c\n',
            r"captions\.csv must have 2 fields in each line, got 2 \(line 4, line 6\) with more; put captions that",
        ),
        (".csv", "image,caption\na.png\nb.png,x\n", r"must have 2 fields in each line, got 1 \(line 2\) with fewer"),
        (".csv", "image,caption,caption\na.png,x,y\n", r"must have different names, got 1 \(caption\) more than once"),
        (".csv", 'image,caption\na.png,"a star\nb.png,x\n', r"must be CSV, got line 3 \(unexpected end of data\)"),
        (".csv", "image,caption\n,a star\n", r"image must be a text that isn't empty, got 1 \(line 2 has \"\"\)"),
        (
            ".jsonl",
            '{"image": "a.png", "caption": "x"}\n{"image": \n[1]\n\n"a.png"\n',
            r"captions\.jsonl must have a JSON object in each line, got 3 \(line 2, line 3, line 5\) without; mend",
        ),
        (
            ".jsonl",
            '\n{"image": "a.png"}\n{"image": "a.png", "caption": [3]}\n{"image": "a.png", "caption": 3}\n',
            r"caption must be a text, got 2 \(line 3 has \[3\], line 4 has 3\); mend or drop",
        ),
        (
            ".jsonl",
            '{"caption": "x", "image": null}',
            r"image must be a text that isn't empty, got 1 \(line 1 has null\)",
        ),
        (".parquet", "no table", r"captions\.parquet must be Parquet, got something else \(.*\); write it again\."),
    ],
)
@pytest.mark.parametrize("on_bad_image", ["refuse", "skip"])
def test_bad_tables_are_counted_and_named(
    tmp_path: Path, ending: str, text: str, sentence: str, on_bad_image: str
) -> None:
    (write_folder(tmp_path) / f"captions{ending}").write_text(text, encoding="utf-8")
    if on_bad_image == "skip" and ("images must" in sentence or "not be empty" in sentence):
        kept = CaptionedFolder(tmp_path, on_bad_image=on_bad_image)
        assert ([image.name for image in kept.images], kept.captions) == (["a.png", "b.png"], ())
        assert "1 " in kept.notes[0]
        return
    with pytest.raises(UsageError, match=sentence):
        CaptionedFolder(tmp_path, on_bad_image=on_bad_image)


def test_parquet_with_missing_columns_and_values(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table({"image": ["a.png"]}), write_folder(tmp_path) / "captions.parquet")
    with pytest.raises(UsageError, match=r"it lacks caption; add them"):
        CaptionedFolder(tmp_path)
    table = pa.table({"image": ["a.png", "b.png", None], "caption": ["a star", None, "x"]})
    parquet.write_table(table, tmp_path / "captions.parquet")
    with pytest.raises(UsageError, match=r"image must be a text that isn't empty, got 1 \(row 2 has null\)"):
        CaptionedFolder(tmp_path)
    parquet.write_table(table.slice(0, 2), tmp_path / "captions.parquet")
    with pytest.raises(UsageError, match=r"captions must be texts, got 1 \(captions\.parquet row 1: null\)"):
        CaptionedFolder(tmp_path)


def test_a_table_is_found_unless_there_are_several(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"must have images, got none"):
        CaptionedFolder(tmp_path)
    root = write_folder(tmp_path)
    for ending in (".csv", ".jsonl"):
        WRITERS[ending](root / f"captions{ending}")
    with pytest.raises(UsageError) as caught:
        CaptionedFolder(root)
    assert str(caught.value) == (
        f"a captioned folder must hold one table, got 2 (captions.csv, captions.jsonl) in {root}; "
        "say which with dataset.captions=NAME."
    )
    assert CaptionedFolder(root, "captions.csv") == CaptionedFolder(root, "captions.jsonl")
    with pytest.raises(UsageError, match=r"must hold mine\.csv, found none in"):
        CaptionedFolder(root, "mine.csv")
    with pytest.raises(UsageError, match=r"must end in \.csv, \.tsv, \.jsonl, \.parquet, got .*a\.png; write one"):
        CaptionedFolder(root, "a.png")


def test_a_table_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (write_folder(tmp_path) / "captions.csv").write_bytes(b"image,caption\na.png,caf\xe9\n")
    with pytest.raises(UsageError, match=r"table must be UTF-8, got .*captions\.csv \(byte 23 isn't\)"):
        CaptionedFolder(tmp_path)


INPUTS = Path(__file__).parents[2] / "../shared/inputs"


def shared(name: str) -> Path:
    if not (INPUTS / name).exists():
        pytest.skip(f"needs {name} beside the repository, in ../shared/inputs")
    return INPUTS / name


def test_pictures_that_the_table_does_not_name_stand_in_the_gallery(tmp_path: Path) -> None:
    root = write_folder(tmp_path)
    for number in range(5):
        (root / "more").mkdir(exist_ok=True)
        PillowImage.new("RGB", (4, 3), (number, 255, 0)).save(root / "more" / f"{number}.png")
    (root / "captions.csv").write_text("image,caption\nb.png,a red star\n", encoding="utf-8")
    dataset = CaptionedFolder(root)
    more = [f"more/{number}.png" for number in range(5)]
    assert [image.name for image in dataset.images] == ["a.png", "b.png", *more]
    assert dataset.targets.tolist() == [1]
    assert dataset.notes == (
        "6 of 7 images have no caption and stand in the gallery (dataset.gallery=captioned leaves them out).",
    )
    described = CaptionedFolder(root, gallery="captioned")
    assert [image.name for image in described.images] == ["b.png"]
    assert described.notes[0].startswith("6 of 7 images were skipped (a.png: without a caption, more/0.png: without")
    assert described.policy["gallery"] == "captioned"
    assert "gallery" not in dataset.policy
    with pytest.raises(UsageError, match=r"gallery must be one of all, captioned, got 'some'; choose one"):
        CaptionedFolder(root, gallery="some")


def test_a_folder_without_a_table_is_a_set_of_images(tmp_path: Path) -> None:
    silent = CaptionedFolder(write_folder(tmp_path))
    assert ([image.name for image in silent.images], silent.captions, silent.notes) == (["a.png", "b.png"], (), ())
    WRITERS[".csv"](tmp_path / "captions.csv")
    assert CaptionedFolder(tmp_path).image_set.fingerprint == silent.image_set.fingerprint
    with pytest.raises(UsageError, match="retrieval must have captions as queries"):
        _ = silent.targets


def test_one_picture_under_several_names_is_one_image_and_it_is_said(tmp_path: Path) -> None:
    root = write_folder(tmp_path)
    PillowImage.new("RGB", (4, 3), (255, 0, 1)).save(root / "twin.png")  # a near twin is another picture
    (root / "copy.png").write_bytes((root / "b.png").read_bytes())
    rows = "b.png,first\n./b.png,second\na.png,third\ncopy.png,fourth\n"
    (root / "captions.csv").write_text(f"image,caption\n{rows}", encoding="utf-8")
    dataset = CaptionedFolder(root)
    assert [image.name for image in dataset.images] == ["./b.png", "a.png", "twin.png"]
    assert dataset.targets.tolist() == [0, 0, 1, 0]
    assert dataset.notes[0] == (
        "2 of 5 listed images are the same picture as an earlier one and count once, with all captions "
        "(b.png: the same as ./b.png, copy.png: the same as ./b.png)."
    )
    assert len(CaptionedFolder(root, caption_policy="first_5").captions) == 4


@pytest.mark.parametrize(
    ("separator", "told"), [(";", None), ("\t", None), ("|", None), ("~", "~"), (";", "semicolon"), ("\t", "tab")]
)
def test_columns_have_names_and_separators_of_their_own(tmp_path: Path, separator: str, told: str | None) -> None:
    root = write_folder(tmp_path)
    lines = [separator.join(cells) for cells in (("id", "Bild", "Text"), ("0", "b.png", "ein Stern, rot"))]
    (root / "captions.csv").write_text("\n".join(lines), encoding="utf-8")
    dataset = CaptionedFolder(root, image_column="Bild", caption_column="Text", separator=told)
    assert [(dataset.images[1].name, one.text) for one in dataset.captions] == [("b.png", "ein Stern, rot")]
    with pytest.raises(UsageError, match=r"must have the columns image and caption, .* name yours with dataset\.ima"):
        CaptionedFolder(root, separator=told)


def test_columns_that_cannot_be_told_apart_are_refused(tmp_path: Path) -> None:
    root = write_folder(tmp_path)
    WRITERS[".csv"](root / "captions.csv")
    with pytest.raises(UsageError, match="image_column and caption_column must differ, got 'image' for both"):
        CaptionedFolder(root, caption_column="image")
    with pytest.raises(UsageError, match="separator must be one mark or comma, semicolon, tab, bar, got 'double'"):
        CaptionedFolder(root, separator="double")


def test_links_out_of_the_folder_are_followed_when_asked_for(tmp_path: Path) -> None:
    far = write_folder(tmp_path / "store")
    root = tmp_path / "linked"
    root.mkdir()
    (root / "b.png").symlink_to(far / "b.png")
    (root / "captions.csv").write_text("image,caption\nb.png,a red star\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"must lie in their folder, got 1 \(b\.png: outside the folder, by a link \("):
        CaptionedFolder(root)
    linked = CaptionedFolder(root, follow_links=True)
    assert linked.images[0].source.load().getpixel((0, 0)) == (255, 0, 0)
    (root / "captions.csv").write_text("image,caption\n../store/b.png,a red star\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"must lie in their folder, got 1 \(\.\./store/b\.png\)"):
        CaptionedFolder(root, follow_links=True)


def test_scans_of_many_pixels_are_read_when_the_limit_allows(tmp_path: Path) -> None:
    root = write_folder(tmp_path)
    WRITERS[".csv"](root / "captions.csv")
    with pytest.raises(UsageError, match=r"must decode whole, got 2 \(a\.png: 4 x 3 pixels exceed the limit of 11"):
        CaptionedFolder(root, max_image_pixels=11)
    for limit in (12, None):
        assert CaptionedFolder(root, max_image_pixels=limit).images[0].source.load().size == (4, 3)


def test_the_small_inputs_on_which_numbers_were_wrong() -> None:
    assert len(CaptionedFolder(shared("uncaptioned")).images) == 6
    with pytest.raises(UsageError, match=r"must have different names, got 1 \(caption\) more than once in .*\.csv"):
        CaptionedFolder(shared("twice"))
