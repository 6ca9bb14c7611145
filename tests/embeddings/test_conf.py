"""Every configuration file of these groups builds its object."""

from pathlib import Path
from typing import Any

import pytest
import yaml

import misfire.embeddings
from misfire.embeddings import OpenClipEncoder, TrainerSettings

CONF = Path(__file__).parents[2] / "conf"


def build(path: Path) -> Any:
    settings = yaml.safe_load(path.read_text())
    return getattr(misfire.embeddings, settings.pop("_target_").removeprefix("misfire.embeddings."))(**settings)


@pytest.mark.parametrize("path", sorted((CONF / "trainer").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_trainer(path: Path) -> None:
    assert isinstance(build(path), TrainerSettings)


@pytest.mark.parametrize("path", sorted((CONF / "backbone").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_backbone(path: Path) -> None:
    assert isinstance(build(path), OpenClipEncoder)
