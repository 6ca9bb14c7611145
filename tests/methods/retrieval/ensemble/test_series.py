from collections.abc import Callable

import pytest

from misfire.methods.retrieval.ensemble.logged import LoggedEnsemble
from misfire.methods.retrieval.ensemble.series import (
    series_of,
    sorted_rows,
    sorted_subsets,
    subset_label,
    without_tau_sweep,
)

MakeRow = Callable[..., LoggedEnsemble]


def test_published_subsets_and_poolings_come_first_in_the_published_order(make_row: MakeRow) -> None:
    subsets = ["zebra", "action", "object", "count", "attribute", "object_attribute"]
    rows = [
        make_row(subset=subset, pooling=p) for subset in subsets for p in ("mean", "median", "embedding_mean", "max")
    ]
    assert sorted_subsets(rows) == ["object_attribute", "object", "attribute", "action", "count", "zebra"]
    assert [row.pooling for row in sorted_rows(rows)][:4] == ["max", "mean", "embedding_mean", "median"]


def test_temperatures_stand_in_their_order(make_row: MakeRow) -> None:
    rows = [make_row(pooling="logmeanexp", tau=tau) for tau in (10.0, 0.01, 1.0)]
    assert [row.tau for row in sorted_rows(rows)] == [0.01, 1.0, 10.0]


def test_order_of_the_input_changes_nothing(tau_rows: list[LoggedEnsemble]) -> None:
    assert sorted_rows(tau_rows) == sorted_rows(tau_rows[::-1])
    assert series_of(tau_rows) == series_of(tau_rows[::-1])


def test_a_series_is_named_by_what_tells_it_apart(make_row: MakeRow) -> None:
    alone = [make_row(subset=subset) for subset in ("object", "action")]
    assert [one.label for one in series_of(alone)] == ["max"]
    both = [make_row(templates=templates) for templates in ("generic", "action")]
    assert [one.label for one in series_of(both)] == ["max · action", "max · generic"]
    backbones = [make_row(backbone=backbone, pooling="logmeanexp", tau=0.5) for backbone in ("B-32", "L-14")]
    assert [one.label for one in series_of(backbones)] == ["logmeanexp (τ=0.5) · B-32", "logmeanexp (τ=0.5) · L-14"]


def test_of_a_tau_sweep_the_cell_nearest_to_one_is_kept(make_row: MakeRow) -> None:
    swept = [make_row(pooling="logmeanexp", tau=tau) for tau in (0.01, 0.5, 3.0)]
    kept = without_tau_sweep([make_row(), *swept])
    assert [row.tau for row in kept] == [None, 0.5]
    assert without_tau_sweep(swept[:2]) == swept[:2]


@pytest.mark.parametrize(
    ("subset", "label"),
    [("action", "Action"), ("object_attribute", "Object+Attribute"), ("all", "All"), ("my_own_file", "my_own_file")],
)
def test_subset_labels(subset: str, label: str) -> None:
    assert subset_label(subset) == label
