"""Shards: which members make a sample, their order, and the ways in which shards can be wrong."""

import io
import json
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage

from misfire.core.errors import UsageError
from misfire.data.webdataset import WebdatasetCaptions, find_shards, webdataset_listing


def picture(colour: str = "red", form: str = "png") -> bytes:
    data = io.BytesIO()
    PillowImage.new("RGB", (4, 3), colour).save(data, form, **({"lossless": True} if form == "webp" else {}))
    return data.getvalue()


def write(path: Path, members: dict[str, bytes | str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            data = content.encode() if isinstance(content, str) else content
            header = tarfile.TarInfo(name)
            header.size = len(data)
            tar.addfile(header, io.BytesIO(data))
    return path


def two_shards(folder: Path) -> Path:
    write(folder / "000001.tar", {"c.webp": picture("blue", "webp"), "c.json": '{"captions": ["a sea", "a sky"]}'})
    write(
        folder / "000000.tar",
        {
            "b.txt": "a leaf\r\nsome grass\n",
            "b.PNG": picture("lime"),
            "x/": b"",
            "a.jpeg": picture("red", "jpeg"),
            "a.json": '{"caption": "a rose", "url": "http://..."}',
            "b.cls": "3",
            "b.seg.png": b"a mask",
        },
    )
    return folder


def test_samples_are_in_the_order_of_shard_and_key(tmp_path: Path) -> None:
    dataset = WebdatasetCaptions(two_shards(tmp_path / "shards"))
    assert dataset.name == "shards"
    assert WebdatasetCaptions(tmp_path / "shards" / "{000000..000001}.tar").name == "shards"
    assert [(one.id, one.name) for one in dataset.images] == [(0, "a"), (1, "b"), (2, "c")]
    assert [one.text for one in dataset.captions] == ["a rose", "a leaf", "some grass", "a sea", "a sky"]
    assert dataset.targets.tolist() == [0, 1, 1, 2, 2]
    seen = [one.source.load().getpixel((0, 0)) for one in dataset.images]
    assert seen[1:] == [(0, 255, 0), (0, 0, 255)]
    assert seen[0][0] > 250  # type: ignore[index]


def test_packing_the_same_samples_otherwise_changes_no_fingerprint(tmp_path: Path) -> None:
    parts = {"a.png": picture("red"), "a.txt": "a rose", "b.txt": "a sea", "b.png": picture("blue")}
    one = WebdatasetCaptions(write(tmp_path / "one.tar", parts))
    other = WebdatasetCaptions(write(tmp_path / "other.tar", dict(reversed(parts.items()))), name="one")
    assert one.fingerprint == other.fingerprint
    changed = WebdatasetCaptions(write(tmp_path / "third.tar", {**parts, "a.txt": "a nose"}))
    assert changed.fingerprint != one.fingerprint


TEXTS = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1), min_size=1, max_size=4)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(TEXTS, st.booleans()), min_size=1, max_size=5))
def test_captions_come_back_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, told: list[tuple[list[str], bool]]
) -> None:
    members: dict[str, bytes | str] = {}
    for number, (texts, as_lines) in enumerate(told):
        members[f"{number}.png"] = b"never read"
        members[f"{number}.{'txt' if as_lines else 'json'}"] = (
            "\n".join(texts) if as_lines else json.dumps({"caption": texts})
        )
    shard = write(tmp_path_factory.mktemp("shards") / "0.tar", members)
    listing = webdataset_listing([shard], name="any")
    expected = [
        (number, text.removeprefix("\ufeff") if as_lines and index == 0 else text)
        for number, (texts, as_lines) in enumerate(told)
        for index, text in enumerate(texts)
    ]
    assert [(one.image_id, one.text) for one in listing.captions] == expected


def test_lines_go_before_a_json_that_describes_the_download(tmp_path: Path) -> None:
    for order in (("a.txt", "a.json"), ("a.json", "a.txt")):
        texts = {"a.txt": "a cat", "a.json": "not even JSON"}
        shard = write(tmp_path / "0.tar", {"a.png": picture(), **{name: texts[name] for name in order}})
        assert [one.text for one in WebdatasetCaptions(shard).captions] == ["a cat"]


def test_shards_are_named_by_file_folder_glob_or_range(tmp_path: Path) -> None:
    for name in ("a08.tar", "a09.tar", "a10.tar", "b.tar", "a.txt", "100.tar"):
        (tmp_path / name).touch()

    def names(shards: str) -> list[str]:
        return [path.name for path in find_shards(str(tmp_path / shards))]

    assert names("b.tar") == ["b.tar"]
    assert names("") == ["100.tar", "a08.tar", "a09.tar", "a10.tar", "b.tar"]
    assert names("a*.tar") == ["a08.tar", "a09.tar", "a10.tar"]
    assert names("a{08..10}.tar") == ["a08.tar", "a09.tar", "a10.tar"]
    assert names("{100..100}.tar") == ["100.tar"]
    assert names("a{0..0}{8..9}.tar") == ["a08.tar", "a09.tar"]


@pytest.mark.parametrize(
    ("shards", "message"),
    [
        ("a{07..11}.tar", r"must be there, missing are 5 \(a07.tar, a08.tar, .*\); fetch them or mend it"),
        ("a{3..1}.tar", r"a range of shards must go up from its first number, got .*a\{3..1\}.tar; mend it"),
        ("a{0..999999999}.tar", r"a range of shards must go up"),
        ("*.tar", r"shards must name tar files, got .*\*.tar, where there is none"),
        ("none.tar", r"shards must name tar files, got .*none.tar, where there is none"),
        ("", r"shards must name tar files"),
    ],
)
def test_shards_that_are_not_there_are_told(tmp_path: Path, shards: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        find_shards(str(tmp_path / shards))


GOOD = {"a.png": picture(), "a.txt": "a cat"}


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"b.txt": "a dog"}, r"dataset 0: images must be there, got 1 \(b\)"),
        ({"b.png": picture()}, r"dataset 0: images must have a caption, got 1 \(b\)"),
        ({"b.png": picture(), "b.cls": "3"}, r"images must have a caption, got 1 \(b\)"),
        ({"b.png": picture(), "b.txt": ""}, r"captions must not be empty, got 1 \(id 1\)"),
        ({"b.png": picture(), "b.txt": "a dog\n\nx"}, r"captions must not be empty, got 1 \(id 2\)"),
        ({"b.png": picture()[:50], "b.txt": "a dog"}, r"images must decode whole, got 1 \(b: "),
        (
            {"../b.png": picture(), "../b.txt": "a dog"},
            r"got 1 \(../b.txt \(outside the folder\)\); write the shard again",
        ),
        ({"../b.png": picture(), "../b.json": "{}"}, r"got 1 \(../b.json \(outside the folder\)\)"),
        (
            {"b.png": picture(), "b.jpg": picture(), "b.txt": "a"},
            r"captions that can be read, got 1 \(b.jpg \(a second p",
        ),
        ({"b.png": picture(), "b.txt": "a", "b.TXT": "b"}, r"got 1 \(b.TXT \(a second one\)\)"),
        ({"b.png": picture(), "b.txt": b"\xff\xfe"}, r"got 1 \(b.txt \(not UTF-8\)\)"),
        ({"b.png": picture(), "b.json": "{"}, r"got 1 \(b.json \(Expecting property name"),
        ({"b.png": picture(), "b.json": "[" * 100_000}, r"got 1 \(b.json \(maximum recursion depth"),
        ({"b.png": picture(), "b.json": "[]"}, r"got 1 \(b.json \(not a JSON object\)\)"),
        ({"b.png": picture(), "b.json": '{"text": "a"}'}, r"got 1 \(b.json \(no caption or captions\)\)"),
        ({"b.png": picture(), "b.json": '{"caption": [1]}'}, r"got 1 \(b.json \(no caption or captions\)\)"),
        ({"b.png": picture(), "b.json": '{"caption": "\\ud800"}'}, r"got 1 \(b.json \('utf-8' codec can't encode"),
    ],
)
def test_bad_members_are_counted_and_named(tmp_path: Path, members: dict[str, bytes | str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        WebdatasetCaptions(write(tmp_path / "0.tar", {**GOOD, **members}))


def test_bad_pictures_can_be_skipped(tmp_path: Path) -> None:
    bad = {"b.txt": "x", "c.png": picture(), "d.png": picture()[:50], "d.txt": "x", "../e.png": picture()}
    dataset = WebdatasetCaptions(write(tmp_path / "0.tar", {**GOOD, **bad}), on_bad_image="skip")
    assert [one.name for one in dataset.images] == ["a"]
    assert [one.text for one in dataset.captions] == ["a cat"]
    assert dataset.notes[0].startswith("4 of 5 images were skipped")


def test_a_key_in_two_shards_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "0.tar", GOOD)
    write(tmp_path / "1.tar", {**GOOD, "b.png": picture(), "b.txt": "x"})
    for policy in ("refuse", "skip"):
        with pytest.raises(UsageError, match=r"a key must stand in one shard, got 2 \(a in 0.tar, a in 1.tar\); write"):
            WebdatasetCaptions(tmp_path, on_bad_image=policy)


def test_a_truncated_or_packed_shard_is_refused_whatever_the_policy(tmp_path: Path) -> None:
    shard = write(tmp_path / "0.tar", GOOD)
    shard.write_bytes(shard.read_bytes()[:700])
    with pytest.raises(UsageError, match=r"must be a whole tar, got .*0.tar \(.*\); it is truncated or damaged"):
        WebdatasetCaptions(shard, on_bad_image="skip")


def test_a_link_is_no_picture(tmp_path: Path) -> None:
    shard = write(tmp_path / "0.tar", {**GOOD, "b.txt": "a list of passwords"})
    with tarfile.open(shard, "a") as tar:
        header = tarfile.TarInfo("b.png")
        header.type, header.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(header)
    with pytest.raises(UsageError, match=r"images must decode whole, got 1 \(b: not a regular file\)"):
        WebdatasetCaptions(shard)
