"""The net change over all queries with its interval, by hand and by simulation."""

import numpy as np
import pytest

from misfire.cells import Paired
from misfire.cells.comparison import NetChange, net_change
from misfire.methods.retrieval.ensemble.measured import paired_hits
from misfire.stats import clustered_score_interval, paired_score_interval
from tests.methods.retrieval.equal_systems import mined, systems


def paired_of(
    before: np.ndarray, after: np.ndarray, images: np.ndarray, num_subset: int, num_others: int, k: int
) -> Paired:
    return paired_hits(
        before,
        after,
        query=np.arange(len(before)),
        image=images,
        num_subset=num_subset,
        num_others=num_others,
        k=k,
        is_failure_mined=True,
        confidence=0.95,
        data="invented",
    )


def net_of(
    before: np.ndarray, after: np.ndarray, images: np.ndarray, *, num_subset: int, num_others: int, k: int = 1
) -> NetChange:
    found = net_change(paired_of(before, after, images, num_subset, num_others, k), confidence=0.95)
    assert found is not None
    return found


def test_the_estimate_by_hand() -> None:
    # 10 queries of the subset win 2; of 90 others 20 were asked and lost 1: they lose 4.5, so all 100 lose 2.5.
    before = np.array([2] * 4 + [1] * 6 + [1] * 20)
    after = np.array([1, 1, 1, 2] + [1] * 5 + [2] + [2] + [1] * 19)
    net = net_of(before, after, np.arange(30), num_subset=10, num_others=90)
    assert net.estimate == pytest.approx(-0.025)


def test_queries_of_one_stratum_have_that_stratums_interval() -> None:
    rng = np.random.default_rng(0)
    found = systems(rng, num_images=40)
    hits = [ranks <= 5 for ranks in found.ranks]
    everyone = len(found.images)
    net = net_of(*found.ranks, found.images, num_subset=everyone, num_others=0, k=5)
    assert (net.low, net.high) == pytest.approx(clustered_score_interval(hits[0], hits[1], found.images))
    assert net.estimate == pytest.approx(hits[1].mean() - hits[0].mean())


def test_independent_strata_add_the_squares_of_their_distances() -> None:
    before = np.array([2] * 6 + [1] * 12)
    after = np.array([1, 1, 2, 2, 2, 2] + [2, 2, 2] + [1] * 9)
    net = net_of(before, after, np.arange(18), num_subset=6, num_others=36)
    subset = clustered_score_interval(before[:6] == 1, after[:6] == 1, np.arange(6))
    others = clustered_score_interval(before[6:] == 1, after[6:] == 1, np.arange(12))
    shares, gains = (6 / 42, 36 / 42), (2 / 6, -3 / 12)
    for end, bound in ((0, net.low), (1, net.high)):
        parts = [share * (ends[end] - gain) for share, ends, gain in zip(shares, (subset, others), gains, strict=True)]
        assert abs(bound - net.estimate) == pytest.approx(np.hypot(*parts))


def test_no_flips_still_have_a_width() -> None:
    ranks = np.array([2] * 5 + [1] * 50)
    net = net_of(ranks, ranks, np.arange(55), num_subset=5, num_others=500)
    assert net.estimate == 0
    assert net.low < 0 < net.high
    assert net.high > paired_score_interval(0, 0, 50)[1] * 500 / 505 * 0.9


def test_images_that_both_strata_show_move_together() -> None:
    rng = np.random.default_rng(2)
    flips = rng.random(60) < 0.4
    before = np.full(120, 2)
    after = np.where(np.tile(flips, 2), 1, 2)  # an image's query in the subset flips with its query among the others
    together = net_of(before, after, np.tile(np.arange(60), 2), num_subset=60, num_others=60)
    apart = net_of(before, after, np.arange(120), num_subset=60, num_others=60)
    assert together.high - together.low > 1.3 * (apart.high - apart.low)


@pytest.mark.parametrize(("num_subset", "num_others", "images"), [(2, 5, [0, 1]), (1, 1, [0, 1]), (2, 2, [0, 0, 1, 2])])
def test_what_is_not_known_has_no_interval(num_subset: int, num_others: int, images: list[int]) -> None:
    ranks = np.full(len(images), 2)
    assert net_change(paired_of(ranks, ranks, np.array(images), num_subset, num_others, 1), confidence=0.95) is None


def test_the_interval_covers_the_change_of_a_better_system() -> None:
    rng = np.random.default_rng(4)
    truth_of = systems(rng, lifts=(0.0, 0.3), num_images=4000)
    hits = [float((ranks <= 1).mean()) for ranks in truth_of.ranks]
    covered = 0
    for _ in range(120):
        found = systems(rng, lifts=(0.0, 0.3))
        asked = mined(rng, found.ranks[0], num_failures=50, num_others=400)
        net = net_of(
            found.ranks[0][asked],
            found.ranks[1][asked],
            found.images[asked],
            num_subset=50,
            num_others=len(found.images) - 50,
        )
        covered += net.low <= hits[1] - hits[0] <= net.high
    assert 106 <= covered <= 119  # 114 in expectation, with a standard deviation of 2.4
