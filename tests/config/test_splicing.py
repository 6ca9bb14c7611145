"""A grid's configurations: made of what each choice composes once, they are what Hydra composes of all together."""

from itertools import product
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from misfire.config import composing
from misfire.config.composing import composed
from misfire.config.splicing import Splices


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


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Files of two groups with two choices each, none of which says where it belongs."""
    paths = {name: tmp_path / f"{name}.yaml" for name in ("a1", "a2", "b1", "b2")}
    for path in paths.values():
        path.write_text("# A choice.\nx: 1\n")
    known = {group: {name: path for name, path in paths.items() if name[0] == group} for group in "ab"}
    monkeypatch.setattr("misfire.config.splicing.groups", lambda: known)
    return paths


def kept(*, more: dict[str, int]) -> Splices:
    """What three of four configurations say; a further key of the one with the second ``a``."""
    splices = Splices()
    for a, b in ((1, 1), (1, 2), (2, 1)):
        config = OmegaConf.create({"a": {"x": a}, "b": {"x": b}, "other": 0, **(more if a == 2 else {})})
        splices.keep((f"a=a{a}", f"b=b{b}"), config)
    return splices


def test_places_are_filled_where_choices_keep_to_them(files: dict[str, Path]) -> None:
    splices = kept(more={})
    made = splices.config(("a=a2", "b=b2"))
    assert made == {"a": {"x": 2}, "b": {"x": 2}, "other": 0}
    made.a.x = 9  # belongs to whoever asked
    assert splices.config(("a=a2", "b=b1")) == {"a": {"x": 2}, "b": {"x": 1}, "other": 0}


def test_a_choice_that_changes_more_than_its_place_fills_none(files: dict[str, Path]) -> None:
    assert kept(more={"other": 1}).config(("a=a2", "b=b2")) is None
    splices = kept(more={"further": 1})
    splices.keep(("a=a2", "b=b2"), OmegaConf.create({"a": {"x": 2}, "b": {"x": 2}, "other": 0, "further": 1}))
    assert splices.config(("a=a2", "b=b2")) is None


@pytest.mark.parametrize("header", ["# @package _global_", "#@package _global_", "# A choice.\n# @package b"])
def test_a_file_with_a_package_header_fills_no_place(files: dict[str, Path], header: str) -> None:
    files["a2"].write_text(f"{header}\nx: 1\n")
    assert kept(more={}).config(("a=a2", "b=b2")) is None
    assert kept(more={}).config(("a=a1", "b=b2")) is not None
