"""Every key of a verb with a value of the wrong kind, one at the edge and an absurd one: taken, or refused.

A refused command leaves its folder empty; a key that takes all three is one of those that are names or paths.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from misfire.cli import main
from misfire.config.settings import Settings
from misfire.core.errors import UsageError

VALUES = ("word", "-1", "1e30")
SMALL = ("dataset.num_images=6",)
VERBS = {
    "ensemble": (*SMALL, "subset=all", "templates=generic"),
    "attribute": (*SMALL, "subset=all", "templates=generic"),
    "gap": SMALL,
    "evaluate": SMALL,
}
# What takes any word: names, and places that are made or read when the cell runs.
FREE = {"templates.name", "tracking.artifact_root", "tracking.lock_folder", "tracking.experiment", "taxonomy"}
PATHS = ("paths.",)


def leaves(node: Mapping[str, Any], before: str = "") -> Iterator[str]:
    for key, value in node.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{before}{key}.")
        elif key != "_target_" and not before.startswith("templates.") and not f"{before}{key}".startswith(PATHS):
            yield f"{before}{key}"


def is_taken(verb: str, words: Sequence[str]) -> bool:
    """Whether a cell can be made of the words, and all that it runs in; nothing is run."""
    try:
        settings = Settings.of_words(verb, words)
        return bool(settings.lab and settings["tracking"] and settings.cell().id)
    except UsageError:
        return False


@pytest.mark.parametrize("verb", VERBS)
def test_a_key_takes_a_value_or_refuses_it_before_anything_is_written(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = VERBS[verb]
    keys = list(leaves(yaml.safe_load(Settings.of_words(verb, words).to_yaml())))
    assert {"backbone.precision", "dataset.num_images", "ks", "trainer.accelerator"} <= set(keys)
    takes_all = set()
    for key in keys:
        taken = []
        for value in VALUES:
            asked = [*(word for word in words if not word.startswith(f"{key}=")), f"{key}={value}"]
            if is_taken(verb, asked):
                taken.append(value)
                continue
            assert main([verb, *asked]) == 2, asked
            said = capsys.readouterr().err
            assert said.count("\n") == 1, said
        if len(taken) == len(VALUES):
            takes_all.add(key)
    assert takes_all <= FREE
    assert list(tmp_path.iterdir()) == []
