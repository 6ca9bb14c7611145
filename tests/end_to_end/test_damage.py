"""Stored data that is not what was written: exit code 3, and nothing lost."""

from pathlib import Path

import pytest

from tests.end_to_end.conftest import Place

pytestmark = pytest.mark.end_to_end

CELL = ("ensemble", "subset=failures", "templates=generic", "pooling=max")


def flip_a_byte(path: Path) -> bytes:
    content = path.read_bytes()
    path.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    return content


def largest(folder: Path, pattern: str) -> Path:
    return max(folder.rglob(pattern), key=lambda path: path.stat().st_size)


@pytest.mark.parametrize("words", [("evaluate",), CELL], ids=lambda words: words[0])
def test_a_flipped_byte_of_an_embedding_is_found(
    words: tuple[str, ...], own_place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    shard = largest(own_place.root / "embeddings", "*.safetensors")
    content = flip_a_byte(shard)
    assert own_place.misfire(*words) == 3
    error = capsys.readouterr().err
    assert error.startswith("misfire: ")
    assert error.count("\n") == 1
    assert own_place.store().runs() == []
    shard.write_bytes(content)
    assert own_place.misfire(*words) == 0


def test_a_flipped_byte_of_a_failure_set_is_found(own_place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    content = flip_a_byte(rows := largest(own_place.root / "failures", "failure_set.parquet"))
    assert own_place.misfire(*CELL) == 3
    assert capsys.readouterr().err.startswith("misfire: failure set ")
    rows.write_bytes(content)
    assert own_place.misfire(*CELL) == 0


def test_in_a_grid_too(own_place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    flip_a_byte(largest(own_place.root / "embeddings", "*.safetensors"))
    assert own_place.misfire("ensemble", "-m", "subset=failures", "templates=generic", "pooling=max,mean") == 3
    assert "2 cells: 2 failed" in capsys.readouterr().out
