"""Near twins against a loop over all pairs, and on pictures that were saved again."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PillowImage

from misfire.data import CaptionedFolder, dataset_card
from misfire.data.near_twin import has_near_twin


def by_loop(thumbnails: np.ndarray, most: float) -> list[bool]:
    values = thumbnails.astype(int)
    return [
        any(i != j and ((one - other) ** 2).mean() <= most**2 for j, other in enumerate(values))
        for i, one in enumerate(values)
    ]


@given(st.integers(0, 10**6), st.integers(0, 40), st.sampled_from([0.0, 1.0, 3.0, 40.0]))
def test_twins_are_those_of_a_loop(seed: int, num_images: int, most: float) -> None:
    rng = np.random.default_rng(seed)
    some = rng.integers(0, 256, size=(5, 192))
    thumbnails = np.clip(some[rng.integers(5, size=num_images)] + rng.integers(-4, 5, size=(num_images, 192)), 0, 255)
    found = has_near_twin(thumbnails.astype(np.uint8).reshape(num_images, 192), most_difference=most)
    assert found.tolist() == by_loop(thumbnails, most)


def test_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    thumbnails = np.random.default_rng(0).integers(0, 256, size=(70, 12)).astype(np.uint8)
    expected = by_loop(thumbnails, 60.0)
    assert 0 < sum(expected) < 70
    for size in (1, 7, 512):
        monkeypatch.setattr("misfire.data.near_twin._BLOCK", size)
        assert has_near_twin(thumbnails, most_difference=60.0).tolist() == expected


def test_a_card_counts_pictures_that_were_saved_again_and_keeps_them_apart(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(4):
        coarse = PillowImage.fromarray(rng.integers(40, 216, size=(3, 4, 3), dtype=np.uint8))
        coarse.resize((640, 480), PillowImage.Resampling.BICUBIC).save(tmp_path / f"{number}.png")
    with PillowImage.open(tmp_path / "0.png") as image:
        image.save(tmp_path / "again.jpg", quality=80)
        image.resize((400, 300)).save(tmp_path / "smaller.png")
    (tmp_path / "copy.png").write_bytes((tmp_path / "3.png").read_bytes())
    dataset = CaptionedFolder(tmp_path)
    card = dataset_card(dataset)
    assert (card["num_images"], card["num_images_with_near_twin"], card["num_repeated_images"]) == (6, 3, 1)
