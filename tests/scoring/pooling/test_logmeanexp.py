from decimal import Decimal, getcontext

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.scoring import LogMeanExpPooling
from misfire.scoring.pooling.logmeanexp import log_mean_exp


def log_mean_exp_in_decimals(scores: list[float], tau: float) -> float:
    """Sixty digits, so that no form loses any."""
    getcontext().prec = 60
    exponentials = [(Decimal(score) / Decimal(tau)).exp() for score in scores]
    return float(Decimal(tau) * (sum(exponentials) / len(exponentials)).ln())


@pytest.mark.parametrize("tau", [1e-4, 1e-3, 0.01, 0.1, 1.0, 10.0, 1e4, 1e7])
def test_no_digit_is_lost_at_any_tau(tau: float) -> None:
    scores = np.random.default_rng(0).normal(0.25, 0.02, size=(7, 20))
    found = log_mean_exp(torch.from_numpy(scores), torch.tensor(tau, dtype=torch.float64))
    expected = [log_mean_exp_in_decimals(column.tolist(), tau) for column in scores.T]
    np.testing.assert_allclose(found, expected, rtol=1e-14)


@given(
    scores=st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=8),
    taus=st.tuples(st.floats(1e-5, 1e5), st.floats(1e-5, 1e5)),
)
@settings(max_examples=100, deadline=None)
def test_it_falls_from_the_maximum_to_the_mean_as_tau_grows(scores: list[float], taus: tuple[float, float]) -> None:
    column = torch.tensor(scores, dtype=torch.float64)[:, None]
    small, large = (log_mean_exp(column, torch.tensor(tau, dtype=torch.float64)).item() for tau in sorted(taus))
    assert max(scores) + 1e-12 >= small >= large - 1e-12
    assert large >= np.mean(scores) - 1e-12
    assert small >= max(scores) - min(taus) * np.log(len(scores)) - 1e-12


def test_extreme_temperatures_neither_overflow_nor_vanish() -> None:
    scores = torch.tensor([[-1.0, 0.5], [1.0, 0.25]])
    assert LogMeanExpPooling(1e-300)(scores).tolist() == [1.0, 0.5]
    assert LogMeanExpPooling(1e300)(scores).tolist() == [0.0, 0.375]


@pytest.mark.parametrize("tau", [0.0, -0.5, float("inf"), float("nan")])
def test_tau_must_be_positive_and_finite(tau: float) -> None:
    with pytest.raises(UsageError, match=f"tau must be a positive finite number, got {tau}; for tau -> 0 use max"):
        LogMeanExpPooling(tau)
