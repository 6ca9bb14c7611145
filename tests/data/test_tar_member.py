"""Members of a tar read at their offsets, held against ``tarfile``; and archives that are no whole tar."""

import bz2
import gzip
import io
import lzma
import pickle
import tarfile
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage

from misfire.core.errors import UsageError
from misfire.core.hashing import sha256_bytes
from misfire.data.tar_member import TarMember, tar_entries

FORMATS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)


def png(colour: str = "red") -> bytes:
    data = io.BytesIO()
    PillowImage.new("RGB", (4, 3), colour).save(data, "png")
    return data.getvalue()


def write(path: Path, members: dict[str, bytes], form: int = tarfile.GNU_FORMAT) -> Path:
    with tarfile.open(path, "w", format=form) as tar:
        for name, data in members.items():
            header = tarfile.TarInfo(name)
            header.size = len(data)
            tar.addfile(header, io.BytesIO(data))
    return path


NAMES = st.lists(
    st.text("abé/.0", min_size=1, max_size=120).map(lambda name: "x" + name + "x"), unique=True, max_size=6
)


@settings(max_examples=50, deadline=None)
@given(NAMES, st.binary(max_size=1500), st.sampled_from(FORMATS))
@example(["x" + "long/" * 60 + "x"], b"1", tarfile.PAX_FORMAT)
@example(["x" + "long/" * 60 + "x"], b"1", tarfile.GNU_FORMAT)
def test_offsets_and_bytes_are_those_of_tarfile(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], data: bytes, form: int
) -> None:
    path = tmp_path_factory.mktemp("tar") / "one.tar"
    if form == tarfile.USTAR_FORMAT:
        names = [name for name in names if len(name.encode()) < 100]
    write(path, {name: data[index:] for index, name in enumerate(names)}, form)
    found = list(tar_entries(path))
    with tarfile.open(path) as tar:
        expected = [(one.name, one.offset_data, one.size, tar.extractfile(one).read()) for one in tar]  # type: ignore[union-attr]
    assert [(one.member.name, one.member.offset, one.member.size, one.member.read()) for one in found] == expected


def test_a_member_is_an_image_named_by_its_bytes(tmp_path: Path) -> None:
    path = write(tmp_path / "one.tar", {"a.txt": b"a cat", "a.png": png("blue"), "b.png": png()[:40]})
    _, whole, cut = (entry.member for entry in tar_entries(path))
    assert whole.load().getpixel((0, 0)) == (0, 0, 255)
    assert whole.content_sha256 == sha256_bytes(png("blue"))
    assert whole.problem() is None
    assert cut.problem() == "not an image, or cut off in its first bytes"
    with pytest.raises(UsageError, match=r"must decode whole, got b.png of .*one.tar \(not an image"):
        cut.load()


def test_a_member_travels_as_its_place(tmp_path: Path) -> None:
    path = write(tmp_path / "one.tar", {"a.png": png() + bytes(100_000)})
    (entry,) = tar_entries(path)
    assert len(pickle.dumps(entry.member)) < 500
    assert pickle.loads(pickle.dumps(entry.member)).content_sha256 == entry.member.content_sha256


def test_a_stamp_tells_members_and_archives_apart(tmp_path: Path) -> None:
    one, other = (write(tmp_path / name, {"a.png": png(), "b.png": png()}) for name in ("one.tar", "other.tar"))
    stamps = {entry.member.stamp() for path in (one, other) for entry in tar_entries(path)}
    assert len(stamps) == 4
    assert None not in stamps
    assert TarMember(tmp_path / "none.tar", 0, 1, "a").stamp() is None


def test_what_no_picture_can_be_read_from_is_told(tmp_path: Path) -> None:
    path = tmp_path / "odd.tar"
    with tarfile.open(path, "w") as tar:
        for name, kind in {"folder": tarfile.DIRTYPE, "link.png": tarfile.SYMTYPE, "hard.png": tarfile.LNKTYPE,
                           "pipe.png": tarfile.FIFOTYPE, "sparse.png": tarfile.GNUTYPE_SPARSE,
                           "../up.png": tarfile.REGTYPE, "/root.png": tarfile.REGTYPE,
                           "a/../../b.png": tarfile.REGTYPE, "fine..png": tarfile.REGTYPE}.items():  # fmt: skip
            header = tarfile.TarInfo(name)
            header.type, header.linkname = kind, "/etc/passwd"
            tar.addfile(header)
    assert {entry.member.name: entry.problem for entry in tar_entries(path)} == {
        "link.png": "not a regular file",
        "hard.png": "not a regular file",
        "pipe.png": "not a regular file",
        "sparse.png": "not a regular file",
        "../up.png": "outside the folder",
        "/root.png": "outside the folder",
        "a/../../b.png": "outside the folder",
        "fine..png": None,
    }


@pytest.mark.parametrize(
    ("pack", "remedy"), [(gzip.compress, "gunzip"), (bz2.compress, "bunzip2"), (lzma.compress, "unxz")]
)
def test_a_compressed_tar_is_refused_with_its_remedy(
    tmp_path: Path, pack: Callable[[bytes], bytes], remedy: str
) -> None:
    path = write(tmp_path / "one.tar", {"a.png": png()})
    path.write_bytes(pack(path.read_bytes()))
    with pytest.raises(UsageError, match=rf"which is compressed; unpack it once with {remedy}\."):
        list(tar_entries(path))


def test_every_cut_of_an_archive_is_found(tmp_path: Path) -> None:
    """Wherever it's cut before its closing block: in a header, in data, in padding, or between two members."""
    path = write(tmp_path / "one.tar", {"a.png": png(), "a.txt": b"a cat", "b.png": bytes(700), "b.txt": b""})
    whole, names = path.read_bytes(), [entry.member.name for entry in tar_entries(path)]
    end = 512 * 8
    assert any(whole[:end][-1024:])
    for cut in (0, 1, 100, 511, 512, 530, 600, 1024, *range(1500, end + 512, 77), end, end + 511):
        path.write_bytes(whole[:cut])
        with pytest.raises(
            UsageError, match=r"must be a whole tar, got .*; it is truncated or damaged, fetch it again"
        ):
            list(tar_entries(path))
    path.write_bytes(whole[: end + 512])
    assert [entry.member.name for entry in tar_entries(path)] == names


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 512 * 8 - 1), st.integers(1, 255))
def test_a_flipped_byte_is_a_usage_error_or_passes(
    tmp_path_factory: pytest.TempPathFactory, position: int, flip: int
) -> None:
    folder = tmp_path_factory.mktemp("tar")
    path = write(folder / "one.tar", {"x" * 150: b"1", "a.txt": b"a cat", "b.png": bytes(700)}, tarfile.PAX_FORMAT)
    data = bytearray(path.read_bytes())
    data[position] ^= flip
    path.write_bytes(data)
    with suppress(UsageError):  # anything else is a failure
        for entry in tar_entries(path):
            entry.member.problem()


def test_a_damaged_header_is_not_taken_for_the_end(tmp_path: Path) -> None:
    path = write(tmp_path / "one.tar", {"a.png": png(), "b.png": png()})
    data = bytearray(path.read_bytes())
    data[1024 + 5] ^= 1  # in the second header, which its checksum no longer fits
    path.write_bytes(data)
    with pytest.raises(UsageError, match=r"must be a whole tar, got .*one.tar \(no header at byte 1024\)"):
        list(tar_entries(path))


def test_archives_joined_by_cat_are_not_read_in_part(tmp_path: Path) -> None:
    one, other = (write(tmp_path / name, {f"{name}.png": png()}) for name in ("one.tar", "other.tar"))
    one.write_bytes(one.read_bytes() + other.read_bytes())
    with pytest.raises(
        UsageError, match=r"got more behind them in .*one.tar; if several were joined by cat, give them"
    ):
        list(tar_entries(one))


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.tar").write_text("a cat\n" * 1000)
    with pytest.raises(UsageError, match=r"must be a whole tar, got .*text.tar"):
        list(tar_entries(tmp_path / "text.tar"))
    for path in (tmp_path / "none.tar", tmp_path):
        with pytest.raises(UsageError, match=r"must be a readable file, got .* \((No such file|Is a directory)"):
            list(tar_entries(path))


def test_an_archive_that_shrank_since_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "one.tar", {"a.png": png()})
    (entry,) = tar_entries(path)
    path.write_bytes(path.read_bytes()[:520])
    with pytest.raises(UsageError, match=r"a.png must hold \d+ bytes, got 8 from .*one.tar; it is truncated"):
        entry.member.load()


def test_memory_stays_flat_while_headers_stream(tmp_path: Path) -> None:
    peaks = []
    for count in (300, 3000):
        path = write(tmp_path / f"{count}.tar", {f"{number:06d}.txt": b"1" for number in range(count)})
        tracemalloc.start()
        assert sum(1 for _ in tar_entries(path)) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 1_100_000  # one block of looking ahead behind the end; 2,700 headers would be 1.5 MB
