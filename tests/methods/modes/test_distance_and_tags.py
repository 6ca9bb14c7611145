from itertools import combinations

import numpy as np
import pytest

from misfire.core.errors import UsageError
from misfire.methods.modes.distance_and_tags import distance_by_shared_tags, tags_of_neighbours


def table(seed: int, num_images: int = 40, num_tags: int = 6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    tags = rng.random((num_images, num_tags)) < 0.5
    return rng.normal(size=(num_images, 4)) + tags[:, :4], tags


def test_distances_by_shared_tags_match_a_loop_over_all_pairs() -> None:
    embeddings, tags = table(0)
    pairs = [
        (int((tags[a] & tags[b]).sum()), float(np.linalg.norm(embeddings[a] - embeddings[b])))
        for a, b in combinations(range(40), 2)
    ]
    everything = [distance for _, distance in pairs]
    for row in distance_by_shared_tags(embeddings, tags, min_shared=(0, 1, 3, 6), rng=np.random.default_rng(0)):
        chosen = [distance for shared, distance in pairs if shared >= row.min_shared]
        assert row.num_pairs == len(chosen)
        if chosen:
            larger = [np.mean([(one > other) + (one == other) / 2 for other in everything]) for one in chosen]
            assert (row.mean, row.deviation) == pytest.approx((np.mean(chosen), np.std(chosen)))
            assert row.exceeds_random == pytest.approx(np.mean(larger))
        else:
            assert np.isnan([row.mean, row.deviation, row.exceeds_random]).all()


def test_a_sample_of_pairs_is_near_to_all_of_them() -> None:
    embeddings, tags = table(1, num_images=300)
    exact = distance_by_shared_tags(embeddings, tags, min_shared=(0, 2), rng=np.random.default_rng(0))
    drawn = distance_by_shared_tags(embeddings, tags, min_shared=(0, 2), num_pairs=20_000, rng=np.random.default_rng(0))
    for one, other in zip(exact, drawn, strict=True):
        assert other.mean == pytest.approx(one.mean, rel=0.02)
        assert other.exceeds_random == pytest.approx(one.exceeds_random, abs=0.02)
    assert exact[0].exceeds_random == pytest.approx(0.5)


@pytest.mark.parametrize("seed", range(3))
def test_shared_tags_of_neighbours_match_a_search_through_all_sets(seed: int) -> None:
    embeddings, tags = table(seed, num_images=25)
    told = tags_of_neighbours(
        embeddings, tags, num_neighbours=6, min_share=0.5, num_images=100, rng=np.random.default_rng(0)
    )

    def largest(image: int, images: list[int]) -> int:
        own = np.flatnonzero(tags[image]).tolist()
        sets = [chosen for size in range(len(own) + 1) for chosen in combinations(own, size)]
        return max(len(s) for s in sets if sum(all(tags[i][t] for t in s) for i in images) >= 3)

    near, together, possible = [], [], []
    for image in range(25):
        others = sorted(set(range(25)) - {image}, key=lambda i: np.linalg.norm(embeddings[i] - embeddings[image]))
        near.append(sum(sum(tags[i][tag] for i in others[:6]) >= 3 for tag in range(6)))
        together.append(largest(image, others[:6]))
        possible.append(largest(image, others))
    assert (told.near, told.near_together, told.possible) == pytest.approx(
        (np.mean(near), np.mean(together), np.mean(possible))
    )
    assert told.near_together <= told.possible


def test_embeddings_that_are_the_tags_share_what_can_be_shared() -> None:
    tags = np.repeat(np.array([[1, 1, 0, 0], [0, 0, 1, 1]], dtype=bool), 10, axis=0)
    told = tags_of_neighbours(tags.astype(float), tags, num_neighbours=5, min_share=1.0, rng=np.random.default_rng(0))
    assert (told.near, told.near_together, told.possible) == (2, 2, 2)


def test_bad_input_is_refused_with_its_remedy() -> None:
    embeddings, tags = table(0)
    rng = np.random.default_rng(0)
    with pytest.raises(UsageError, match=r"must be of the same two images or more, got 3 and 40"):
        distance_by_shared_tags(embeddings[:3], tags, rng=rng)
    with pytest.raises(UsageError, match=r"num_neighbours must be from 1 to 39, got 40"):
        tags_of_neighbours(embeddings, tags, num_neighbours=40, rng=rng)
    with pytest.raises(UsageError, match=r"min_share must be in \(0, 1\] and num_images >= 1, got 0 and 200"):
        tags_of_neighbours(embeddings, tags, num_neighbours=4, min_share=0, rng=rng)
