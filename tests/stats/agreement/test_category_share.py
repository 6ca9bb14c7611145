import math

import numpy as np
import pytest
from scipy.stats import hypergeom
from statsmodels.stats.proportion import proportion_confint

from misfire.core.errors import UsageError
from misfire.stats import category_shares


def test_shares_of_an_unknown_number_are_wilsons() -> None:
    shares = category_shares(["a"] * 30 + ["b"] * 10 + [None], categories=["b", "a", "c"])
    assert [(entry.category, entry.count, entry.share) for entry in shares] == [
        ("b", 10, 0.25),
        ("a", 30, 0.75),
        ("c", 0, 0.0),
    ]
    for entry in shares:
        assert (entry.low, entry.high) == pytest.approx(proportion_confint(entry.count, 40, method="wilson"), abs=1e-12)
        assert math.isnan(entry.num_failures)


def test_a_part_of_many_is_nearly_a_part_of_infinitely_many() -> None:
    labels = ["a"] * 30 + ["b"] * 170
    for known, unknown in zip(category_shares(labels, num_failures=10**7), category_shares(labels), strict=True):
        assert (known.low, known.high) == pytest.approx((unknown.low, unknown.high), abs=1e-4)
    assert category_shares(labels, num_failures=3000)[0].num_failures == 450


def test_a_complete_labelling_is_certain() -> None:
    for entry in category_shares([1, 1, 2, 5], num_failures=4):
        assert entry.low == entry.share == entry.high


@pytest.mark.parametrize(("num_failures", "num_category"), [(400, 60), (250, 30)])
def test_sampling_without_replacement_is_covered(num_failures: int, num_category: int) -> None:
    """Every possible count of the category in a sample of 200, weighed by its probability."""
    covered, width = 0.0, 0.0
    for count in range(num_category + 1):
        probability = float(hypergeom(num_failures, num_category, 200).pmf(count))
        entry = category_shares([1] * count + [0] * (200 - count), categories=[1, 0], num_failures=num_failures)[0]
        covered += probability * (entry.low - 1e-12 <= num_category / num_failures <= entry.high + 1e-12)
        width += probability * (entry.high - entry.low)
        assert count / num_failures <= entry.low <= entry.high <= 1 - (200 - count) / num_failures
    assert 0.92 <= covered <= 0.985
    unlimited = category_shares([1] * round(200 * num_category / num_failures) + [0] * 150, categories=[1, 0])[0]
    assert width < 0.8 * (unlimited.high - unlimited.low)


def test_bad_input_is_refused_with_its_remedy() -> None:
    with pytest.raises(UsageError, match=r"needs a labelled failure, got none"):
        category_shares([None, ""])
    with pytest.raises(UsageError, match=r"at least the 2 that were labelled, got 1; count them all"):
        category_shares(np.array(["a", "b"]), num_failures=1)
