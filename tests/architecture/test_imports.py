"""Imports run downwards, and frameworks stay at the edge: the contracts of pyproject.toml."""

from pathlib import Path

from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).parents[2]


def test_every_contract_is_kept(tmp_path: Path) -> None:
    status = lint_imports(config_filename=str(ROOT / "pyproject.toml"), cache_dir=str(tmp_path), verbose=False)
    assert status == EXIT_STATUS_SUCCESS
