"""What the readers of all formats refuse, and how pairs become a listing."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.data import Listing
from misfire.data.listing import (
    NAME,
    TEXT,
    WHOLE_NUMBER,
    Kind,
    read_column,
    read_json,
    read_json_lines,
    read_rows,
    read_text,
)
from misfire.data.picture_folder import AbsentImage

FILE = Path("captions.json")


def test_a_missing_file_says_what_to_put_where(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read_json(tmp_path / "captions.json", "the captions", published="they are in captions.zip")
    assert str(caught.value) == (
        f"the captions must lie at {tmp_path}/captions.json, found none; "
        "put captions.json there (they are in captions.zip)."
    )
    with pytest.raises(UsageError, match="found none"):
        read_text(tmp_path, "the captions", published="they are in captions.zip")


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b'{"a": "caf\xe9"}', r"the captions must be UTF-8, got .*c\.json \(byte 10 isn't\)"),
        (b'{"a": 1', r"the captions must be JSON, got .*c\.json \(Expecting .*\); restore it \(from a\.zip\)\."),
        (b"", r"must be JSON"),
        (b"[" * 100_000, r"must be JSON"),
        (b"1" * 5000, r"must be JSON"),
    ],
    ids=["latin", "cut off", "empty", "deep", "long"],
)
def test_a_damaged_file_is_one_sentence(tmp_path: Path, data: bytes, sentence: str) -> None:
    (tmp_path / "c.json").write_bytes(data)
    with pytest.raises(UsageError, match=sentence):
        read_json(tmp_path / "c.json", "the captions", published="from a.zip")


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert read_json(tmp_path / "c.json", "the captions", published="") == {"a": 1}


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ([], "captions.json must hold a JSON object with images, got a list; is it another file?"),
        (None, "captions.json must hold a JSON object with images, got null; is it another file?"),
        ({"a": 1, "b": 2}, "captions.json must hold a JSON object with images, it holds 2 (a, b); is it another file?"),
        ({"images": {}}, "captions.json: images must be a list of objects, got an object; restore the file."),
        (
            {"images": [{}, 3, {}, "x"]},
            "captions.json: images must be a list of objects, got 2 (images[1] is a number, images[3] is a text); "
            "mend or drop them.",
        ),
    ],
)
def test_rows_that_are_none_are_refused(document: Any, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_rows(FILE, document, "images")
    assert str(caught.value) == sentence


def column(values: list[Any], kind: Kind) -> list[Any]:
    return read_column(FILE, [{"x": value} for value in values], "x", kind, call="rows[{}]".format)


@pytest.mark.parametrize(
    ("kind", "given_value", "read"),
    [
        (WHOLE_NUMBER, 17, 17),
        (WHOLE_NUMBER, 17.0, 17),
        (WHOLE_NUMBER, "000391895", 391895),
        (WHOLE_NUMBER, -3, -3),
        (TEXT, "", ""),
        (TEXT, "a \U0001f431", "a \U0001f431"),
        (NAME, "a.jpg", "a.jpg"),
    ],
)
def test_a_field_of_its_kind_is_read(kind: Kind, given_value: Any, read: Any) -> None:
    assert column([given_value], kind) == [read]


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        *((WHOLE_NUMBER, wrong) for wrong in (True, None, 1.5, "x", "", "1.0", " 1", "\u0661", 2**63, 1e30, [1], {})),
        (WHOLE_NUMBER, float("nan")),
        (WHOLE_NUMBER, float("inf")),
        *((TEXT, wrong) for wrong in (None, 3, ["a cat"], {"raw": "a cat"}, "\ud83d")),
        *((NAME, wrong) for wrong in (None, "", " ", 3)),
    ],
)
def test_a_field_of_another_kind_is_refused(kind: Kind, wrong: Any) -> None:
    with pytest.raises(UsageError, match=rf"captions\.json: x must be {kind.words}, got 1 \(rows\[0\] has "):
        column([wrong], kind)


def test_wrong_and_missing_fields_are_counted_and_named() -> None:
    rows: list[dict[str, Any]] = [
        {"id": 1},
        {},
        {"id": None},
        {"id": "x" * 100},
        {"id": [1]},
        {"id": False},
        {"id": 0.5},
    ]
    with pytest.raises(UsageError) as caught:
        read_column(FILE, rows, "id", WHOLE_NUMBER, call="line {}".format)
    assert str(caught.value) == (
        "captions.json: id must be a whole number, got 6 (line 1 has none, line 2 has null, "
        f'line 3 has "{"x" * 36}..., line 4 has [1], line 5 has false, ...); mend or drop those rows.'
    )


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["b", "a", "c/d", "B"]), st.text(max_size=3)), max_size=12), st.randoms())
def test_pairs_are_numbered_by_name_and_by_row(pairs: list[tuple[str, str]], random: Any) -> None:
    listing = Listing.of_pairs("pets", pairs, AbsentImage)
    names = {image.id: image.name for image in listing.images}
    assert list(names.values()) == sorted({name for name, _ in pairs})
    assert list(names) == list(range(len(names)))
    assert [(names[caption.image_id], caption.text) for caption in listing.captions] == pairs
    assert [caption.id for caption in listing.captions] == list(range(len(pairs)))
    shuffled = random.sample(pairs, len(pairs))
    assert Listing.of_pairs("pets", shuffled, AbsentImage).images == listing.images


def test_a_key_that_stands_twice_is_refused_wherever_json_is_read(tmp_path: Path) -> None:
    path = tmp_path / "captions.jsonl"
    path.write_text('{"image": "a.png", "caption": "x"}\n{"image": "b.png", "caption": "y", "caption": "z"}\n')
    with pytest.raises(UsageError) as caught:
        read_json_lines(path, "the captions", published="here")
    assert str(caught.value) == (
        f"{path} must have a key once in each object, got the key 'caption' twice in line 2; mend it."
    )
    path.write_text('{"images": [], "images": []}')
    with pytest.raises(UsageError, match=r"the captions must be JSON, got .* \(the key 'images' twice\); restore it"):
        read_json(path, "the captions", published="here")
