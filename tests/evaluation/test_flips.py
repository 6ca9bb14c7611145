import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.evaluation import flip_ledger
from tests.scoring.unchecked import without_shape_checks


@given(st.lists(st.tuples(st.booleans(), st.booleans())))
def test_fixed_less_broken_is_the_gain_in_queries(pairs: list[tuple[bool, bool]]) -> None:
    before, after = (np.array([pair[side] for pair in pairs], dtype=bool) for side in (0, 1))
    flips = flip_ledger(before, after)
    assert flips.net == sum(after) - sum(before)
    assert flips.num_queries == len(pairs)
    assert flips.fixed == sum(a and not b for b, a in pairs)


def test_nothing_to_measure_is_not_zero() -> None:
    assert np.isnan(flip_ledger(np.array([], dtype=bool), np.array([], dtype=bool)).net_fraction)


def test_unpaired_outcomes_are_refused() -> None:
    with without_shape_checks(), pytest.raises(UsageError, match="must pair the same queries, got 1 and 2"):
        flip_ledger(np.array([True]), np.array([True, False]))
