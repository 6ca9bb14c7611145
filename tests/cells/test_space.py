import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from misfire.cells.axis import Choice, Range
from misfire.cells.space import EntrySubset, SearchSpace, settings_with_every_value
from misfire.core.errors import UsageError

POOLING = Choice("pooling", ("max", "mean", "logmeanexp"))
TAU = Range("pooling.tau", 0.001, 1, is_log=True, num_points=4, when={"pooling": ("logmeanexp",)})
SUBSET = EntrySubset("templates", "generic", ("{caption}", "a photo of {caption}", "the dog's {caption}"))


class Recorder:
    """Chooses at random, and keeps what it was asked."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.asked: list[str] = []

    def suggest_categorical(self, name: str, choices: list[object]) -> object:
        self.asked.append(name)
        return choices[int(self.rng.integers(len(choices)))]

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        self.asked.append(name)
        return float(self.rng.uniform(low, high))


def test_a_grid_holds_each_combination_that_applies_once() -> None:
    space = SearchSpace((POOLING, TAU), SUBSET)
    taus = TAU.grid()
    np.testing.assert_allclose(taus, np.geomspace(0.001, 1, 4))
    poolings = [("max",), ("mean",), *(("logmeanexp", tau) for tau in taus)]
    wanted = {(*one, *kept) for one, kept in itertools.product(poolings, itertools.product((True, False), repeat=2))}
    found = [tuple(setting.values()) for setting in space.grid()]
    assert set(found) == wanted
    assert len(found) == len(wanted) == 24


def test_the_ends_of_a_range_are_in_its_grid_exactly() -> None:
    points = Range("pooling.tau", 0.003, 0.7, is_log=True, num_points=5).grid()
    assert (points[0], points[-1]) == (0.003, 0.7)
    assert Range("pooling.tau", 0, 1, num_points=3).grid() == (0, 0.5, 1)


@given(seed=st.integers(0, 2**32 - 1))
def test_a_setting_has_a_value_for_each_axis_that_applies(seed: int) -> None:
    trial = Recorder(seed)
    setting = SearchSpace((POOLING, TAU), SUBSET).suggest(trial)
    assert list(setting) == trial.asked
    assert ("pooling.tau" in setting) == (setting["pooling"] == "logmeanexp")
    assert {"template 2", "template 3"} <= set(setting)


def test_a_setting_assigns_values_as_they_are() -> None:
    setting = {"pooling": "logmeanexp", "pooling.tau": 0.1 + 0.2, "template 2": False, "template 3": True}
    assert SearchSpace((POOLING, TAU), SUBSET).assigned(setting) == {
        "pooling": "logmeanexp",
        "pooling.tau": 0.1 + 0.2,
        "templates": "generic",
        "templates.templates": ["{caption}", "the dog's {caption}"],
        "templates.name": "generic[1+3]",
    }


def test_every_choice_and_both_ends_are_tried() -> None:
    found = settings_with_every_value(SearchSpace((POOLING, TAU), SUBSET))
    assert {setting["pooling"] for setting in found} == set(POOLING.values)
    assert {setting["pooling.tau"] for setting in found if "pooling.tau" in setting} == {0.001, 1.0}
    assert {tuple(v for k, v in setting.items() if "template" in k) for setting in found} == {(True,) * 2, (False,) * 2}


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (lambda: Choice("pooling", ()), "an axis must list different values, got [] for pooling; list each once."),
        (lambda: Choice("pooling", ("max", "max")), "got ['max', 'max'] for pooling;"),
        (lambda: Range("pooling.tau", 1, 0.1), "from low to a greater high, from above 0 with log, got 1 to 0.1"),
        (lambda: Range("pooling.tau", 0, 1, is_log=True), "got 0 to 1 for pooling.tau;"),
        (lambda: Range("pooling.tau", 0, float("inf")), "got 0 to inf"),
        (lambda: Range("pooling.tau", 0, 1, num_points=1), "points must be >= 2, got 1 for pooling.tau;"),
        (
            lambda: Range("pooling.tau", 0, 1).grid(),
            "a grid must say how many points a range has, got none for pooling.tau",
        ),
        (lambda: SearchSpace(()), "a search must have something to vary, got an empty space;"),
        (lambda: SearchSpace((POOLING, POOLING)), "a key must stand once in a space, got 1 (pooling) twice;"),
        (
            lambda: SearchSpace((TAU, POOLING)),
            "when must name axes that stand before, got 1 (pooling) for pooling.tau;",
        ),
        (lambda: EntrySubset("templates", "one", ("{caption}",)), "needs a list of two or more, got 1 in one;"),
    ],
)
def test_an_impossible_space_is_refused_in_one_sentence(make: object, part: str) -> None:
    with pytest.raises(UsageError) as caught:
        make()  # type: ignore[operator]
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)
