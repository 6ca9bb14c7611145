import numpy as np

from misfire.data.world import World
from misfire.data.world.ceiling import num_satisfying_scenes, perfect_reader_hit_at_k


def test_counts_agree_with_the_oracle_asked_one_by_one() -> None:
    world = World(num_images=150, captions_per_image=2)
    brute_force = [
        sum(world.oracle_category(caption, image) == "ambiguous" for image in range(150))
        for caption in range(len(world.captions))
    ]
    counted = num_satisfying_scenes(world.mentions, world.scenes)
    assert counted.tolist() == brute_force
    assert counted.min() >= 1
    assert num_satisfying_scenes(world.mentions, world.scenes * 2).tolist() == [2 * count for count in brute_force]


def test_the_ceiling_is_the_chance_of_a_fair_shuffle() -> None:
    rng = np.random.default_rng(0)
    for num_satisfying in (1, 3, 12):
        places = rng.permuted(np.tile(np.arange(num_satisfying), (20_000, 1)), axis=1)[:, 0]
        for k in (1, 5, 10):
            expected = perfect_reader_hit_at_k(np.array([num_satisfying]), k=k)[0]
            assert abs((places < k).mean() - expected) < 0.02
