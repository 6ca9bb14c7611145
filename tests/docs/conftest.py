"""A folder for a guide's commands."""

from pathlib import Path

import pytest

from tests.blank_figures import draw_blanks


@pytest.fixture(scope="session")
def embeddings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What guides have embedded so far: most ask about the same small world."""
    return tmp_path_factory.mktemp("embeddings")


@pytest.fixture
def own_folder(tmp_path: Path, embeddings: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: the test's own but for the embeddings, where figures stay blank."""
    (tmp_path / "mlruns").mkdir()
    (tmp_path / "mlruns" / "embeddings").symlink_to(embeddings)
    draw_blanks(monkeypatch)
    monkeypatch.chdir(tmp_path)
    return tmp_path
