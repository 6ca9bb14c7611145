"""Bounds over the unknown split: against enumeration of every split that the hits allow."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from misfire.core.errors import UsageError
from misfire.methods.retrieval.audit.published_counts import PublishedCounts
from misfire.methods.retrieval.audit.support import Support, audit, broken_range


def splits(before: int, after: int, num_queries: int) -> set[tuple[int, int]]:
    """Every (fixed, broken) that queries with such hits can have, by trying all ledgers."""
    found = set()
    for fixed, broken, right in itertools.product(range(num_queries + 1), repeat=3):
        if fixed + broken + right <= num_queries and right + broken == before and right + fixed == after:
            found.add((fixed, broken))
    return found


@settings(deadline=None)  # the first example imports SciPy
@given(st.integers(1, 9), st.data())
def test_range_and_p_values_are_those_of_all_splits(num_queries: int, data: st.DataObject) -> None:
    before, after = (data.draw(st.integers(0, num_queries)) for _ in range(2))
    counts = PublishedCounts("x", num_queries, before, after)
    every = splits(before, after, num_queries)
    fewest, most = broken_range(counts)
    assert {broken for _, broken in every} == set(range(fewest, most + 1))
    p_values = [binomtest(fixed, fixed + broken).pvalue if fixed + broken else 1.0 for fixed, broken in every]
    [one] = audit([counts])
    assert one.best.p_exact == pytest.approx(min(p_values), abs=1e-12)
    assert one.worst.p_exact == pytest.approx(max(p_values), abs=1e-12)
    assert (one.best.fixed, one.best.broken) in every
    assert (one.worst.fixed, one.worst.broken) in every


def test_the_papers_largest_gain_is_not_shown_by_its_counts() -> None:
    [one] = audit([PublishedCounts("action @10", 24, 11, 16)])
    assert one.best.p_exact == 0.0625
    assert (one.worst.fixed, one.worst.broken) == (13, 8)
    assert one.best.p_positive == pytest.approx(0.99633, abs=5e-6)
    assert one.best.percentile == pytest.approx((1 / 24, 9 / 24), abs=0.05)
    assert one.least_gain == 0.25
    assert one.support is Support.NOT_SHOWN


@pytest.mark.parametrize(
    ("counts", "support"),
    [
        (PublishedCounts("a", 100, 0, 20), Support.SHOWN),
        (PublishedCounts("b", 100, 40, 50), Support.OPEN),
        (PublishedCounts("c", 100, 40, 42), Support.NOT_SHOWN),
        (PublishedCounts("d", 100, 100, 70), Support.SHOWN),
        (PublishedCounts("e", 1, 0, 1), Support.NOT_SHOWN),
    ],
)
def test_support(counts: PublishedCounts, support: Support) -> None:
    assert audit([counts])[0].support is support


def test_more_comparisons_ask_for_more() -> None:
    open_alone = PublishedCounts("b", 100, 40, 47)
    assert audit([open_alone])[0].support is Support.OPEN
    among = audit([open_alone] + [PublishedCounts("c", 100, 40, 41)] * 9)
    assert among[0].best.p_adjusted == pytest.approx(10 * among[0].best.p_exact)
    assert among[0].support is Support.NOT_SHOWN


def test_too_few_queries_have_no_least_gain() -> None:
    [one] = audit([PublishedCounts("x", 5, 0, 5)])
    assert math.isnan(one.least_gain)
    assert math.isnan(one.detectable_gain)


def test_nothing_to_audit_is_refused() -> None:
    with pytest.raises(UsageError, match=r"an audit needs published counts, got none; give at least one row\."):
        audit([])
