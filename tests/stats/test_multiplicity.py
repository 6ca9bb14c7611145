import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests  # type: ignore[import-untyped]

from misfire.core.errors import UsageError
from misfire.stats import benjamini_hochberg, benjamini_yekutieli, holm

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@pytest.mark.parametrize("num_tests", [1, 2, 5, 12, 200])
def test_adjusted_p_values_match_statsmodels(num_tests: int) -> None:
    p_values = np.round(np.random.default_rng(num_tests).random(num_tests) ** 3, 3)
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1], abs=1e-12)
    assert benjamini_hochberg(p_values) == pytest.approx(multipletests(p_values, method="fdr_bh")[1], abs=1e-12)
    assert benjamini_yekutieli(p_values) == pytest.approx(multipletests(p_values, method="fdr_by")[1], abs=1e-12)


@given(st.lists(st.floats(0, 1), max_size=8))
def test_definitions_by_brute_force(values: list[float]) -> None:
    """The smallest level at which the procedure, carried out step by step, rejects a test."""
    ordered, total = sorted(values), len(values)
    for value, by_holm, by_step_up in zip(
        values, holm(np.array(values)), benjamini_hochberg(np.array(values)), strict=True
    ):
        steps = [min(1.0, p * (total - i)) for i, p in enumerate(ordered) if p <= value]
        assert by_holm == pytest.approx(max(steps), abs=1e-12)
        steps = [p * total / (i + 1) for i, p in enumerate(ordered) if p >= value]
        assert by_step_up == pytest.approx(min(1.0, *steps), abs=1e-12)


@given(P_VALUES, st.integers(0, 2**32))
def test_an_undefined_test_stays_so_and_is_not_counted(values: list[float], seed: int) -> None:
    p_values = np.array(values)
    gaps = np.insert(p_values, np.random.default_rng(seed).integers(0, len(values) + 1, size=3), np.nan)
    for adjust in (holm, benjamini_hochberg, benjamini_yekutieli):
        adjusted = adjust(gaps)
        assert (np.isnan(adjusted) == np.isnan(gaps)).all()
        assert adjusted[~np.isnan(gaps)].tolist() == adjust(p_values).tolist()


@given(P_VALUES, st.integers(0, 9))
def test_tests_that_cannot_be_rejected_count_as_p_values_of_one(values: list[float], num_others: int) -> None:
    told = benjamini_hochberg(np.array(values), num_tests=len(values) + num_others)
    assert told == pytest.approx(benjamini_hochberg(np.array(values + [1.0] * num_others))[: len(values)], abs=1e-12)
    with pytest.raises(UsageError, match=r"num_tests must be at least the number of p-values, got 0 for"):
        benjamini_hochberg(np.array(values), num_tests=0)


def test_bad_input_is_refused_with_its_remedy() -> None:
    for adjust in (holm, benjamini_hochberg):
        with pytest.raises(UsageError, match=r"got 1 of 2 outside, the first 1.96; pass p-values, not statistics."):
            adjust(np.array([0.5, 1.96]))
