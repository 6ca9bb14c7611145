"""Shards: which members make a sample, their order, and the ways in which shards can be wrong."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage

from misfire.core.errors import UsageError
from misfire.data import Skipped
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
        (
            {"b.png": picture(), "b.json": '{"caption": "a", "caption": "b"}'},
            r"got 1 \(b.json \(the key 'caption' twice",
        ),
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
    bad = {"b.txt": "x", "c.png": picture("blue"), "d.png": picture()[:50], "d.txt": "x", "../e.png": picture()}
    dataset = WebdatasetCaptions(write(tmp_path / "0.tar", {**GOOD, **bad}), on_bad_image="skip")
    assert [one.name for one in dataset.images] == ["a", "c"]
    assert [one.text for one in dataset.captions] == ["a cat"]
    assert dataset.notes[0].startswith("3 of 5 images were skipped")
    assert dataset.notes[1].startswith("1 of 2 images has no caption and stands in the gallery")


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


def keys(dataset: WebdatasetCaptions) -> list[tuple[str, list[str]]]:
    """Each image with its captions."""
    return [
        (image.name, [one.text for one in dataset.captions if one.image_id == image.id]) for image in dataset.images
    ]


def colours(number: int) -> list[bytes]:
    return [picture((value, 0, 0)) for value in range(number)]  # type: ignore[arg-type]


def test_a_key_may_hold_dots(tmp_path: Path) -> None:
    one, two, three = colours(3)
    members = {
        "22.05.png": one, "22.05.txt": "five", "22.06.png": two, "22.06.json": '{"caption": "six"}',
        "a.b/c.d.txt": "d", "a.b/c.d.png": three,
    }  # fmt: skip
    dataset = WebdatasetCaptions(write(tmp_path / "0.tar", members))
    assert keys(dataset) == [("22.05", ["five"]), ("22.06", ["six"]), ("a.b/c.d", ["d"])]
    assert dataset.notes == ()


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"k.input.jpg": 0, "k.txt": "x", "l.input.jpg": 1, "l.txt": "y"}, [("k", ["x"]), ("l", ["y"])]),
        ({"k.jpg": 0, "k.jpg.txt": "x", "22.05.jpg": 1, "22.05.jpg.json": '{"caption": "y"}'},
         [("22.05", ["y"]), ("k", ["x"])]),
        ({"2.5.a.jpg": 0, "2.5.txt": "x", "2.6.a.jpg": 1, "2.6.txt": "y"}, [("2.5", ["x"]), ("2.6", ["y"])]),
        ({"f.1/k.jpg": 0, "f.1/k.caption.txt": "x", "f.2/k.jpg": 1}, [("f.1/k", ["x"]), ("f.2/k", [])]),
    ],
)  # fmt: skip
def test_a_key_that_ends_at_its_first_dot_is_joined_and_it_is_said(
    tmp_path: Path, members: dict[str, int | str], expected: list[tuple[str, list[str]]]
) -> None:
    content = {name: colours(2)[told] if isinstance(told, int) else told for name, told in members.items()}
    dataset = WebdatasetCaptions(write(tmp_path / "0.tar", content))
    assert keys(dataset) == expected
    assert "joined with a picture of another name" in dataset.notes[-1]


@pytest.mark.parametrize(
    "members",
    [
        ["k.input.jpg", "k.edited.jpg", "k.txt"],
        ["k.jpg", "k.a.txt", "k.b.txt"],
        ["k.input.jpg", "k.caption.txt"],
        ["2020.01.01.jpg", "2020.01.02.txt"],
    ],
)
@pytest.mark.parametrize("on_bad_image", ["refuse", "skip"])
def test_a_text_that_may_belong_to_several_pictures_is_refused(
    tmp_path: Path, members: list[str], on_bad_image: str
) -> None:
    pictures = iter(colours(3))
    content = {name: next(pictures) if name.endswith("jpg") else "x" for name in members}
    with pytest.raises(UsageError, match=r"\(which may belong to .*say with dataset\.picture and dataset\.text how"):
        WebdatasetCaptions(write(tmp_path / "0.tar", content), on_bad_image=on_bad_image)


def test_how_names_end_can_be_said(tmp_path: Path) -> None:
    one, two = colours(2)
    members = {"k.input.jpg": one, "k.edited.jpg": two, "k.caption.txt": "x", "k.txt": "y"}
    shard = write(tmp_path / "0.tar", members)
    dataset = WebdatasetCaptions(shard, picture="edited.jpg", text=".caption.txt")
    assert keys(dataset) == [("k", ["x"])]
    assert dataset.images[0].source.content_sha256 == hashlib.sha256(two).hexdigest()
    assert dataset.skipped_images == (Skipped("k.input.jpg", "beside another, whose ending dataset.picture names"),)
    assert dataset.skipped_captions == (Skipped("k.txt", "beside another, whose ending dataset.text names"),)


def test_a_picture_that_nothing_here_can_read_is_told(tmp_path: Path) -> None:
    members = {"a.heic": b"x", "b.png": picture(), "b.txt": "x"}
    with pytest.raises(UsageError, match="a: not an image, or cut off"):
        WebdatasetCaptions(write(tmp_path / "0.tar", members))
    dataset = WebdatasetCaptions(tmp_path / "0.tar", on_bad_image="skip")
    assert [one.name for one in dataset.skipped_images] == ["a"]


def test_what_stands_beside_a_sample_is_left_out_by_name(tmp_path: Path) -> None:
    one, two = colours(2)
    members = {"b.png": one, "b.txt": "x", "b.seg.png": two, "b.alt.txt": "y", "b.cls": "3"}
    dataset = WebdatasetCaptions(write(tmp_path / "0.tar", members))
    assert keys(dataset) == [("b", ["x"])]
    assert dataset.skipped_images == (Skipped("b.seg.png", "beside another picture of b"),)
    assert dataset.skipped_captions == (Skipped("b.alt.txt", "beside another text of b"),)
    assert dataset.skipped_images[0].kind == "beside another"


names = st.lists(st.sampled_from(["a", "b", "1", "05"]), min_size=1, max_size=3).map(".".join)
files = st.sets(st.tuples(names, st.sampled_from([".png", ".txt", ".seg.png", ".cls"])).map("".join), max_size=7)


@settings(max_examples=150, deadline=None)
@given(files)
def test_every_picture_and_text_is_in_the_dataset_or_named(
    tmp_path_factory: pytest.TempPathFactory, members: set[str]
) -> None:
    content = {name: name for name in sorted(members)}
    shard = write(tmp_path_factory.getbasetemp() / "any.tar", content)  # type: ignore[arg-type]
    try:
        listing = webdataset_listing([shard], name="any")
    except UsageError:  # no order of names decides what a test above refuses
        return
    named = {one.name for one in (*listing.other_images, *listing.other_texts)}
    named |= {image.source.name for image in listing.images}  # type: ignore[attr-defined]
    named |= {one.text for one in listing.captions}  # each text says what its file is called
    assert {name for name in members if not name.endswith(".cls")} <= named
    together = {key for key in members if key.endswith(".txt") and key[:-4] + ".png" in members}
    joined = {(listing.images[one.image_id].source.name, one.text) for one in listing.captions}  # type: ignore[attr-defined]
    assert {(key[:-4] + ".png", key) for key in together} <= joined


def test_a_null_caption_is_refused_or_skipped_and_named(tmp_path: Path) -> None:
    one, two, three = colours(3)
    members = {
        "a.png": one, "a.json": '{"caption": "x"}', "b.png": two, "b.json": '{"caption": null}',
        "c.png": three, "c.json": '{"captions": ["y", null]}',
    }  # fmt: skip
    shard = write(tmp_path / "0.tar", members)
    with pytest.raises(UsageError, match=r"captions must be texts, got 2 \(b\.json: null, c\.json: null\)"):
        WebdatasetCaptions(shard)
    dataset = WebdatasetCaptions(shard, on_bad_image="skip")
    assert keys(dataset) == [("a", ["x"]), ("b", []), ("c", ["y"])]
    assert dataset.notes[0] == "2 captions were skipped (b.json: null, c.json: null)."


def test_the_small_shards_on_which_samples_were_lost() -> None:
    inputs = Path(__file__).parents[2] / "../shared/inputs"
    if not (inputs / "dots.tar").is_file():
        pytest.skip("needs dots.tar beside the repository, in ../shared/inputs")
    dots = WebdatasetCaptions(inputs / "dots.tar")
    assert (len(dots.images), len(dots.captions)) == (6, 6)
    null = WebdatasetCaptions(inputs / "null_caption.tar", on_bad_image="skip")
    assert len(null.captions) == 2
    assert "00001.json: null" in null.notes[0]
