"""A grid's configurations: made of what each choice composes once, they are what Hydra composes of all together."""

from itertools import product

import pytest
from omegaconf import OmegaConf

from misfire.config import composing
from misfire.config.composing import composed


@pytest.fixture
def by_hydra(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The choices that Hydra is asked to compose, from nothing on."""
    asked = []
    compose = composing._composed_by_hydra

    def counted(verb: str, choices: tuple[str, ...]) -> object:
        asked.append(choices)
        return compose(verb, choices)

    composing.forget()
    monkeypatch.setattr(composing, "_composed_by_hydra", counted)
    return asked


def test_a_grid_composes_each_choice_once(by_hydra: list[tuple[str, ...]]) -> None:
    grid = list(
        product(
            ("subset=all", "subset=object"),
            ("pooling=max", "pooling=logmeanexp"),
            ("templates=gated", "templates=matched"),
        )
    )
    made = [
        composed("ensemble", [*words, "pooling.tau=0.2"] if "pooling=logmeanexp" in words else words) for words in grid
    ]
    assert by_hydra == [grid[0], grid[1], grid[2], grid[4]]
    for words, config in zip(grid, made, strict=True):
        expected = composing._composed_by_hydra("ensemble", words)
        if "pooling=logmeanexp" in words:
            expected.pooling.tau = 0.2
        expected.tracking.experiment = config.tracking.experiment  # named by what else was said
        assert OmegaConf.to_yaml(config) == OmegaConf.to_yaml(expected)


def test_the_same_choices_in_another_order_are_kept_apart(by_hydra: list[tuple[str, ...]]) -> None:
    one, other = (
        composed("ensemble", ["subset=all", "pooling=max"]),
        composed("ensemble", ["pooling=max", "subset=all"]),
    )
    assert (one.subset, one.pooling) == (other.subset, other.pooling)
    assert len(by_hydra) == 2


def test_a_choice_that_says_where_it_belongs_is_left_to_hydra(by_hydra: list[tuple[str, ...]]) -> None:
    grid = list(product(("dataset=world", "dataset=outcomes"), ("prior=none", "prior=label_free")))
    for words in grid:
        kind = composed("classify", words).cell._target_
        assert kind.endswith("OutcomesCell" if "dataset=outcomes" in words else "ClassificationCell")
    assert by_hydra == grid
