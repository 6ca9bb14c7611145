import numpy as np
import pytest

from misfire.cells import CHOSEN, OTHERS, Paired
from misfire.core.errors import UsageError


def paired(part: list[str], after: list[float] | None = None) -> Paired:
    size = len(part)
    return Paired(
        unit=np.arange(size),
        cluster=np.arange(size) // 2,
        part=np.array(part),
        weight=np.ones(size),
        before=np.zeros(size),
        after=np.array(after if after is not None else [1.0] * size),
    )


def test_units_are_told_apart_by_part() -> None:
    found = paired([CHOSEN, OTHERS, CHOSEN])
    assert found.is_chosen.tolist() == [True, False, True]
    assert found.only(found.is_chosen).unit.tolist() == [0, 2]


def test_outcomes_that_are_no_hits_are_not_binary() -> None:
    assert paired([CHOSEN, CHOSEN]).is_binary
    assert not paired([CHOSEN, CHOSEN], [1.0, 0.5]).is_binary


def test_there_is_a_chosen_unit() -> None:
    with pytest.raises(UsageError, match=r"with chosen units among them, got lengths \[2\] and 0 chosen"):
        paired([OTHERS, OTHERS])


def test_arrays_have_one_length() -> None:
    with pytest.raises(Exception, match=r"lengths|unit"):
        Paired(np.arange(2), np.arange(2), np.array([CHOSEN] * 2), np.ones(2), np.zeros(2), np.zeros(3))
