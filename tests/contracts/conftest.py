"""A stranger's package, as if it were installed: it lies here and nowhere under src/."""

import sys
from collections.abc import Iterator
from importlib import invalidate_caches
from pathlib import Path

import pytest

TOY = Path(__file__).parent / "toy"


def forget_what_was_found() -> None:
    from misfire.config import composing, groups, settings

    for module in (groups, composing, settings):
        module.forget()
    invalidate_caches()


@pytest.fixture
def toyroom(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """An empty folder to work in, with the stranger's package on the path."""
    monkeypatch.syspath_prepend(str(TOY))
    monkeypatch.chdir(tmp_path)
    forget_what_was_found()
    yield tmp_path
    monkeypatch.undo()
    for name in [name for name in sys.modules if name.partition(".")[0] == "toyroom"]:
        del sys.modules[name]
    forget_what_was_found()
