import numpy as np
import pytest

from misfire.core.errors import UsageError
from misfire.data import Dataset
from misfire.data.world import World, render


def test_a_world_is_a_dataset_with_its_truth_beside_it() -> None:
    world = World(num_images=20, captions_per_image=3)
    assert isinstance(world, Dataset)
    assert world.name == "world"
    assert (len(world.images), len(world.captions), len(world.scenes), len(world.mentions)) == (20, 60, 20, 60)
    assert world.targets.tolist() == np.repeat(np.arange(20), 3).tolist()
    assert world.images[4].source.load().tobytes() == render(world.scenes[4]).tobytes()
    for caption, target in enumerate(world.targets.tolist()):
        assert world.oracle_category(caption, target) == "ambiguous"
        assert world.oracle_subtype(caption, target) == "near_duplicate"


def test_a_smaller_world_is_the_beginning_of_a_larger_one() -> None:
    small, large = World(num_images=5), World(num_images=50)
    assert [caption.text for caption in small.captions] == [caption.text for caption in large.captions[:25]]
    assert [image.source.content_sha256 for image in small.images] == [
        image.source.content_sha256 for image in large.images[:5]
    ]


def test_the_fingerprint_is_that_of_the_content() -> None:
    assert World(num_images=30).fingerprint == World(num_images=30).fingerprint
    others = [World(num_images=30, seed=1), World(num_images=30, split="dev"), World(num_images=30, nuisance=1.0)]
    assert len({world.fingerprint for world in [World(num_images=30), *others]}) == 4


def test_equal_content_names_mean_equal_pixels() -> None:
    world = World(num_images=300)
    pixels = {image.source.content_sha256: image.source.load().tobytes() for image in world.images}
    assert len(pixels) == len(set(pixels.values())) == 300


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_images": 0}, "num_images must be >= 1, got 0"),
        ({"captions_per_image": -1}, "captions_per_image must be >= 1, got -1"),
        ({"seed": -3}, "dataset.seed must be a whole number from 0, got -3; 42"),
        ({"split": "tset"}, "split must be one of train, dev, test, got 'tset'"),
        ({"spurious_context": "color"}, "spurious_context must be one of background, colour, got 'color'"),
        ({"second_group": 1.5}, r"second_group must be in \[0, 1\], got 1.5"),
        ({"nuisance": 1.5}, r"nuisance must be in \[0, 1\], got 1.5"),
        ({"spurious_correlation": -0.1}, r"spurious_correlation must be in \[0, 1\], got -0.1"),
        ({"nuisance": float("nan")}, r"nuisance must be in \[0, 1\], got nan"),
        ({"hard_combinations": [["star", "nihgt"]]}, r"known tags, got 1 \(nihgt\)"),
        ({"hard_combinations": [[]]}, "at least one tag"),
        ({"alike": ["heart"]}, "alike must be two different kinds, got heart; choose from arrow"),
        ({"alike": ["heart", "hart"]}, "alike must be two different kinds, got heart, hart"),
    ],
)
def test_bad_arguments_are_refused_by_name(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        World(**arguments)  # type: ignore[arg-type]
