from collections.abc import Callable

import pytest

from misfire.core.errors import UsageError
from misfire.methods.retrieval.ensemble.report.rows import CellRow

MakeRow = Callable[..., CellRow]


def test_gain_is_a_difference_of_counts(make_row: MakeRow) -> None:
    row = make_row(num_queries=87, before={10: 45}, after={10: 46})
    assert (row.ks, row.gained_hits(10), row.delta(10)) == ((10,), 1, 1 / 87)


def test_counts_that_do_not_fit_are_refused(make_row: MakeRow) -> None:
    row = make_row()
    values = {name: getattr(row, name) for name in row.__dataclass_fields__}
    with pytest.raises(
        UsageError, match=r"must count its hits among num_queries >= 1, got \[25, 1\] of 24; run the cell"
    ):
        CellRow(**{**values, "baseline_hits": {1: 25}, "ensembled_hits": {1: 1}})
    with pytest.raises(
        UsageError, match=r"hits of both systems at the same k, got \[1\] and \[5\]; run the cell again"
    ):
        CellRow(**{**values, "baseline_hits": {1: 2}, "ensembled_hits": {5: 2}})
