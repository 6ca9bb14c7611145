import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.data.sample import image_sample
from misfire.data.world import World

WORLD = World(num_images=12, captions_per_image=3)


@given(num_images=st.integers(1, 15), seed=st.integers(0, 5))
def test_images_keep_all_their_captions_and_nothing_else_comes(num_images: int, seed: int) -> None:
    sample = image_sample(WORLD, num_images, rng=np.random.default_rng(seed))
    ids = [image.id for image in sample.images]
    assert len(ids) == len(set(ids)) == min(num_images, 12)
    assert [caption for caption in WORLD.captions if caption.image_id in ids] == list(sample.captions)
    again = image_sample(WORLD, num_images, rng=np.random.default_rng(seed))
    assert again.fingerprint == sample.fingerprint


def test_every_image_is_drawn_equally_often() -> None:
    counts = np.zeros(12)
    for seed in range(300):
        for image in image_sample(WORLD, 3, rng=np.random.default_rng(seed)).images:
            counts[image.id] += 1
    assert counts.sum() == 900
    assert counts.min() > 45  # 75 each in expectation, standard deviation 7.5
    assert counts.max() < 105


def test_a_sample_of_all_is_the_dataset_itself_and_none_is_refused() -> None:
    assert image_sample(WORLD, 12, rng=np.random.default_rng(0)) is WORLD
    with pytest.raises(UsageError, match="must have at least one image, got num_images 0"):
        image_sample(WORLD, 0, rng=np.random.default_rng(0))
