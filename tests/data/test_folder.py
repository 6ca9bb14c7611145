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
        (".csv", "image,caption\n", "must have images, got none"),
        (".csv", "", r"must have the columns image and caption, it lacks image, caption; add them\."),
        (
            ".csv",
            "file,caption\n",
            r"captions\.csv must have the columns image and caption, it lacks image; add them\.",
        ),
        (
            ".csv",
            'image,caption\na.png,"a star,\na moon"\na.png,a star, a moon\nb.png,x\nb.png,a,b,c\n',
            r"captions\.csv must have 2 fields in each line, got 2 \(line 4, line 6\) with more; put captions that",
        ),
        (".csv", "image,caption\na.png\nb.png,x\n", r"caption must be a text, got 1 \(line 2 has null\)"),
        (".csv", 'image,caption\na.png,"a star\nb.png,x\n', r"must be CSV, got line 3 \(unexpected end of data\)"),
        (".csv", "image,caption\n,a star\n", r"image must be a text that isn't empty, got 1 \(line 2 has \"\"\)"),
        (
            ".jsonl",
            '{"image": "a.png", "caption": "x"}\n{"image": \n[1]\n\n"a.png"\n',
            r"captions\.jsonl must have a JSON object in each line, got 3 \(line 2, line 3, line 5\) without; mend",
        ),
        (
            ".jsonl",
            '\n{"image": "a.png"}\n{"image": "a.png", "caption": null}\n{"image": "a.png", "caption": 3}\n',
            r"caption must be a text, got 3 \(line 2 has none, line 3 has null, line 4 has 3\); mend or drop",
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
    is_skipped = on_bad_image == "skip" and ("images must" in sentence or "not be empty" in sentence)
    with pytest.raises(UsageError, match="must have images, got none" if is_skipped else sentence):
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
    with pytest.raises(UsageError, match=r"caption must be a text, got 1 \(row 1 has null\)"):
        CaptionedFolder(tmp_path)


def test_a_table_is_found_unless_there_are_several(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        CaptionedFolder(tmp_path)
    assert str(caught.value) == (
        "a captioned folder must hold captions.csv or captions.tsv or captions.jsonl or captions.parquet, "
        f"found none in {tmp_path}; write one with image,caption."
    )
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
