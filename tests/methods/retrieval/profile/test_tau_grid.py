import math

import numpy as np
import pytest

from misfire.core.errors import UsageError
from misfire.methods.retrieval.profile.tau_grid import TauGrid


def test_the_default_is_64_temperatures_from_a_thousandth_to_ten() -> None:
    taus = TauGrid().taus
    assert (len(taus), taus[0], taus[-1]) == (64, 0.001, 10.0)
    np.testing.assert_allclose(np.diff(np.log(taus)), math.log(1e4) / 63, rtol=1e-4)


def test_a_temperature_can_be_written_down_and_asked_again() -> None:
    assert [float(f"{tau:.6g}") for tau in TauGrid(0.0123, 4.56, 11).taus] == TauGrid(0.0123, 4.56, 11).taus.tolist()


@pytest.mark.parametrize("ends", [(0.0, 1.0), (-1.0, 1.0), (1.0, 1.0), (2.0, 1.0), (0.1, math.inf), (math.nan, 1.0)])
def test_ends_that_make_no_grid_are_refused(ends: tuple[float, float]) -> None:
    with pytest.raises(UsageError) as caught:
        TauGrid(*ends)
    assert str(caught.value) == (
        f"pooling.low and pooling.high must be finite with 0 < low < high, got {ends[0]} and {ends[1]}; max and mean "
        "are the profile's ends anyway."
    )


def test_fewer_than_two_are_no_grid() -> None:
    with pytest.raises(UsageError, match=r"pooling.num_taus must be a whole number from 2, got 1; for one tau use"):
        TauGrid(num_taus=1)


def test_temperatures_that_round_to_one_are_refused() -> None:
    with pytest.raises(UsageError, match=r"taus must differ in six digits, got 64 from 1.0 to 1.00001; take fewer\."):
        TauGrid(1.0, 1.00001)
