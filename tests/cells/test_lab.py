"""What a workbench keeps."""

from dataclasses import replace
from pathlib import Path

import pytest

from misfire.cells.lab import Workbench
from tests.methods.retrieval import invented


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    return invented.workbench(tmp_path)


def test_a_result_is_computed_once_while_it_is_among_the_last_few(bench: Workbench) -> None:
    computed: list[str] = []

    def result(name: str) -> str:
        def compute() -> str:
            computed.append(name)
            return name.upper()

        return bench.once(name, compute)

    assert [result(name) for name in ("a", "b", "a")] == ["A", "B", "A"]
    assert computed == ["a", "b"]
    for number in range(15):
        result(f"more {number}")
    result("a")  # it was asked for again after b, so b went first
    assert computed.count("a") == 1
    result("b")
    assert computed.count("b") == 2


def test_another_workbench_keeps_its_own(bench: Workbench) -> None:
    assert bench.once("a", lambda: 1) == 1
    assert replace(bench).once("a", lambda: 2) == 2
    assert bench == replace(bench)
