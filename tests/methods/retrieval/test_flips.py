import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.methods.retrieval.flips import flip_ledger

RANKS = st.integers(1, 12)


@given(st.lists(st.tuples(RANKS, RANKS)), st.integers(1, 12))
def test_fixed_less_broken_is_the_gain_in_queries(pairs: list[tuple[int, int]], k: int) -> None:
    before, after = (np.array([pair[side] for pair in pairs], dtype=np.int64) for side in (0, 1))
    flips = flip_ledger(before, after, k=k)
    assert flips.net == sum(rank <= k for rank in after) - sum(rank <= k for rank in before)
    assert flips.num_units == len(pairs)
    assert flips.fixed == sum(b > k >= a for b, a in pairs)
    assert flips.broken == sum(a > k >= b for b, a in pairs)
    assert flips.still_wrong == sum(min(a, b) > k for b, a in pairs)


def test_nothing_to_measure_is_not_zero() -> None:
    nothing = np.array([], dtype=np.int64)
    assert np.isnan(flip_ledger(nothing, nothing, k=1).net_fraction)


def test_unpaired_ranks_are_refused() -> None:
    with pytest.raises(UsageError, match="must pair the same queries, got 1 and 2; pass the ranks of the same"):
        flip_ledger(np.array([1]), np.array([1, 2]), k=1)


@pytest.mark.parametrize(("ranks", "k"), [(np.array([1, 0]), 1), (np.array([1, 2]), 0)])
def test_what_is_no_rank_or_cut_off_is_refused(ranks: np.ndarray, k: int) -> None:
    with pytest.raises(UsageError, match=r"ranks must|k must be >= 1"):
        flip_ledger(ranks, ranks, k=k)
