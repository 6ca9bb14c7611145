"""Files are read once, and again only when they changed; a damaged memory costs time and nothing else."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image as PillowImage

from misfire.core.errors import UsageError
from misfire.core.hashing import sha256_text
from misfire.data import Caption, CaptionedFolder, Image, ImageSource, Listing, SourcedDataset, Stamp
from misfire.data.dataset import Look
from misfire.data.image_index import ImageIndex
from misfire.data.near_twin import thumbnail

HERE = Stamp("here", 1, 1)


@dataclass(frozen=True)
class WatchedSource(ImageSource):
    """A source that writes down each time it is looked at, as a file or a member of an archive would be."""

    name: str
    looks: list[str]
    content: str = "pixels"
    found: Stamp | None = HERE
    wrong: str | None = None

    @property
    def content_sha256(self) -> str:
        return sha256_text(self.content)

    def load(self) -> PillowImage.Image:
        return PillowImage.new("RGB", (2, 2))

    def problem(self) -> str | None:
        self.looks.append(self.name)
        return self.wrong

    def stamp(self) -> Stamp | None:
        return self.found


def look(folder: Path | None, *sources: ImageSource) -> tuple[list[str], dict[int, str]]:
    index = ImageIndex(folder)
    images, problems = index.check([Image(number, source) for number, source in enumerate(sources)])
    index.save()
    good = [image for image in images if image.id not in problems]
    return [image.source.content_sha256 for image in good], problems


def test_an_unchanged_image_is_looked_at_once(tmp_path: Path) -> None:
    looks: list[str] = []
    sources = [WatchedSource(str(number), looks, f"pixels {number}", Stamp(str(number), 5, 7)) for number in range(200)]
    first = look(tmp_path, *sources)
    assert sorted(looks, key=int) == [str(number) for number in range(200)]
    assert look(tmp_path, *sources) == first == ([sha256_text(source.content) for source in sources], {})
    assert len(looks) == 200
    look(None, *sources)
    assert len(looks) == 400


@pytest.mark.parametrize("changed", [Stamp("here", 2, 1), Stamp("here", 1, 2), Stamp("there", 1, 1), None])
def test_a_changed_image_is_looked_at_again(tmp_path: Path, changed: Stamp | None) -> None:
    looks: list[str] = []
    look(tmp_path, WatchedSource("before", looks))
    contents, _ = look(tmp_path, WatchedSource("after", looks, "other pixels", changed))
    assert looks == ["before", "after"]
    assert contents == [sha256_text("other pixels")]
    look(tmp_path, WatchedSource("once more", looks, "other pixels", changed))
    assert looks == ["before", "after", *(["once more"] if changed is None else [])]


def test_a_problem_is_looked_at_again(tmp_path: Path) -> None:
    looks: list[str] = []
    for name, wrong in (("bad", "truncated"), ("still bad", "truncated"), ("mended", None), ("known", None)):
        _, problems = look(tmp_path, WatchedSource(name, looks, wrong=wrong))
        assert problems == ({} if wrong is None else {0: wrong})
    assert looks == ["bad", "still bad", "mended"]


def test_an_image_that_vanishes_while_it_is_looked_at_is_a_problem(tmp_path: Path) -> None:
    class Vanishing(WatchedSource):
        @property
        def content_sha256(self) -> str:
            raise UsageError("it is gone.")

    _, problems = look(tmp_path, Vanishing("a", []))
    assert problems == {0: "it is gone."}


def test_two_datasets_share_one_memory(tmp_path: Path) -> None:
    looks: list[str] = []
    one, other = (WatchedSource(name, looks, name, Stamp(name, 1, 1)) for name in ("one", "other"))
    first, second = ImageIndex(tmp_path), ImageIndex(tmp_path)
    first.check([Image(0, one)])
    second.check([Image(0, other)])
    first.save()
    second.save()  # which hadn't seen what the first wrote
    look(tmp_path, one, other)
    assert sorted(looks) == ["one", "other"]


@pytest.mark.parametrize("damage", ["cut", "flipped", "text", "other table", "empty"])
def test_a_damaged_memory_is_ignored_and_written_again(tmp_path: Path, damage: str) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    looks: list[str] = []
    source = WatchedSource("a", looks)
    look(tmp_path, source)
    file = next(tmp_path.glob("*.parquet"))
    whole = file.read_bytes()
    spot = whole.index(sha256_text("pixels").encode()[:8])
    other = pa.BufferOutputStream()
    parquet.write_table(pa.table({"x": [1]}), other)
    file.write_bytes(
        {
            "cut": whole[:-9],
            "flipped": whole[:spot] + bytes([whole[spot] ^ 1]) + whole[spot + 1 :],
            "text": b"no table",
            "other table": other.getvalue().to_pybytes(),
            "empty": b"",
        }[damage]
    )
    assert look(tmp_path, source) == ([sha256_text("pixels")], {})
    assert len(looks) == 2
    look(tmp_path, source)
    assert len(looks) == 2


def test_a_memory_that_cannot_be_written_is_said_and_costs_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "index").touch()  # a file where a folder should be
    assert look(tmp_path / "index", WatchedSource("a", [])) == ([sha256_text("pixels")], {})
    assert capsys.readouterr().err == (
        f"{tmp_path}/index can't be written (File exists); the images are looked at again next time.\n"
    )


def test_a_source_without_a_stamp_stays_itself() -> None:
    source = WatchedSource("a", [], found=None)
    images, _ = ImageIndex(None).check([Image(0, source)])
    assert images[0].source is source


def test_a_file_is_read_again_once_it_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from misfire.data import ImageFile, image_file

    decoded: list[str] = []
    monkeypatch.setattr(image_file, "look_at", lambda file, max_pixels: Look(decoded.append(file.name)))  # type: ignore[func-returns-value]
    PillowImage.new("RGB", (4, 4), "red").save(tmp_path / "cat.png")
    listing = Listing("pets", [Image(1, ImageFile(tmp_path / "cat.png"), "cat.png")], [Caption(1, 1, "a cat")])

    def fingerprint() -> str:
        fresh = [Image(image.id, ImageFile(tmp_path / "cat.png"), image.name) for image in listing.images]
        return SourcedDataset(Listing("pets", fresh, listing.captions), index=tmp_path / "index").fingerprint

    before = fingerprint()
    assert (fingerprint(), len(decoded)) == (before, 1)
    PillowImage.new("RGB", (4, 4), "blue").save(tmp_path / "cat.png")
    os.utime(tmp_path / "cat.png", ns=(1, 1))
    assert fingerprint() != before
    assert len(decoded) == 2


def test_a_checked_image_is_its_source_but_for_the_known_name(tmp_path: Path) -> None:
    looks: list[str] = []
    images, _ = ImageIndex(None).check([Image(0, WatchedSource("a", looks, wrong=None))])
    source = images[0].source
    assert source.load().size == (2, 2)
    assert source.stamp() == HERE
    assert source.problem() is None
    assert looks == ["a", "a"]


def test_thumbnails_are_remembered_with_the_look(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    PillowImage.effect_noise((64, 48), 80).convert("RGB").save(folder / "cat.png")
    for _ in range(2):
        source = CaptionedFolder(folder, index=tmp_path / "index").images[0].source
        assert source.thumbnail == thumbnail(source.load())
    assert CaptionedFolder(folder, index=None).images[0].source.thumbnail == source.thumbnail
