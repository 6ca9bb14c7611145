"""Words of the command line: what they ask for, and that names stay names."""

from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st

from misfire.config.groups import content, groups
from misfire.config.words import MOST_CELLS, PATH_KEYS, grid, parsed, quoted, word
from misfire.core.errors import UsageError

# Folders and files as people call them.
NAMES = [
    "图片",
    "größe",
    "a,b",
    "a (1)",
    "2017",
    "007",
    "1e3",
    "true",
    "logs/epoch=3-step=100.ckpt",
    "#1",
    "a#b",
    "~/photos",
    "a~b",
    "it's",
    'say "hi"',
    "[a]b",
    "a]b",
    "a{b}",
    "a;b",
    "a&b",
    "a b",
    " a",
    "a:b",
    "C:\\photos\\new",
    "a\\",
    "v1.2=x.yaml",
    "x=$y",
    "50%",
    "a*b",
    "a?",
    "a|b",
    "a@b",
    "日本/ü, (2)/x=1",
]


def read(text: str) -> Any:
    (override,) = OverridesParser.create().parse_overrides([text])
    return override.value()


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_typed_as_it_is_arrives_as_it_is(name: str) -> None:
    (one,) = parsed([f"dataset.root={name}"])
    assert one.values[0][0] == name
    # Launched jobs read the word once more.
    assert read(one.text) == name


@pytest.mark.parametrize("name", [name for name in NAMES if "," not in name and not name.startswith("[")])
def test_a_name_stays_one_in_a_grid(name: str) -> None:
    (job, other) = grid([f"dataset.root={name},b"])
    assert (read(job[0]), read(other[0])) == (name, "b")


def test_what_is_quoted_or_null_or_a_list_means_what_it_says() -> None:
    said = parsed(["dataset.root='a,b'", "taxonomy=null", "sheets=[a.csv,'b, c.csv']", "paths.report=${paths.root}/x"])
    assert [one.values[0][0] for one in said] == ["a,b", None, ["a.csv", "b, c.csv"], "${paths.root}/x"]
    assert grid(["dataset.root='a,b',c"]) == [("dataset.root='a,b'",), ("dataset.root=c",)]


@given(text=st.text(alphabet="ab'\\\"{} ,=[]()#~$é日\t", max_size=12))
def test_any_text_is_read_back(text: str) -> None:
    assert read(f"key={quoted(text)}") == text
    assert read(word("key", text)) == text
    assert read(word("key", [text, {"a": text}])) == [text, {"a": text}]


@given(value=st.one_of(st.integers(), st.floats(allow_nan=False), st.booleans(), st.none()))
def test_any_value_is_read_back(value: Any) -> None:
    found = read(word("key", value))
    assert found == value
    assert type(found) is type(value)


def test_a_grid_is_the_product_of_its_lists_with_the_last_fastest() -> None:
    assert grid(["pooling=max,mean", "seed=1,2", "ks=[1,5]"]) == [
        ("pooling=max", "seed=1", "ks=[1,5]"),
        ("pooling=max", "seed=2", "ks=[1,5]"),
        ("pooling=mean", "seed=1", "ks=[1,5]"),
        ("pooling=mean", "seed=2", "ks=[1,5]"),
    ]
    assert grid(["seed=range(1,4)"]) == [("seed=1",), ("seed=2",), ("seed=3",)]
    assert grid(["seed=choice(7,3)"]) == [("seed=7",), ("seed=3",)]
    assert grid(["subset=glob(ob*)"]) == [("subset=object",), ("subset=object_attribute",)]


def test_the_last_of_a_key_s_words_counts() -> None:
    assert grid(["seed=1", "ks=[1]", "seed=2"]) == [("seed=2", "ks=[1]")]


@pytest.mark.parametrize(
    "words",
    [["seed=range(0,1000000000)"], [f"{name}=range(0,1000)" for name in ("a", "b", "c")], ["a=range(0,1,1e-9)"]],
)
def test_a_grid_of_a_thousand_million_cells_is_refused_at_once(words: list[str]) -> None:
    with pytest.raises(UsageError, match=f"a grid must have at most {MOST_CELLS:,} cells, got "):
        grid(words)


@pytest.mark.parametrize(
    ("given_words", "sentence"),
    [
        (["seed"], "a setting must be written key=value, got seed;"),
        (["+seed=1"], "a setting must change a key that is there, got +seed=1; write seed=VALUE."),
        (["~seed=1"], "a setting must change a key that is there, got ~seed=1;"),
        (["seed=1,2"], "seed must have one value, got 1,2; add -m to run one job for each, or quote it."),
        (["seed=range(1,3)"], "seed must have one value, got range(1,3); add -m to run one job for each."),
    ],
)
def test_what_is_no_setting_is_one_sentence(given_words: list[str], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        parsed(given_words)
    assert str(caught.value).startswith(sentence)


def test_every_key_of_conf_that_holds_a_path_is_known_as_one() -> None:
    names = set()
    for choices in groups().values():
        for path in choices.values():
            for key, value in content(path).items():
                text = str(value)
                if isinstance(value, str) and ("/" in text or "${paths." in text) and not key.startswith("_"):
                    names.add(key)
    assert names - PATH_KEYS == set()
