import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix

from misfire.core.errors import UsageError
from misfire.stats import category_agreement, cohen_kappa, confusion_counts

pair_lists = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40)


@settings(deadline=None)
@given(pair_lists)
def test_kappa_comes_back_from_pabak_prevalence_and_bias(pairs: list[tuple[int, int]]) -> None:
    """Byrt, Bishop and Carlin 1993: kappa = (PABAK - PI**2 + BI**2) / (1 - PI**2 + BI**2)."""
    first, second = np.array(pairs).T
    for entry in category_agreement(first, second, num_replicates=5, rng=np.random.default_rng(0)):
        kappa, squares = entry.one_versus_rest.kappa, entry.bias_index**2 - entry.prevalence_index**2
        if math.isnan(kappa):
            assert 1 + squares == pytest.approx(0)
            assert "the agreement by chance is 1" in entry.one_versus_rest.reason
        else:
            assert kappa == pytest.approx((entry.pabak + squares) / (1 + squares))
        assert (entry.count_a, entry.count_b) == ((first == entry.category).sum(), (second == entry.category).sum())
        assert entry.count_both == ((first == entry.category) & (second == entry.category)).sum()


def test_a_published_two_by_two_table() -> None:
    """Feinstein and Cicchetti 1990, as Byrt and others take it up: 80 yes-yes, 10 yes-no, 5 no-yes, 5 no-no."""
    first = ["yes"] * 90 + ["no"] * 10
    second = ["yes"] * 80 + ["no"] * 10 + ["yes"] * 5 + ["no"] * 5
    entry = category_agreement(first, second, categories=["yes", "no"], rng=np.random.default_rng(0))[0]
    assert (entry.prevalence_index, entry.bias_index, entry.pabak) == (0.75, 0.05, pytest.approx(0.70))
    assert round(entry.one_versus_rest.kappa, 2) == 0.32


def test_a_category_that_nobody_used_is_undefined() -> None:
    rng = np.random.default_rng(0)
    entries = category_agreement(["a", "b", "a"], ["a", "b", "b"], categories=["a", "b", "c"], rng=rng)
    assert [entry.category for entry in entries] == ["a", "b", "c"]
    assert math.isnan(entries[2].one_versus_rest.kappa)
    assert (entries[2].prevalence_index, entries[2].bias_index, entries[2].pabak) == (-1.0, 0.0, 1.0)


def test_without_a_common_item_everything_is_undefined() -> None:
    (entry,) = category_agreement(["a", None], [None, "a"], rng=np.random.default_rng(0))
    values = entry.one_versus_rest.kappa, entry.prevalence_index, entry.bias_index, entry.pabak
    assert all(map(math.isnan, values))


def test_two_categories_have_the_kappa_of_the_pair() -> None:
    first, second = np.random.default_rng(0).integers(0, 2, size=(2, 50))
    entries = category_agreement(first, second, num_replicates=5, rng=np.random.default_rng(0))
    whole = cohen_kappa(first, second, num_replicates=5, rng=np.random.default_rng(0))
    assert [entry.one_versus_rest.kappa for entry in entries] == pytest.approx([whole.kappa] * 2)


@given(pair_lists)
def test_confusion_is_scikit_learns(pairs: list[tuple[int, int]]) -> None:
    first, second = np.array(pairs).T
    counts, categories = confusion_counts(first, second, categories=[3, 1, 0, 2])
    assert categories == (3, 1, 0, 2)
    assert (counts == confusion_matrix(first, second, labels=[3, 1, 0, 2])).all()


def test_an_unknown_label_is_refused() -> None:
    with pytest.raises(UsageError, match=r"got 1 \('objcet'\) that are not; correct them"):
        confusion_counts(["Object", "objcet"], ["Object", "Object"], categories=["Object"])
