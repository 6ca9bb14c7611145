"""The guide to datasets: its files are written into a copy of the project, and its commands run there."""

import contextlib
import doctest
import io
import json
import os
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest
from PIL import Image as PillowImage

from misfire.config import conf_folder
from tests.commands import Started
from tests.config import dataset_files
from tests.docs.guides import ROOT, Guide

GUIDE = Guide("datasets")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", GUIDE.text, re.MULTILINE | re.DOTALL)
COLOURS = ("red", "lime", "blue", "white", "black", "yellow")


def files() -> dict[str, str]:
    """The files that the guide shows, by the path in their first line."""
    shown = [text for language, text in BLOCKS if language in ("python", "yaml")]
    return {text.partition("\n")[0].removeprefix("# "): text.partition("\n")[2] for text in shown}


def issue(place: Path, commands: list[list[str]]) -> int:
    """In a process of its own: each command in a place, on its copy of the project; prints exit codes and outputs."""
    for name in [name for name in sys.modules if name.partition(".")[0] in ("misfire", "hydra_plugins")]:
        del sys.modules[name]
    sys.path.insert(0, str(place / "src"))
    os.chdir(place)
    import misfire
    from misfire.cli import main

    assert str(misfire.__file__).startswith(str(place))
    # What is imported already can't be rewritten, of which pytest warns.
    quietly = ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    for program, *words in commands:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            code = main(words) if program == "misfire" else int(pytest.main([*words[2:], *quietly]))
        print(json.dumps([code, printed.getvalue()]))
    return 0


def outcomes(place: Path) -> dict[str, tuple[int, str]]:
    """Exit code and output of each command of the guide."""
    commands = [shlex.split(command) for command in GUIDE.commands]
    assert all(words[0] == "misfire" or words[:3] == ["python", "-m", "pytest"] for words in commands)
    work = Started(place, issue, place, commands)
    assert work.end() == 0, work.err
    return dict(zip(GUIDE.commands, (tuple(json.loads(line)) for line in work.out.splitlines()), strict=True))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A copy of the project with the guide's files and data."""
    for name in ("src", "conf", "sweeps"):
        shutil.copytree(ROOT / name, tmp_path / name)  # with what is compiled, so that it isn't again
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for path, text in files().items():
        assert not (tmp_path / path).exists()
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    write_data(tmp_path)
    return tmp_path


def write_data(place: Path) -> None:
    pictures, narratives = (
        place / "datasets" / "flickr30k" / "flickr30k-images",
        place / "datasets" / "localized_narratives",
    )
    for folder in (pictures, narratives, place / "PHOTOS"):
        folder.mkdir(parents=True)
    for number, colour in enumerate(COLOURS):
        PillowImage.new("RGB", (64, 64), colour).save(pictures / f"{number}.jpg")
        PillowImage.new("RGB", (64, 64), colour).save(place / "PHOTOS" / f"{number}.png")
    rows = [{"image_id": str(number), "caption": f"a {colour} wall"} for number, colour in enumerate(COLOURS)]
    lines = "\n".join(map(json.dumps, [*rows, {"image_id": "gone", "caption": "nothing"}]))
    (narratives / "flickr30k_test_localized_narratives.jsonl").write_text(lines)
    table = "".join(f"{row['image_id']}.png,{row['caption']}\n" for row in rows)
    (place / "PHOTOS" / "captions.csv").write_text("image,caption\n" + table)


def test_the_guides_files_make_a_dataset_and_its_commands_run(place: Path) -> None:
    assert [Path(path).stem.removeprefix("test_") for path in files()] == ["localized_narratives"] * 3
    found = outcomes(place)
    assert [code for code, _ in found.values()] == [0] * len(GUIDE.commands), found
    photos, tested, doctor, evaluated = (found[command][1] for command in GUIDE.commands)
    assert "PHOTOS: 6 images, 6 captions" in photos
    assert "MEND" not in photos
    assert "2 passed" in tested
    assert "MEND" not in doctor
    for output in (doctor, evaluated):
        assert "1 of 7 images was skipped (gone.jpg: missing)" in output
    assert "flickr30k_test_localized_narratives: 6 images, 6 captions" in doctor
    assert "world_clip on flickr30k_test_localized_narratives: 6 images, 6 captions" in evaluated


def test_what_the_guide_shows_in_python_is_what_python_shows() -> None:
    (shown,) = [text for language, text in BLOCKS if language == "pycon"]
    example = doctest.DocTestParser().get_doctest(shown, {}, "docs/datasets.md", None, None)
    printed: list[str] = []
    found = doctest.DocTestRunner().run(example, out=printed.append)
    assert found.attempted == 6
    assert found.failed == 0, "".join(printed)


def test_the_table_names_every_config() -> None:
    named = set(re.findall(r"^\| `(\w+)` \|", GUIDE.text, re.MULTILINE))
    assert named <= {path.stem for path in (conf_folder() / "dataset").glob("*.yaml")}
    assert named >= {"world", "folder", "coco2017", *(file.removeprefix("dataset/") for file in dataset_files.GIVEN)}
    elsewhere = "".join((ROOT / "docs" / f"{name}.md").read_text() for name in ("worst_categories", "multilabel"))
    unnamed = {path.stem for path in (conf_folder() / "dataset").glob("*.yaml")} - named
    assert [name for name in sorted(unnamed) if f"dataset={name}" not in elsewhere and name not in elsewhere] == []


@pytest.mark.parametrize(
    "name", ["coco2017", "coco_karpathy", "flickr30k", "flickr8k", "flickr30k_tokens", "flickr8k_tokens"]
)
def test_the_table_says_where_each_config_looks(name: str) -> None:
    text = (conf_folder() / "dataset" / f"{name}.yaml").read_text(encoding="utf-8")
    looked_for = re.findall(r"\$\{paths\.datasets\}/(\S+)", text)
    row = next(line for line in GUIDE.text.splitlines() if line.startswith(f"| `{name}` |"))
    assert looked_for
    assert [path for path in looked_for if f"`{path}" not in row] == []
