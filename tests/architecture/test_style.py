"""The house style, as far as a machine can tell."""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from misfire.cli import _entry

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
MOST_LINES = 700  # a concept that takes many lines is one file, but no file knows a whole method
TEXT_SUFFIXES = {".py", ".md", ".yaml", ".yml", ".toml", ".j2", ".json", ".txt", ".sh"}
# Assembled, so that this file holds none of them.
UNFINISHED = ("TO" + "DO", "FIX" + "ME", "help" + "er")


def names_of(paths: list[Path]) -> list[str]:
    return [path.relative_to(ROOT).as_posix() for path in paths]


@pytest.mark.parametrize("words", [("check",), ("format", "--check")], ids=["check", "format"])
def test_ruff_has_nothing_to_say(words: tuple[str, ...]) -> None:
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent)) or "ruff"
    done = subprocess.run([ruff, *words, "--no-cache", str(ROOT)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_file_is_long() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert names_of([path for path, length in lengths.items() if length > MOST_LINES]) == []


def test_every_module_says_what_it_is() -> None:
    silent = [path for path in SOURCES if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]
    assert names_of(silent) == []


@pytest.mark.parametrize("verb", _entry.verbs())
def test_a_verb_says_in_one_line_what_it_does(verb: str) -> None:
    line = _entry.summary(verb)
    assert line.endswith(".")
    assert line[0].isupper()
    assert len(line) <= 120


def project_texts() -> Iterator[Path]:
    """What a reader of the project reads."""
    yield ROOT / "README.md"
    for folder in ("src", "docs", "conf", "sweeps"):
        yield from (path for path in sorted((ROOT / folder).rglob("*")) if path.suffix in TEXT_SUFFIXES)


@pytest.mark.parametrize("word", UNFINISHED)
def test_nothing_is_left_unfinished(word: str) -> None:
    pattern = re.compile(rf"\b{word}s?\b", re.IGNORECASE)
    found = [path for path in project_texts() if pattern.search(path.read_text(encoding="utf-8"))]
    assert names_of(found) == []


def test_no_module_is_a_drawer_for_the_rest() -> None:
    drawers = {"utils", "util", "common", "misc", f"{UNFINISHED[2]}s", UNFINISHED[2]}
    assert names_of([path for path in SOURCES if {path.stem, *path.parts[:-1]} & drawers - set(ROOT.parts)]) == []


def test_nothing_unpickles_or_builds_objects_from_yaml() -> None:
    banned = re.compile(r"\bimport pickle\b|\bpickle\.loads?\b|yaml\.(?:unsafe_|full_)?load\(|allow_pickle=True")
    found = [path for path in SOURCES if banned.search(path.read_text(encoding="utf-8"))]
    assert names_of(found) == []


def test_weights_are_loaded_without_objects() -> None:
    loads = re.compile(r"torch\.load\((?![^)]*weights_only=True)")
    assert names_of([path for path in SOURCES if loads.search(path.read_text(encoding="utf-8"))]) == []


def test_every_room_says_what_it_offers() -> None:
    rooms = [path for path in SOURCES if path.name == "__init__.py" and path.parent.parent == ROOT / "src" / "misfire"]
    bare = [
        path
        for path in rooms
        if path.parent.name not in ("core", "methods", "reporting")
        and "__all__" not in path.read_text(encoding="utf-8")
    ]
    assert names_of(bare) == []
