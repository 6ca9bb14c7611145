"""Intervals of rare categories: none where simulated annotators show that they would mislead."""

import numpy as np
import pytest

from misfire.stats import category_agreement


def labels(num_a: int, num_b: int, num_both: int, num_items: int = 60) -> tuple[list[str], list[str]]:
    """Two annotators who gave "rare" to so many items each, and to so many both."""
    place = np.arange(num_items)
    is_a, is_b = place < num_a, (place >= num_a - num_both) & (place < num_a - num_both + num_b)
    return np.where(is_a, "rare", "x").tolist(), np.where(is_b, "rare", "x").tolist()


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ((5, 6, 2), "only 9 items tell the category from others"),
        ((6, 6, 2), ""),
        ((12, 2, 2), "an annotator tells the category from others by 2 items only"),
        ((12, 3, 2), ""),
        ((4, 4, 4), ""),  # no disagreement: Wilson's interval
        ((55, 56, 55), "only 5 items"),  # what is rare is another
    ],
)
def test_an_interval_needs_items(counts: tuple[int, int, int], reason: str) -> None:
    found = category_agreement(*labels(*counts), categories=["rare", "x"], rng=np.random.default_rng(0))
    for one in found:  # of two categories each is the other's rest
        kappa = one.one_versus_rest
        assert kappa.reason.startswith(reason)
        assert np.isnan([kappa.low, kappa.high]).all() == bool(reason)
        assert bool(kappa.interval_method) != bool(reason)
        assert not np.isnan(kappa.kappa)


def test_the_intervals_that_remain_cover_the_true_kappa() -> None:
    """One in 25 items, two annotators who see 17 of 20 of them and err on 1 % of the others."""
    rng = np.random.default_rng(1)
    prevalence, sensitivity, slip = 0.04, 0.85, 0.01
    given = prevalence * sensitivity + (1 - prevalence) * slip
    both = prevalence * sensitivity**2 + (1 - prevalence) * slip**2
    chance = given**2 + (1 - given) ** 2
    true_kappa = (1 - 2 * given + 2 * both - chance) / (1 - chance)
    covered, left_out = [], 0
    for _ in range(120):
        truth = rng.random(150) < prevalence
        first, second = (
            np.where(rng.random(150) < np.where(truth, sensitivity, slip), "rare", "x").tolist() for _ in range(2)
        )
        kappa = category_agreement(first, second, categories=["rare", "x"], num_replicates=200, rng=rng)[0]
        if np.isnan(kappa.one_versus_rest.low):
            left_out += 1
        else:
            covered.append(kappa.one_versus_rest.low <= true_kappa <= kappa.one_versus_rest.high)
    assert left_out > 30
    assert np.mean(covered) > 0.88
