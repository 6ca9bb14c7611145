"""Datasets of the package ``datasets``, made on the spot: saved folders, a Parquet file, and what can be wrong."""

import io
import pickle
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

from misfire.core.errors import UsageError
from misfire.core.hashing import sha256_bytes
from misfire.data import huggingface
from misfire.data.huggingface import HuggingFaceCaptions, Origin, RowImage, open_table

datasets = pytest.importorskip("datasets", reason="the extra huggingface isn't installed")

COLOURS = ("red", "lime", "blue")
CAPTIONS = [["a rose", "a red rose"], ["a leaf"], ["a sea"]]


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of its own, no network, and nothing remembered from another test."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    datasets.disable_progress_bars()
    open_table.cache_clear()
    huggingface._pictures.cache_clear()


def picture(colour: str) -> bytes:
    data = io.BytesIO()
    PillowImage.new("RGB", (4, 3), colour).save(data, "png")
    return data.getvalue()


def table(captions: Sequence[Any] = CAPTIONS, pictures: Sequence[Any] | None = None) -> Any:
    cells = [{"bytes": picture(colour), "path": None} for colour in COLOURS] if pictures is None else list(pictures)
    columns = {"image": cells, "caption": list(captions)}
    return datasets.Dataset.from_dict(columns).cast_column("image", datasets.Image())


def saved(folder: Path, *args: Any, **words: Any) -> Path:
    table(*args, **words).save_to_disk(folder)
    return folder


def of_every_kind(folder: Path) -> dict[str, Path]:
    table().save_to_disk(folder / "one")
    datasets.DatasetDict({"test": table(), "train": table().select([0])}).save_to_disk(folder / "several")
    table().to_parquet(folder / "file.parquet")
    (folder / "hub").mkdir()
    table().to_parquet(folder / "hub" / "test-00000-of-00001.parquet")
    return {name: folder / name for name in ("one", "several", "file.parquet", "hub")}


def test_every_kind_of_place_holds_the_same_dataset(tmp_path: Path) -> None:
    found = {name: HuggingFaceCaptions(path) for name, path in of_every_kind(tmp_path).items()}
    assert {dataset.name for dataset in found.values()} == {"one", "several", "file", "hub"}
    assert len({dataset.fingerprint for dataset in found.values()}) == 1
    dataset = found["several"]
    assert [one.text for one in dataset.captions] == ["a rose", "a red rose", "a leaf", "a sea"]
    assert dataset.targets.tolist() == [0, 0, 1, 2]
    seen = [one.source.load().getpixel((0, 0)) for one in dataset.images]
    assert seen == [(255, 0, 0), (0, 255, 0), (0, 0, 255)]


def test_an_image_is_named_by_its_encoded_bytes_and_seen_as_the_package_decodes_it(tmp_path: Path) -> None:
    noise = io.BytesIO()
    PillowImage.fromarray(np.random.default_rng(0).integers(0, 255, (9, 7, 3), np.uint8)).save(noise, "jpeg")
    path = saved(tmp_path / "saved", ["x"], pictures=[{"bytes": noise.getvalue(), "path": None}])
    (image,) = HuggingFaceCaptions(path).images
    assert image.source.content_sha256 == sha256_bytes(noise.getvalue())
    theirs = datasets.load_from_disk(path)[0]["image"]
    assert (np.asarray(image.source.load()) == np.asarray(theirs)).all()


def test_a_source_travels_as_its_place_and_opens_the_table_where_it_arrives(tmp_path: Path) -> None:
    source = RowImage(Origin(str(saved(tmp_path / "saved")), "test", "image"), 2)
    sent = pickle.dumps(source)
    assert len(sent) < 600
    open_table.cache_clear()
    huggingface._pictures.cache_clear()
    assert pickle.loads(sent).load().getpixel((0, 0)) == (0, 0, 255)


def test_a_look_is_remembered_for_rows_but_not_for_files_that_they_name(tmp_path: Path) -> None:
    inside = Origin(str(saved(tmp_path / "saved")), "test", "image")
    stamps = [RowImage(inside, row).stamp() for row in range(3)]
    assert None not in stamps
    assert len(set(stamps)) == 3
    (tmp_path / "red.png").write_bytes(picture("red"))
    rows = datasets.Dataset.from_dict({"image": [str(tmp_path / "red.png")], "caption": ["a rose"]})
    rows.save_to_disk(tmp_path / "named")
    named = RowImage(Origin(str(tmp_path / "named"), "test", "image"), 0)
    assert named.stamp() is None
    assert named.load().getpixel((0, 0)) == (255, 0, 0)
    assert named.content_sha256 == sha256_bytes(picture("red"))


@pytest.mark.parametrize(
    "captions",
    [
        ["a", "b", "c"],
        [["a"], ["b"], ["c"]],
        [[{"raw": "a", "sentid": 1}], [{"raw": "b", "sentid": 2}], [{"raw": "c", "sentid": 3}]],
    ],
    ids=["texts", "lists", "objects"],
)
def test_captions_may_be_texts_lists_or_objects(tmp_path: Path, captions: list[Any]) -> None:
    dataset = HuggingFaceCaptions(saved(tmp_path / "saved", captions))
    assert [one.text for one in dataset.captions] == ["a", "b", "c"]


def test_captions_may_stand_in_several_columns(tmp_path: Path) -> None:
    rows = table(["a", "b", "c"]).add_column("second", ["A", "B", "C"])
    rows.save_to_disk(tmp_path / "saved")
    dataset = HuggingFaceCaptions(tmp_path / "saved", caption_column=["caption", "second"])
    assert [one.text for one in dataset.captions] == ["a", "A", "b", "B", "c", "C"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            {"split": "val"},
            r"split must be in .*several \(test: 3 rows, train: 1 rows\), got 'val'; choose one of them",
        ),
        (
            {"image_column": "img"},
            r"several must have the columns img, it has image, caption; name them with dataset.im",
        ),
        ({"caption_column": ["text", "raw"]}, r"must have the columns text, raw, it has image, caption"),
        (
            {"caption_column": "image"},
            r"image must hold texts, got 3 \(row 0 \(.*dataset.caption_column or mend the rows",
        ),
        (
            {"image_column": "caption"},
            r"caption must hold pictures, got List\(.*; name another column with dataset.image",
        ),
    ],
)
def test_words_that_do_not_fit_are_answered_with_what_is_there(tmp_path: Path, words: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        HuggingFaceCaptions(of_every_kind(tmp_path)["several"], **words)


@pytest.mark.parametrize(
    ("captions", "message"),
    [
        (["a", None, "c"], r"captions must be texts, got 1 \(row 1: null\)"),
        ([1, 2, 3], r"caption must hold texts, got 3 \(row 0 \(int\), row 1 \(int\), row 2 \(int\)\)"),
        (["a", " ", "c"], r"captions must not be empty, got 1 \(id 1\)"),
        ([["a"], ["b", None], ["c"]], r"captions must be texts, got 1 \(row 1: null\)"),
    ],
)
def test_bad_captions_are_counted_and_named(tmp_path: Path, captions: list[Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        HuggingFaceCaptions(saved(tmp_path / "saved", captions))


def test_bad_pictures_are_named_or_skipped(tmp_path: Path) -> None:
    cut = {"bytes": picture("lime")[:50], "path": None}
    path = saved(tmp_path / "saved", pictures=[{"bytes": picture("red"), "path": None}, cut, None])
    with pytest.raises(UsageError, match=r"must be there, got 1 \(row 2\); images must decode whole, got 1 \(row 1: "):
        HuggingFaceCaptions(path)
    assert [one.id for one in HuggingFaceCaptions(path, on_bad_image="skip").images] == [0]


def test_a_file_knows_its_split_only_by_its_name(tmp_path: Path) -> None:
    table().to_parquet(tmp_path / "any.parquet")
    assert len(HuggingFaceCaptions(tmp_path / "any.parquet", split="val").images) == 3
    rows = datasets.load_dataset("parquet", data_files=str(tmp_path / "any.parquet"), split="train")
    rows.save_to_disk(tmp_path / "train")
    with pytest.raises(UsageError, match=r"split must be in .*train \(train: 3 rows\), got 'test'"):
        HuggingFaceCaptions(tmp_path / "train")


def test_what_cannot_be_reached_is_one_sentence(tmp_path: Path) -> None:
    for path in ("nobody/nothing", str(tmp_path / "none"), str(tmp_path)):
        with pytest.raises(UsageError) as caught:
            HuggingFaceCaptions(path)
        message = str(caught.value)
        assert message.startswith(f"a dataset must lie on this machine or be within reach on the hub, got {path} with ")
        assert message.endswith(
            "put a folder that save_to_disk wrote, or Parquet files, on this machine and set dataset.path to it."
        )
        assert "\n" not in message


def test_a_damaged_folder_or_file_is_one_sentence(tmp_path: Path) -> None:
    places = of_every_kind(tmp_path)
    arrow = next(places["one"].glob("*.arrow"))
    arrow.write_bytes(arrow.read_bytes()[:200])
    places["file.parquet"].write_bytes(b"PAR1 no more")
    for name in ("one", "file.parquet"):
        with pytest.raises(UsageError, match="a dataset must lie on this machine or be within reach"):
            HuggingFaceCaptions(places[name])


@pytest.mark.parametrize("spec", [None, ModuleSpec("datasets", None)], ids=["absent", "a folder of that name"])
def test_without_the_package_its_command_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: ModuleSpec | None
) -> None:
    monkeypatch.setattr(huggingface, "find_spec", lambda name: spec)
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(UsageError) as caught:
        HuggingFaceCaptions(tmp_path)
    assert str(caught.value) == (
        "a Hugging Face dataset must be read by the package datasets, found none; run `pip install "
        "'misfire[huggingface]'`."
    )


def test_rows_of_one_picture_are_one_image(tmp_path: Path) -> None:
    red, blue = ({"bytes": picture(colour), "path": None} for colour in ("red", "blue"))
    dataset = HuggingFaceCaptions(saved(tmp_path / "saved", ["a", "b", "c"], pictures=[red, blue, red]))
    assert [one.name for one in dataset.images] == ["row 0", "row 1"]
    assert dataset.targets.tolist() == [0, 1, 0]
    assert "1 of 3 listed images is the same picture as an earlier one" in dataset.notes[0]
    assert "row 2: the same as row 0" in dataset.notes[0]
    assert HuggingFaceCaptions(tmp_path / "saved", caption_column=[]).captions == ()


def test_the_small_set_with_a_row_a_caption() -> None:
    rows = Path(__file__).parents[2] / "../shared/inputs/rows"
    if not rows.is_dir():
        pytest.skip("needs rows beside the repository, in ../shared/inputs")
    dataset = HuggingFaceCaptions(rows)
    assert (len(dataset.images), len(dataset.captions)) == (4, 20)
