"""Flickr's token files and Kaggle's tables of the same captions."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage

from misfire.core.errors import UsageError
from misfire.data.flickr import FlickrLine, FlickrTokens, read_lines

TOKENS = (
    "b.jpg#1\tA dog runs .\n"
    'b.jpg#0\tA "brown" dog, running # 1 .\r\n'
    "a.jpg#0\tA child in a pink dress .\n"
    "a.jpg#10\tTenth\n"
    "a.jpg#9\tNinth\n"
)
LINES = [
    FlickrLine("b.jpg", 1, "A dog runs ."),
    FlickrLine("b.jpg", 0, 'A "brown" dog, running # 1 .'),
    FlickrLine("a.jpg", 0, "A child in a pink dress ."),
    FlickrLine("a.jpg", 10, "Tenth"),
    FlickrLine("a.jpg", 9, "Ninth"),
]


def write(folder: Path, text: str, name: str = "Flickr8k.token.txt") -> Path:
    path = folder / name
    path.write_bytes(text.encode("utf-8"))
    return path


def write_pictures(folder: Path) -> Path:
    folder.mkdir()
    for name, colour in {"a.jpg": "red", "b.jpg": "blue"}.items():
        PillowImage.new("RGB", (4, 3), colour).save(folder / name, quality=100)
    return folder


def test_images_are_in_the_order_of_their_names_and_captions_of_their_numbers(tmp_path: Path) -> None:
    dataset = FlickrTokens(write(tmp_path, TOKENS), write_pictures(tmp_path / "pictures"))
    assert [one.name for one in dataset.images] == ["a.jpg", "b.jpg"]
    assert [one.text for one in dataset.captions] == [
        "A child in a pink dress .", "Ninth", "Tenth", 'A "brown" dog, running # 1 .', "A dog runs .",
    ]  # fmt: skip
    assert dataset.targets.tolist() == [0, 0, 0, 1, 1]
    red, _, blue = dataset.images[1].source.load().getpixel((0, 0))  # type: ignore[misc]
    assert red < 5 < 250 < blue


@pytest.mark.parametrize(
    "text",
    [
        TOKENS,
        "\ufeff" + TOKENS + "\n\n",
        "image_name| comment_number| comment\n"
        'b.jpg| 1| A dog runs .\nb.jpg| 0| A "brown" dog, running # 1 .\na.jpg| 0| A child in a pink dress .\n'
        "a.jpg| 10| Tenth\na.jpg| 9| Ninth\n",
        "image_name,comment_number,comment\r\n"
        'b.jpg,1,A dog runs .\r\nb.jpg,0,"A ""brown"" dog, running # 1 ."\r\na.jpg,0, A child in a pink dress .\r\n'
        "a.jpg,10,Tenth\r\na.jpg,9,Ninth\r\n",
    ],
    ids=["tokens", "mark and blank lines", "bars", "commas"],
)
def test_one_content_in_every_format(tmp_path: Path, text: str) -> None:
    assert read_lines(write(tmp_path, text)) == LINES


def test_a_table_without_numbers_counts_an_images_captions(tmp_path: Path) -> None:
    path = write(tmp_path, 'image,caption\nb.jpg,One\na.jpg,"Two, quoted"\nb.jpg,Three, and not quoted , at all\n')
    assert read_lines(path) == [
        FlickrLine("b.jpg", 0, "One"),
        FlickrLine("a.jpg", 0, "Two, quoted"),
        FlickrLine("b.jpg", 1, "Three, and not quoted , at all"),
    ]


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=12)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), CELLS), min_size=1, max_size=8))
def test_a_table_that_the_csv_module_wrote_is_read_as_it_reads_it(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([("image", "caption"), *rows])
    found = read_lines(write(tmp_path_factory.mktemp("flickr"), text.getvalue()))
    assert [(line.image, line.text) for line in found] == [(image, caption.strip()) for image, caption in rows]


TOKEN_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=12)


@settings(max_examples=50, deadline=None)
@given(st.lists(TOKEN_TEXT, min_size=1, max_size=8))
def test_a_token_file_gives_every_text_back(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    lines = [f"1_a.jpg#{number}\t{text}" for number, text in enumerate(texts)]
    path = write(tmp_path_factory.mktemp("flickr"), "\n".join(lines))
    assert [line.text for line in read_lines(path)] == texts


def test_the_row_of_flickr30k_without_its_last_bar_is_named(tmp_path: Path) -> None:
    rows = "image_name| comment_number| comment\nb.jpg| 0| A dog .\n2199200615.jpg| 4   A dog runs across the grass .\n"
    with pytest.raises(UsageError) as caught:
        FlickrTokens(write(tmp_path, rows, "results.csv"))
    assert str(caught.value) == (
        f"{tmp_path / 'results.csv'}: every line must hold an image, its number and a caption, got 1 (line 3: "
        "2199200615.jpg| 4   A dog runs across the grass .); add the separator that is missing, or drop those lines."
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("b.jpg#0\tA dog\nb.jpg#x\tB\nb.jpg 1 C\n", r"got 2 \(line 2: b.jpg#x\tB, line 3: b.jpg 1 C\)"),
        (f"b.jpg#0\tA dog\nb.jpg#{'9' * 5000}\tB\n", r"got 1 \(line 2: b.jpg#999"),
        ("image_name|comment_number|comment\nb.jpg|one|A dog\n|1|B\n", r"got 2 \(line 2: b.jpg\|one\|A dog, line 3"),
        ("image,caption\nb.jpg\n", r"got 1 \(line 2: b.jpg\)"),
        ("b.jpg#0\tA dog\nb.jpg#0\tA cat\n", r"must have different numbers, got 1 \(b.jpg#0\) more than once"),
        ("file,text\nb.jpg,A dog\n", r"or begin with image,caption or .*, it begins with 'file,text'; is it another"),
        ("", r"it begins with ''; is it another file"),
        ('image,caption\nb.jpg,"A" dog\n', r"must be a table in CSV, got line 2 \(.*\); mend its quotes"),
        ('image,caption\nb.jpg,"A dog\n', r"must be a table in CSV, got line 2"),
        ("b.jpg#0\t \n", r"captions must not be empty, got 1 \(id 0\)"),
    ],
)
def test_a_badly_made_file_is_refused_with_its_lines(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        FlickrTokens(write(tmp_path, text))


def test_a_list_selects_its_images_with_or_without_their_ending(tmp_path: Path) -> None:
    path = write(tmp_path, TOKENS)
    for text in ("b.jpg\n", "b\r\n\n"):
        dataset = FlickrTokens(path, split_list=write(tmp_path, text, "Flickr_8k.testImages.txt"))
        assert (dataset.name, [one.name for one in dataset.images]) == ("Flickr_8k.testImages", ["b.jpg"])
        assert len(dataset.captions) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("b.jpg\nc.jpg\nd\n", r"every image must be in the captions' file or the pictures' folder, got 2 \(c.jpg, d\)"),
        ("b.jpg\na.jpg\nb\n", r"every image must be named once, got 1 \(b.jpg\)"),
        ("\n", r"must name the images of a split, one a line, it is empty"),
    ],
)
def test_a_list_that_does_not_fit_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        FlickrTokens(write(tmp_path, TOKENS), split_list=write(tmp_path, text, "list.txt"))


def test_the_image_that_was_never_published_is_named_or_skipped(tmp_path: Path) -> None:
    path = write(tmp_path, TOKENS + "2258277193_586949ec62.jpg.1#0\tPeople wait .\n")
    pictures = write_pictures(tmp_path / "pictures")
    with pytest.raises(UsageError, match=r"images must be there, got 1 \(2258277193_586949ec62.jpg.1\)"):
        FlickrTokens(path, pictures)
    dataset = FlickrTokens(path, pictures, on_bad_image="skip")
    assert (len(dataset.images), len(dataset.captions)) == (2, 5)
    assert dataset.notes[0].startswith("1 of 3 images was skipped (2258277193_586949ec62.jpg.1: missing)")


def test_pictures_without_captions_stand_in_the_gallery(tmp_path: Path) -> None:
    pictures = write_pictures(tmp_path / "pictures")
    PillowImage.new("RGB", (4, 3), "lime").save(pictures / "c.jpg")
    path = write(tmp_path, TOKENS)
    assert [one.name for one in FlickrTokens(path, pictures).images] == ["a.jpg", "b.jpg", "c.jpg"]
    of_list = FlickrTokens(path, pictures, split_list=write(tmp_path, "b\nc.jpg\n", "list.txt"))
    assert [one.name for one in of_list.images] == ["b.jpg", "c.jpg"]
    assert of_list.targets.tolist() == [0, 0]


def test_a_table_that_names_a_column_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"must have different names, got 1 \(image\) more than once"):
        FlickrTokens(write(tmp_path, "image,image,caption\nb.jpg,c.jpg,A dog\n"))
