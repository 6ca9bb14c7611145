"""Strict YAML: what two readers could read in two ways is refused, with its file and its line."""

import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.core.yaml_file import MOST_BYTES, read_yaml


def written(folder: Path, data: str | bytes) -> Path:
    path = folder / "größe.yaml"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def refusal(folder: Path, data: str | bytes) -> str:
    with pytest.raises(UsageError) as caught:
        read_yaml(written(folder, data), "a sweep")
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(str(folder), "")


def bomb(levels: int, times: int) -> str:
    lines = ["a0: &a0 [x, x]"]
    for level in range(1, levels):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * times)}]")
    return "\n".join(lines)


def expanded(levels: int, times: int) -> int:
    """Values of a bomb: itself, and of every level its key, its list and what stands in that."""
    size, total = 3, 1
    for _ in range(levels):
        total += 1 + size
        size = 1 + times * size
    return total


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (
            "grid: 1\nfixed: 2\n\ngrid: 3\n",
            "a key of a sweep must stand once, got 'grid' on lines 1 and 4 of /größe.yaml; drop one of them.",
        ),
        (
            "a:\n  - b: 1\n    b: 1\n",
            "a key of a sweep must stand once, got 'b' on lines 2 and 3 of /größe.yaml; drop one of them.",
        ),
        (
            '{"x": 1, x: 2}',
            "a key of a sweep must stand once, got 'x' on lines 1 and 1 of /größe.yaml; drop one of them.",
        ),
        (
            "{1: a, 0x1: b}",
            "a key of a sweep must stand once, got 1 on lines 1 and 1 of /größe.yaml; drop one of them.",
        ),
        (
            "name: größe\n".encode("latin-1"),
            "a sweep must be UTF-8, got /größe.yaml, line 1, where byte 8 isn't; save it as UTF-8.",
        ),
        ("name: x\n".encode("utf-16"), "a sweep must be UTF-8, got UTF-16 in /größe.yaml; save it as UTF-8."),
        (
            b"x" * (MOST_BYTES + 1),
            "a sweep must be at most 1,048,576 bytes, got more in /größe.yaml; is it another file?",
        ),
        (
            bomb(9, 9),
            "a sweep must hold at most 100,000 values once its aliases are expanded, got EXPANDED in /größe.yaml; "
            "write it without so many aliases.",
        ),
        (
            "a: &a\n  b: *a\n",
            "an alias in a sweep must not lead to what it stands in, got one in /größe.yaml, line 1; write the "
            "value out.",
        ),
        (
            "a: 1\nb: " + "[" * 51 + "]" * 51,
            "a sweep must be nested at most 50 levels deep, got more in /größe.yaml, line 2; flatten it.",
        ),
    ],
)
def test_what_is_ambiguous_or_huge_is_refused_with_its_place(tmp_path: Path, data: str | bytes, sentence: str) -> None:
    assert refusal(tmp_path, data) == sentence.replace("EXPANDED", f"{expanded(9, 9):,}")


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ("a: [1, 2\nb: 3\n", 2),
        ("a: 1\nb: c: d\n", 2),
        ("a: !!python/object/apply:os.system ['true']\n", 1),
        ("a: 1\n---\nb: 2\n", 2),
        ("a: *nowhere\n", 1),
        ("? [a, b]\n: c\n", 1),
        ("a:\n\t- b\n", 2),
    ],
)
def test_broken_yaml_names_its_file_and_line(tmp_path: Path, data: str, line: int) -> None:
    assert f"a sweep must be YAML, got /größe.yaml, line {line}" in refusal(tmp_path, data)


@pytest.mark.parametrize("data", ["when: 2026-13-40\n", "n: " + "9" * 5000 + "\n", "a: \x01\n"])
def test_values_that_python_refuses_name_their_file(tmp_path: Path, data: str) -> None:
    assert refusal(tmp_path, data).startswith("a sweep must be YAML, got /größe.yaml")


@pytest.mark.parametrize("data", [bomb(40, 40), "[" * 100_000, "{a: " * 100_000, "&a [" * 3000 + "*a" + "]" * 3000])
def test_a_bomb_is_refused_in_a_second(tmp_path: Path, data: str) -> None:
    start = time.process_time()
    refusal(tmp_path, data)
    assert time.process_time() - start < 1


def test_a_file_that_is_missing_or_no_file_is_named(tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "none.yaml", "No such file or directory"), (tmp_path, "Is a directory")):
        with pytest.raises(UsageError) as caught:
            read_yaml(path, "a taxonomy")
        assert str(caught.value) == f"a taxonomy must be a readable YAML file, got {path} ({reason}); mend or name it."


def test_merges_aliases_and_marks_of_the_encoding_are_read(tmp_path: Path) -> None:
    text = "\ufeffbase: &base {a: 1, b: 2}\nmore:\n  <<: *base\n  b: 3\n"
    file = read_yaml(written(tmp_path, text), "a sweep")
    assert file.content == {"base": {"a": 1, "b": 2}, "more": {"a": 1, "b": 3}}
    assert file.where("more", "b").endswith("größe.yaml, line 4")
    assert read_yaml(written(tmp_path, "# nothing\n"), "a sweep").content is None


def test_known_keys_are_held_against_what_is_there(tmp_path: Path) -> None:
    file = read_yaml(written(tmp_path, "question: Why?\nfixd: {a: 1}\ngrid: 3\n"), "a sweep")
    with pytest.raises(UsageError) as caught:
        file.entries(required=("question",), optional=("fixed", "grid"), example="sweeps/table1.yaml")
    assert str(caught.value).replace(str(tmp_path), "") == (
        "a sweep may have the keys question, fixed, grid, got 'fixd' in /größe.yaml, line 2 (did you mean fixed?); "
        "rename or drop it; see sweeps/table1.yaml."
    )
    with pytest.raises(
        UsageError, match=r"a sweep must have rule, got none named 1 \(rule\) in .*größe.yaml, line 1; add"
    ):
        file.entries(required=("rule",), optional=("question", "fixd", "grid"))
    with pytest.raises(UsageError, match=r"grid of a sweep must be a mapping, got 3 in .*größe.yaml, line 3\."):
        file.entries("grid")
    assert file.entries("fixd", optional="a") == {"a": 1}


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text("abc é:#-[]{}'\"&*!|>%@`", max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abc: ", min_size=1, max_size=4), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(plain)
def test_what_yaml_writes_is_read_as_it_was(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    path = written(tmp_path_factory.getbasetemp(), yaml.safe_dump(value, allow_unicode=True))
    assert read_yaml(path, "a file").content == value
