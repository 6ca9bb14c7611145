"""Every key of every verb, told something wrong: one sentence with key, rule, value and remedy, and nothing written."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from misfire.config import Settings
from misfire.config.explanation import Key, explained_keys
from misfire.config.groups import groups, groups_of, primaries
from misfire.config.jobs import is_cell_verb
from misfire.core.errors import UsageError

WRONG = ("abc", "-1", "1e300", "[]", "{a: 1}")


def own_keys() -> Iterator[tuple[str, Key]]:
    """Each key once, with a verb that knows it."""
    seen: set[tuple[str, str]] = set()
    for verb in primaries():
        chosen = groups_of(verb)
        for key in explained_keys(verb):
            name = (chosen.get(key.name.partition(".")[0], verb), key.name)
            if name not in seen and "." not in key.name:
                seen.add(name)
                yield verb, key


def number_keys() -> list[tuple[str, Key]]:
    """Keys whose value is a number: whatever else is said of them is wrong."""
    numbers = [(verb, key) for verb, key in own_keys() if key.value.replace(".", "", 1).isdigit()]
    return [(verb, key) for verb, key in numbers if verb != "search"]  # which reads its own words by itself


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("verb", "key"), number_keys(), ids=lambda one: one if isinstance(one, str) else one.name)
def test_a_number_that_is_none_is_refused_by_its_key(empty: Path, verb: str, key: Key) -> None:
    with pytest.raises(UsageError) as caught:
        Settings.of_words(verb, [f"{key.name}=abc"])
    said = str(caught.value)
    assert said.startswith(f"{key.name} must be ")
    assert "got abc" in said
    assert f"write {key.name}=" in said
    assert not list(empty.iterdir())


@pytest.mark.parametrize("verb", [verb for verb in primaries() if verb not in ("sweep", "search", "demo")])
def test_no_value_of_a_key_ends_in_anything_but_a_sentence(empty: Path, verb: str) -> None:
    for known, key in own_keys():
        if known == verb:
            for value in WRONG:
                said = refused(verb, [f"{key.name}={value}"])
                assert said is None or ("\n" not in said and key.name.rpartition(".")[2] in said), (key, value, said)
    assert not list(empty.iterdir())


@pytest.mark.parametrize("verb", ["ensemble", "mine", "doctor"])
def test_a_choice_that_is_none_lists_what_there_is(empty: Path, verb: str) -> None:
    for group in groups_of(verb):
        said = refused(verb, [f"{group}=zzzz"])
        assert said is not None
        assert said.startswith(f"{group} must be one of its choices, got zzzz; ")
        assert sorted(groups()[group])[0] in said
    assert not list(empty.iterdir())


def refused(verb: str, words: list[str]) -> str | None:
    """The sentence, or None where the words are taken."""
    try:
        settings = Settings.of_words(verb, words)
        if is_cell_verb(verb):
            _ = settings.kind
    except UsageError as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    ("group", "key", "value"),
    [
        ("dataset", "dataset.num_images", "0"),
        ("dataset", "dataset.captions_per_image", "-1"),
        ("dataset", "dataset.nuisance", "2"),
        ("statistics", "statistics.num_replicates", "0"),
        ("statistics", "statistics.confidence", "1"),
        ("statistics", "statistics.seed", "-1"),
        ("trainer", "trainer.batch_size", "0"),
        ("backbone", "backbone.precision", "fp8"),
        ("pooling", "pooling.tau", "0"),
        ("pooling", "pooling.tau", "inf"),
    ],
)
def test_a_value_out_of_its_range_is_refused_when_its_object_is_built(
    empty: Path, group: str, key: str, value: str
) -> None:
    with pytest.raises(UsageError) as caught:
        _ = Settings.of_words("ensemble", [f"{key}={value}"])[group]
    assert key.rpartition(".")[2] in str(caught.value)
    assert not list(empty.iterdir())
