import math

import numpy as np
import pytest

from misfire.core.errors import UsageError
from misfire.stats import cohen_kappa, self_agreement, wilson_interval


def test_first_and_last_labels_of_repeated_items_are_compared() -> None:
    rng = np.random.default_rng(0)
    first = rng.choice(["a", "b", "c"], size=40)
    second = np.where(rng.random(40) < 0.7, first, "c")
    once = ["a"] * 15
    items = [*range(40), *range(100, 115), *range(40)]
    result = self_agreement(items, [*first, *once, *second], rng=np.random.default_rng(1))
    assert result.agreement == cohen_kappa(first, second, rng=np.random.default_rng(1))
    changed = np.flatnonzero(first != second).tolist()
    assert list(result.changed_items) == changed
    assert (result.raw_low, result.raw_high) == wilson_interval(40 - len(changed), 40)


def test_a_third_showing_replaces_the_second_and_a_missing_label_is_no_showing() -> None:
    items = np.array(["x", "y", "x", "y", "x"])
    result = self_agreement(items, ["a", "b", "c", None, "a"], rng=np.random.default_rng(0))
    assert (result.agreement.num_items, result.agreement.raw_agreement, result.changed_items) == (1, 1.0, ())


def test_without_a_repeat_it_is_undefined_and_says_why() -> None:
    result = self_agreement([1, 2], ["a", "b"], rng=np.random.default_rng(0))
    assert math.isnan(result.agreement.kappa)
    assert math.isnan(result.raw_low)
    assert result.agreement.reason == "no item was labelled twice."


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(UsageError, match=r"must be equally many, got 2 and 1; pair them up"):
        self_agreement([1, 2], ["a"], rng=np.random.default_rng(0))


def test_a_number_and_its_spelling_are_no_change() -> None:
    result = self_agreement([7, 8, 7, 8], [1, 2, "1", 1], rng=np.random.default_rng(0))
    assert result.changed_items == (8,)
    assert result.agreement.raw_agreement == 0.5
