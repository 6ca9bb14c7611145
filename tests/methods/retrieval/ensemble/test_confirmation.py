"""The half that wasn't mined, against counts by hand and systems of known worth."""

import numpy as np
import pytest

from misfire.cells import Flips
from misfire.methods.retrieval.ensemble.confirmation import confirm
from misfire.stats import clustered_score_interval
from tests.methods.retrieval.equal_systems import systems


def test_counts_by_hand() -> None:
    before, after = np.array([1, 1, 2, 3, 9]), np.array([1, 3, 1, 3, 2])
    images = np.array([0, 0, 1, 1, 2])
    queries, failures = confirm(before, after, images, k=1, confidence=0.9)
    assert queries.flips == Flips(fixed=1, broken=1, still_right=1, still_wrong=2)
    assert failures.flips == Flips(fixed=1, broken=0, still_right=0, still_wrong=2)
    hits = before <= 1, after <= 1
    assert (queries.low, queries.high) == clustered_score_interval(*hits, images, confidence=0.9)


def test_failures_are_those_at_rank_one_whatever_the_cut_off() -> None:
    before, after = np.array([1, 4, 8]), np.array([9, 1, 2])
    queries, failures = confirm(before, after, np.arange(3), k=5, confidence=0.95)
    assert failures.flips == Flips(fixed=1, broken=0, still_right=1, still_wrong=0)
    assert queries.flips == Flips(fixed=1, broken=1, still_right=1, still_wrong=0)


def test_one_image_has_no_interval() -> None:
    queries, failures = confirm(np.array([2, 1, 1]), np.array([1, 1, 1]), np.array([4, 5, 6]), k=1, confidence=0.95)
    assert (failures.low, failures.high) == (None, None)
    assert queries.low is not None


def test_an_equal_system_gains_on_failures_again_but_not_on_all_queries() -> None:
    rng = np.random.default_rng(0)
    gains: dict[str, list[float]] = {"queries": [], "failures": []}
    covered = 0
    for _ in range(60):
        equal = systems(rng, num_images=100)
        queries, failures = confirm(*equal.ranks, equal.images, k=1, confidence=0.95)
        gains["queries"].append(queries.flips.net_fraction)
        gains["failures"].append(failures.flips.net_fraction)
        assert queries.low is not None
        assert queries.high is not None
        covered += queries.low <= 0 <= queries.high
    assert np.mean(gains["queries"]) == pytest.approx(0, abs=0.01)
    assert np.mean(gains["failures"]) > 0.1
    assert covered >= 52  # 57 in expectation
