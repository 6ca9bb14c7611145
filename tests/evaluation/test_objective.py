import pytest

from misfire.core.errors import UsageError
from misfire.methods.retrieval.flips import Flips
from misfire.methods.retrieval.search.objective import objective_named
from tests.evaluation.outcomes import cutoff, outcome


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
    objective = objective_named(name, k=5)
    assert objective(outcome()) == pytest.approx(value)
    assert objective.direction == direction
    assert "5" in objective.title


def test_the_cut_off_is_read() -> None:
    worse = cutoff(1, subset=Flips(0, 4, 1, 5))
    assert objective_named("gain", k=1)(outcome(worse, cutoff(5))) == pytest.approx(-40)


@pytest.mark.parametrize("name", ["broken", "net"])
def test_an_unknown_price_is_not_zero(name: str) -> None:
    with pytest.raises(UsageError, match=f"objective {name} needs other queries than the subset's, got 0; raise"):
        objective_named(name, k=5)(outcome(cutoff(5, others=Flips(0, 0, 0, 0))))


def test_an_unknown_objective_lists_the_known() -> None:
    with pytest.raises(UsageError, match="an objective must be one of gain, hits, broken, net, got recall; choose one"):
        objective_named("recall", k=5)
