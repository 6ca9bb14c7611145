"""Pictures of flips: which queries they are, and that the page shows them safely and stays one small file."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image as PillowImage

from misfire.data import Caption, Dataset, Image
from misfire.data.dataset import ImageSource
from misfire.methods.retrieval.ensemble.flip_gallery import flip_gallery, largest_flips
from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.methods.retrieval.ensemble.series import listed
from misfire.reporting.abstract import Abstract
from misfire.reporting.gallery import Gallery
from misfire.reporting.page import PrintedSection, render_page
from misfire.reporting.section import Section
from tests.reporting.test_page import read

HOSTILE = "<script>alert('caption')</script> & friends"


class Plain(ImageSource):
    def __init__(self, shade: int, size: int = 900) -> None:
        self.shade, self.size = shade, size

    def content_sha256(self) -> str:
        return f"{self.shade:064d}"

    def load(self) -> PillowImage.Image:
        return PillowImage.new("RGB", (self.size, self.size // 2), (self.shade, 0, 0))


@pytest.fixture
def records() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "query_id": [10, 11, 12, 13, 14, 15],
            "image_id": [0, 1, 2, 3, 4, 5],
            "part": ["subset"] * 4 + ["complement"] * 2,
            "category": ["Object", None, "Object", None, None, None],
            "baseline_rank": [6, 50, 2, 50, 1, 90],
            "ensembled_rank": [5, 2, 40, 1, 7, 95],
            "baseline_top1_id": [1, 1, 2, 2, 4, 0],
            "ensembled_top1_id": [0, 1, 3, 3, 0, 0],
        }
    )


@pytest.fixture
def dataset() -> Dataset:
    images = tuple(Image(id=number, source=Plain(40 * number)) for number in range(6))
    captions = tuple(Caption(id=10 + number, image_id=number, text=f"{HOSTILE} {number}") for number in range(6))
    return Dataset(name="made", images=images, captions=captions)


@pytest.fixture
def gallery(records: pd.DataFrame, dataset: Dataset) -> Gallery:
    return flip_gallery(records, dataset, k=5, most=2)


def test_flips_are_the_largest_first_and_equal_ones_by_query(records: pd.DataFrame) -> None:
    assert largest_flips(records, part="subset", is_fixed=True, k=5)["query_id"].tolist() == [13, 11, 10]
    assert largest_flips(records, part="subset", is_fixed=False, k=5)["query_id"].tolist() == [12]
    assert largest_flips(records, part="complement", is_fixed=True, k=5).empty
    assert largest_flips(records, part="complement", is_fixed=False, k=5)["query_id"].tolist() == [14]


def test_groups_say_how_many_flipped_and_leave_out_what_none_did(gallery: Gallery) -> None:
    assert [(group.title, group.num_all, len(group.examples)) for group in gallery.groups] == [
        ("Fixed on the subset", 3, 2),
        ("Broken on the subset", 1, 1),
        ("Broken among the other queries", 1, 1),
    ]


def test_pictures_are_the_target_and_the_first_before_and_after(gallery: Gallery) -> None:
    broken = gallery.groups[1].examples[0]
    assert broken.remark == "rank 2 → 40 · Object · query 12"
    assert [picture.role for picture in broken.pictures] == ["Asked for", "First before", "First after"]
    decoded = [PillowImage.open(io.BytesIO(picture.jpeg)) for picture in broken.pictures]
    assert {picture.size for picture in decoded} == {(160, 80)}
    reds = [float(np.asarray(picture)[..., 0].mean()) for picture in decoded]
    assert reds == pytest.approx([80, 80, 120], abs=3)


def test_page_escapes_captions_and_stays_small(gallery: Gallery, paper_rows: list[LoggedEnsemble]) -> None:
    shown = PrintedSection(Section("flips", "What it fixed", gallery=gallery))
    page = render_page(Abstract("T", "Q", "R", "A"), [shown], cells=listed(paper_rows))
    assert "<script" not in page
    reader = read(page)
    assert f"{HOSTILE} 2" in reader.text
    assert sum(address.startswith("data:image/jpeg;base64,") for address in reader.addresses) == 12
    assert len(page) < 100_000


def test_a_missing_picture_is_the_callers_to_hear_of(records: pd.DataFrame, tmp_path: Path) -> None:
    class Gone(Plain):
        def load(self) -> PillowImage.Image:
            return PillowImage.open(tmp_path / "gone.jpg")

    images = tuple(Image(id=number, source=Gone(number)) for number in range(6))
    captions = tuple(Caption(id=10 + number, image_id=number, text="a") for number in range(6))
    with pytest.raises(OSError, match=r"gone\.jpg"):
        flip_gallery(records, Dataset(name="made", images=images, captions=captions), k=5)
