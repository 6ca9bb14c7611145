"""The check of shapes that the tests run under."""

import ast
import importlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import Float, TypeCheckError

from misfire.metrics import reciprocal_rank
from tests.shapes import MOST_CALLS, check_shapes, check_shapes_of, count_anew, states_a_shape

SOURCES = Path(__file__).resolve().parents[1] / "src"
Scores = Float[np.ndarray, "query gallery"]
STATING = [Scores, Scores | None, list[Scores], dict[str, tuple[int, Scores]], "Float[np.ndarray, 'query']"]


@pytest.mark.parametrize("hint", STATING, ids=str)
def test_a_shape_is_found_wherever_it_stands(hint: object) -> None:
    assert states_a_shape(hint)


@pytest.mark.parametrize("hint", [int, np.ndarray, list[int], "QueryDesign", "np.ndarray", None], ids=str)
def test_what_states_no_shape_is_left_as_it_is(hint: object) -> None:
    def function(value: object) -> None:
        return

    function.__annotations__["value"] = hint
    assert not states_a_shape(hint)
    assert check_shapes(function) is function


def test_a_call_with_another_shape_fails() -> None:
    @check_shapes
    def best(scores: Scores, queries: Float[np.ndarray, " query"]) -> Float[np.ndarray, " query"]:
        return scores.max(axis=1) + queries

    assert best(np.zeros((2, 3)), np.zeros(2)).tolist() == [0, 0]
    with pytest.raises(TypeCheckError):
        best(np.zeros((2, 3)), np.zeros(3))
    with pytest.raises(TypeCheckError):
        best(np.zeros((2, 3), dtype=int), np.zeros(2))


def test_the_first_calls_of_each_test_are_checked() -> None:
    @check_shapes
    def best(scores: Scores) -> float:
        return float(scores.max())

    for _ in range(MOST_CALLS):
        best(np.zeros((2, 3)))
    assert best(np.zeros(2)) == 0
    count_anew()
    with pytest.raises(TypeCheckError):
        best(np.zeros(2))


def test_a_field_of_another_shape_fails() -> None:
    @check_shapes
    @dataclass
    class Ranked:
        scores: Scores

    assert Ranked(np.zeros((2, 3))).scores.shape == (2, 3)
    with pytest.raises(TypeCheckError):
        Ranked(np.zeros(2))


def test_the_package_is_checked() -> None:
    with pytest.raises(TypeCheckError):
        reciprocal_rank(np.ones((2, 2), dtype=np.int64))


def test_every_function_of_the_package_that_states_a_shape_is_checked() -> None:
    forgotten, found = [], 0
    for path in SOURCES.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imports = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "jaxtyping"]
        shapes = {alias.name for node in imports for alias in node.names}
        name = ".".join(path.relative_to(SOURCES).with_suffix("").parts).removesuffix(".__init__")
        for node in tree.body if shapes else []:
            if isinstance(node, ast.FunctionDef) and shapes & _names_of_hints(node):
                found += 1
                if not hasattr(getattr(importlib.import_module(name), node.name), "__wrapped__"):
                    forgotten.append(f"{name}.{node.name}")
    assert found > 300
    assert forgotten == []


def _names_of_hints(function: ast.FunctionDef) -> set[str]:
    arguments = function.args
    hints = [one.annotation for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    return {
        inner.id
        for hint in (*hints, function.returns)
        if hint is not None
        for inner in ast.walk(hint)
        if isinstance(inner, ast.Name)
    }


def test_what_is_imported_already_cant_be_checked() -> None:
    with pytest.raises(RuntimeError, match="the shapes of misfire can't be checked, since it is imported already"):
        check_shapes_of("misfire")
