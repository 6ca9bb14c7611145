"""What doctor says of versions and templates; that it finds everything in order is a test of the whole program."""

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from misfire.cli import doctor, main
from misfire.config.folders import conf_folder

Looked = Callable[..., list[str]]


@pytest.fixture
def looked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Looked:
    """What doctor prints when it looks at one thing alone."""
    monkeypatch.chdir(tmp_path)

    def look(name: str, *words: str) -> list[str]:
        with monkeypatch.context() as only:
            only.setattr(doctor, "_LOOKS", {name: (doctor._LOOKS[name][0], ())})
            assert main(["doctor", "dataset.num_images=6", "trainer=cpu", *words]) == 0
        return capsys.readouterr().out.splitlines()

    return look


def templates_of(name: str) -> list[str]:
    content = yaml.safe_load((conf_folder() / "templates" / f"{name}.yaml").read_text(encoding="utf-8"))
    return list(content["templates"])


@pytest.mark.parametrize("package", ["torch", "open_clip_torch", "pytorch-lightning", "hydra-core", "mlflow", "optuna"])
def test_the_versions_of_what_matters_are_named(looked: Looked, package: str) -> None:
    (line,) = looked("versions")
    assert line.startswith("ok    versions ")
    assert f"{package} {version(package)}" in line.removeprefix("ok    versions ").strip().split(", ")


def test_templates_without_a_fault_are_counted(looked: Looked) -> None:
    assert looked("templates", "templates=generic") == ["ok    templates       5 in 1 set, no finding"]
    names = ("object", "attribute", "action", "count", "context", "spatial")
    different = {text for name in names for text in templates_of(name)}
    for choice in ("matched", "predicted"):
        (line,) = looked("templates", f"templates={choice}")
        assert line == f"ok    templates       {len(different)} in 6 sets, no finding"


def test_each_fault_of_a_template_is_a_line_of_its_own(looked: Looked, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    bad = ["three of {caption}", "a photo of{caption}"]
    path.write_text(yaml.safe_dump({"name": "mine", "templates": ["{caption}", *bad]}))
    first, *findings = looked("templates", "templates=file", f"templates.path={path}")
    assert first == "ok    templates       3 in 1 set, 2 findings on up to 2,000 captions:"
    assert len(findings) == 2
    for template, fault in zip(bad, ("(three)", "glues words together"), strict=True):
        (line,) = [line for line in findings if line.startswith(" " * 22 + f"template {template!r}: ")]
        assert " with 30 captions, e.g. " in line
        assert fault in line
    path.write_text(yaml.safe_dump({"name": "mine", "templates": ["{caption}", bad[0]]}))
    first, *_ = looked("templates", "templates=file", f"templates.path={path}")
    assert first == "ok    templates       2 in 1 set, 1 finding on up to 2,000 captions:"
