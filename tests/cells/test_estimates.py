import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from misfire.cells import Estimate, Estimates
from misfire.core.errors import IntegrityError, UsageError

NUMBERS = st.floats(allow_nan=True, allow_infinity=True)
ROWS = st.builds(
    Estimate,
    metric=st.text('abc/_é,"\n', min_size=1, max_size=6),
    value=NUMBERS,
    k=st.none() | st.integers(1, 10**6),
    group=st.text("xyz/ ", max_size=5),
    unit=st.sampled_from(["fraction", "difference", "count", "p", "score", "seconds"]),
    low=NUMBERS,
    high=NUMBERS,
    n=st.none() | st.integers(0, 10**9),
    is_tracked=st.booleans(),
)


@given(st.lists(ROWS, unique_by=lambda row: row.key, max_size=8))
def test_a_table_is_read_back_to_the_last_bit(rows: list[Estimate]) -> None:
    found = Estimates.from_csv(Estimates.of(rows).to_csv())
    assert repr(found.rows) == repr(tuple(rows))  # NaN equals no NaN, but is written as one


def test_metrics_are_named_by_one_rule_and_differences_are_told_in_points() -> None:
    table = Estimates.of(
        [
            Estimate("t2i/hit", 1 / 7, k=10, group="delta", unit="difference", low=-0.05, high=0.25),
            Estimate("t2i/hit", 0.5, k=10, group="ensembled"),
            Estimate("accuracy", 0.25),
            Estimate("hidden", 1.0, is_tracked=False),
            Estimate("undefined", math.nan),
        ]
    )
    assert table.metrics() == {
        "t2i/hit_at_10/delta_pp": 14.2857,
        "t2i/hit_at_10/delta_low_pp": -5.0,
        "t2i/hit_at_10/delta_high_pp": 25.0,
        "t2i/hit_at_10/ensembled": 0.5,
        "accuracy": 0.25,
    }


def test_an_estimate_is_found_by_its_whole_key() -> None:
    table = Estimates.of([Estimate("hit", 0.1, k=1), Estimate("hit", 0.5, k=5), Estimate("hit", 0.2, k=5, group="a")])
    assert (table.at("hit", k=5).value, table.at("hit", k=5, group="a").value) == (0.5, 0.2)
    assert table.find("hit") is None
    with pytest.raises(UsageError, match=r"an estimate must be one of the cell's, got hit_at_7/b; there are hit_at_1"):
        table.at("hit", k=7, group="b")


def test_a_key_stands_once() -> None:
    with pytest.raises(UsageError, match=r"estimates must have different keys, got \('hit', 1, ''\) twice"):
        Estimates.of([Estimate("hit", 0.1, k=1), Estimate("hit", 0.2, k=1)])


@pytest.mark.parametrize("text", ["", "metric,value\n", "a,b,c\n1,2,3\n"])
def test_what_is_no_such_table_is_damaged(text: str) -> None:
    with pytest.raises(IntegrityError, match=r"stored estimates must be a table of metric, .*run the cell again"):
        Estimates.from_csv(text)


def test_a_cut_line_is_damaged() -> None:
    whole = Estimates.of([Estimate("hit", 0.1, k=1), Estimate("hit", 0.5, k=5)]).to_csv()
    with pytest.raises(IntegrityError):
        Estimates.from_csv(whole[: len(whole) - 12])
