from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from misfire.config.settings import Settings
from misfire.core.errors import UsageError
from misfire.methods.multilabel import Augmentation
from misfire.methods.multilabel.cell import RecognitionCell


def striped() -> Image.Image:
    """Each column of its own grey, so that a view says where it came from."""
    return Image.fromarray(np.repeat(np.arange(0, 240, 4, dtype=np.uint8)[None], 40, axis=0)).convert("RGB")


def columns(view: Image.Image) -> np.ndarray:
    return np.asarray(view, dtype=float)[20, :, 0]


def test_a_view_is_a_part_of_the_picture_in_its_size() -> None:
    picture, augmentation = striped(), Augmentation(least_area=0.25, most_stretch=1.5, flip=0.0)
    for seed in range(40):
        view = augmentation.view(picture, np.random.default_rng(seed))
        assert view.size == picture.size
        seen = columns(view)
        assert (np.diff(seen) >= 0).all()
        share = (seen[-3] - seen[2]) / (columns(picture)[-3] - columns(picture)[2])
        assert 0.25**0.5 / 1.5**0.5 - 0.05 < share < 1.05


def test_all_of_it_without_a_flip_is_the_picture_and_a_flip_mirrors_it() -> None:
    whole = Augmentation(least_area=1, most_stretch=1, flip=0)
    mirrored = Augmentation(least_area=1, most_stretch=1, flip=1)
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(columns(whole.view(striped(), rng)), columns(striped()))
    np.testing.assert_array_equal(columns(mirrored.view(striped(), rng)), columns(striped())[::-1])


@pytest.mark.parametrize("change", [{"least_area": 0}, {"most_stretch": 0.9}, {"flip": 1.1}])
def test_settings_out_of_range_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=r"least_area must be in \(0, 1\]"):
        Augmentation(**change)


def curve(root: Path, *words: str) -> Any:
    small = ["train.num_images=150", "dataset.num_images=200", "dataset.captions_per_image=1", "trainer=cpu"]
    few = ["training.max_epochs=2", "statistics.num_replicates=20", "labels.fraction=1", "prompting=vision_only"]
    settings = Settings.of_words("multilabel", [*small, *few, f"paths.root={root}", *words])
    cell = settings.cell()
    assert isinstance(cell, RecognitionCell)
    return cell, cell.run(settings.lab)


def test_training_on_views_repeats_itself_and_differs_from_stored_features(tmp_path: Path) -> None:
    plain, before = curve(tmp_path)
    augmented, first = curve(tmp_path, "training=augmented")
    again = augmented.run(Settings.of_words("multilabel", [f"paths.root={tmp_path}", "trainer=cpu"]).lab)
    assert first.curves["training/loss"] == again.curves["training/loss"] != before.curves["training/loss"]
    assert len(first.curves["training/validation_ap/star"]) == 2
    assert augmented.label()["views"] == "random"
    assert augmented.id != plain.id
    assert "augmentation" not in plain.identity()["training"]
