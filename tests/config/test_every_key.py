"""Every key of every verb and choice with a value of the wrong kind, one at the edge and an absurd one.

A value is taken, or refused in a sentence before anything is written: the folder stays empty. A key that takes all
three is one of those that are names, or places that are made or read when the work is done.
"""

import importlib
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from misfire.cli import main
from misfire.config.composing import keys
from misfire.config.groups import content, groups, groups_of, primaries
from misfire.config.jobs import is_cell_verb
from misfire.config.settings import Settings
from misfire.config.words import PATH_KEYS
from misfire.core.errors import UsageError

VERBS = sorted(set(primaries()) - {"sweep", "search", "demo"})
WORLD, SHEET = "dataset.num_images=6", "sheets=[ann.csv]"
SMALL: Mapping[str, Sequence[str]] = {
    "multilabel": ("dataset.num_images=200", "train.num_images=200"),
    "attribute": (WORLD, "subset=all", "templates=generic"),
    "ensemble": (WORLD, "subset=all", "templates=generic"),
    "annotate": (WORLD, "annotator=ann"),
    "agree": (WORLD, SHEET),
    "modes": ("dataset.num_images=60",),
    **dict.fromkeys(("report", "ui"), ()),
}
# A choice is walked with the first verb of these that has its group.
WITH_CHOICES = ("ensemble", "modes", "classify", "multilabel", "sentences")
# Names of any kind, by their last part; a place is one that PATH_KEYS lists.
NAMES = frozenset(
    (
        *(
            "name",
            "experiment",
            "host",
            "token",
            "annotator",
            "label",
            "image",
            "prediction",
            "correct",
            "score",
            "tag",
        ),
        *("answer", "rater", "answers", "other_answers", "contexts", "families", "without", "leave_out", "fine_label"),
        *("labels_also", "labels_also_column", "class_names", "mask", "unseen", "within", "configuration", "revision"),
        *(
            "model",
            "pretrained",
            "prompt",
            "template",
            "key_variable",
            "base_url",
            "vocabulary",
            "words",
            "names",
            "of",
        ),
        *("caption_column", "image_column", "picture", "text", "separator"),
    )
)


class Began(Exception):
    """Work begins."""


@pytest.fixture(autouse=True)
def nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever would compute, serve or write says that it begins instead."""

    def begin(*_: Any, **__: Any) -> None:
        raise Began

    monkeypatch.setattr(Settings, "bench", property(begin))
    monkeypatch.setattr("misfire.failures.agreement", begin)
    monkeypatch.setattr("misfire.failures.read_sheets", lambda *_, **__: begin)
    monkeypatch.setattr("misfire.tracking.serve_ui", begin)
    monkeypatch.setattr("misfire.cells.run_cell", begin)
    monkeypatch.setattr("misfire.cli.agree._failure_set", lambda *_: (None, None))


def leaves(node: Mapping[str, Any], of: str, before: str = "") -> Iterator[tuple[str, Any, tuple[str, str]]]:
    """Every key with its value, and what tells it from others: the object that it is of, and its name there."""
    of = node.get("_target_", of)
    for key, value in node.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, f"{of}.{key}", f"{before}{key}.")
        elif key != "_target_" and not before.startswith(("paths.", "descriptions.texts.")):
            yield f"{before}{key}", value, (of, key)


def values_for(key: str, value: Any) -> Sequence[str]:
    """A wrong kind, an edge, an absurd one."""
    if isinstance(value, bool):
        return "word", "3", "[true]"
    if isinstance(value, int | float):
        return "word", "-1", "1000000000000" if isinstance(value, int) and not key.endswith("seed") else "nan"
    if isinstance(value, list):
        return "word", "[[-1]]", "{a: 1}"
    return ("[[-1]]", "{a: 1}") if key.rpartition(".")[2] in PATH_KEYS else ("[[-1]]", "-1", "{a: 1}")


def plans(seen: Container[tuple[str, str]]) -> Iterator[tuple[str, Sequence[str]]]:
    """The words of each verb as it is, and of each choice that has a key of its own, with a verb that it is for."""
    yield from ((verb, small(verb, ())) for verb in (*WITH_CHOICES, *VERBS))
    for group, choices in groups().items():
        for choice, path in choices.items():
            said = content(path)
            said = said[group] if isinstance(said.get(group), Mapping) else said
            if all(what in seen for *_, what in leaves(said, group)):
                continue
            for verb in (one for one in WITH_CHOICES if group in groups_of(one)):
                words = small(verb, (f"{group}={choice}",))
                try:
                    keys(verb, words)
                except UsageError:  # it is for another kind of cell
                    continue
                yield verb, words
                break


def small(verb: str, choices: Sequence[str]) -> list[str]:
    """Words that make a verb quick, those of a group left out that is chosen otherwise."""
    taken = {choice.partition("=")[0] for choice in choices}
    words = SMALL.get(verb, (WORLD,) if "dataset" in groups_of(verb) else ())
    return [*choices, *(one for one in words if one.partition("=")[0].partition(".")[0] not in taken)]


def is_taken(verb: str, words: Sequence[str]) -> bool:
    """Whether the command would begin to work; nothing is done."""
    settings = Settings.of_words(verb, words)
    if is_cell_verb(verb):
        return bool(settings.lab and settings["tracking"] and settings.cell().id)
    if verb in ("doctor", "report"):  # what doesn't work is told, or is missing, whatever the value
        return True
    try:
        importlib.import_module(f"misfire.cli.{verb}").run(words)
    except Began:
        return True
    raise AssertionError(words)


def test_every_key_takes_a_value_or_refuses_it_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    seen, free, wrong = set(), set(), []
    for verb, words in plans(seen):
        plain = Settings.of_words(verb, words)._plain
        for key, value, what in leaves(plain, verb):
            if what in seen:
                continue
            seen.add(what)
            taken, values = [], values_for(key, value)
            for absurd in values:
                asked = [*(word for word in words if not word.startswith(f"{key}=")), f"{key}={absurd}"]
                try:
                    if is_taken(verb, asked):
                        taken.append(absurd)
                except UsageError as error:
                    said = str(error)
                    if "\n" in said or not ("; " in said or ". Use" in said) or len(said) > 600:
                        wrong.append((asked, said))
            if len(taken) == len(values) and not {key.rpartition(".")[2]} & (PATH_KEYS | NAMES):
                free.add((verb, *words, key))
    assert len(seen) > 300
    assert (free, wrong) == (set(), [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb", VERBS)
def test_what_is_refused_ends_with_2_and_one_line(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([verb, *small(verb, ()), "sede=3"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
