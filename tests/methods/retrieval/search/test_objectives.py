import pytest

from misfire.cells import Flips
from misfire.core.errors import UsageError
from misfire.methods.retrieval import EnsembleCell
from tests.methods.retrieval.finished import cut_off, ensemble


def value_of(name: str, *cut_offs: list, k: int = 5) -> float:
    return EnsembleCell.objectives[name].of(ensemble(*cut_offs).logged.estimates, k=k)


@pytest.mark.parametrize(
    ("name", "value", "direction"),
    [
        ("gain", 20.0, "maximize"),  # 3 fixed and 1 broken of 10
        ("hits", 50.0, "maximize"),  # 3 fixed and 2 still right of 10
        ("broken", 10.0, "minimize"),  # 2 of 20 others
        ("net", 2.0, "maximize"),  # 2 net of 10, and 0 net of the 90 others
    ],
)
def test_an_objective_is_its_counts(name: str, value: float, direction: str) -> None:
    objective = EnsembleCell.objectives[name]
    assert value_of(name) == pytest.approx(value)
    assert objective.direction == direction
    assert "5" in objective.title_at(5)


def test_the_cut_off_is_read() -> None:
    worse = cut_off(1, Flips(0, 4, 1, 5))
    assert value_of("gain", worse, cut_off(5), k=1) == pytest.approx(-40)


@pytest.mark.parametrize("name", ["broken", "net"])
def test_an_unknown_price_is_not_zero(name: str) -> None:
    with pytest.raises(UsageError, match=f"objective {name} needs other queries than the subset's, got 0; raise"):
        value_of(name, cut_off(5, others=Flips(0, 0, 0, 0)))
