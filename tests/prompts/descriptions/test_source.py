"""What every source of descriptions does, what is dropped, and what files can be read."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from misfire.core.errors import IntegrityError, UsageError
from misfire.prompts.descriptions import AnswerStore, Descriptions, DescriptionSource, JsonDescriptions, RandomWords
from misfire.prompts.descriptions.source import clause, lines_of


class Said(DescriptionSource):
    name = "said"

    def __init__(self, said: Mapping[str, Sequence[str]], *, are_sentences: bool = False) -> None:
        self.said, self.are_sentences = said, are_sentences

    def answers(self, classes: Sequence[str]) -> Mapping[str, Sequence[str]]:
        return self.said

    def describe(self) -> dict[str, str | int | float | bool]:
        return {}


def written(folder: Path, content: object) -> str:
    path = folder / "said.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("antennae", "which has antennae"),  # the published rule makes it "which is antennae"
        ("an orange bill", "which is an orange bill"),
        ("a comb", "which is a comb"),
        ("amber eyes", "which has amber eyes"),
        ("hasty steps", "which has hasty steps"),
        ("has two legs", "which has two legs"),
        ("often brown", "which often brown"),
        ("can swim", "which can swim"),
        ("canvas sails", "which has canvas sails"),
        ("used in kitchens", "which is used in kitchens"),
    ],
)
def test_whole_words_decide_how_a_feature_is_joined(words: str, expected: str) -> None:
    assert clause(words) == expected


def test_what_cannot_be_used_is_dropped_and_counted() -> None:
    said = ["- two legs", "2. Two legs", "", " * ", "I'm sorry, I can't help with that.", '"a red comb"', "x" * 500]
    found = Said({"hen": said})(["hen", "owl"], fits=lambda text: len(text) < 100)
    assert found.of_class == {"hen": ("two legs", "a red comb"), "owl": ()}
    assert found.dropped == {"repeated": 1, "empty": 2, "refused": 1, "over the context": 1}
    assert found.without == ("owl",)


def test_a_sentence_that_is_about_something_else_is_dropped_and_a_flightless_bird_is_not() -> None:
    said = ["Penguins are birds unable to fly.", "A truck has wheels.", "The penguin is black and white."]
    found = Said({"penguin": said}, are_sentences=True)(["penguin"])
    assert found.of_class["penguin"] == (said[0], said[2])
    assert found.dropped == {"off topic": 1}


def test_features_follow_the_name_in_the_template_and_sentences_stand_alone() -> None:
    templates = [lambda name: f"a photo of a {name}", lambda name: f"a sketch of a {name}"]
    features = Descriptions({"hen": ("two legs", "a comb")}, are_sentences=False)
    assert features.prompts("hen", templates) == [
        ["a photo of a hen, which has two legs", "a photo of a hen, which is a comb"],
        ["a sketch of a hen, which has two legs", "a sketch of a hen, which is a comb"],
    ]
    sentences = Descriptions({"hen": ("A hen has two legs.",)}, are_sentences=True)
    assert sentences.prompts("hen", templates) == [["A hen has two legs."]] * 2
    assert sentences.digest != features.digest


def test_a_lead_in_is_no_description() -> None:
    assert lines_of("Useful features are:\n- a tail\n\n- fur\n") == ["- a tail", "- fur"]


def test_a_file_is_read_by_name_whatever_its_order(tmp_path: Path) -> None:
    path = written(tmp_path, {"Tree_Frog": ["green skin"], "hen": [], "owl": ["large eyes"], "yak": ["long hair"]})
    source = JsonDescriptions(path)
    found = source(["hen", "owl", "tree frog", "eel"])
    assert list(found.of_class.items()) == [
        ("hen", ()),
        ("owl", ("large eyes",)),
        ("tree frog", ("green skin",)),
        ("eel", ()),
    ]
    assert found.without == ("hen", "eel")


def test_a_file_is_named_by_its_content_not_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    content = {"hen": ["two legs"]}
    one, other = written(tmp_path, content), written(tmp_path / "other", content)
    assert JsonDescriptions(one).describe() == JsonDescriptions(other).describe()
    changed = written(tmp_path / "other", {"hen": ["two wings"]})
    assert JsonDescriptions(one).describe() != JsonDescriptions(changed).describe()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "must be a JSON file in UTF-8"),
        (["two legs"], "must hold a list of texts for each class, got a list"),
        ({"hen": "two legs", "owl": [1]}, r"got something else for 2 \(hen, owl\)"),
        ('{"hen": ["a"], "hen": ["b"]}', r"must describe each class once, got 1 \(hen\)"),
        ({"hen": ["a"], "Hen": ["b"]}, r"must describe each class once, got 2 \(hen, Hen\)"),
        ({"cow": ["a"]}, r"at least one of the classes, it has 1 \(cow\) and classes are 1 \(hen\)"),
    ],
)
def test_what_is_no_file_of_descriptions_is_said(tmp_path: Path, content: object, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        JsonDescriptions(written(tmp_path, content))(["hen"])
    with pytest.raises(UsageError, match="must be a JSON file in UTF-8, got "):
        JsonDescriptions(str(tmp_path / "absent.json"))(["hen"])


def test_random_words_tell_no_class_from_another() -> None:
    source = RandomWords(num_pairs=3, words=("stone", "river", "cloud"))
    found = source(["hen", "owl"])
    assert len(found.of_class["hen"]) == 6
    assert found.of_class["hen"] == found.of_class["owl"] == source(["owl"]).of_class["owl"]
    assert RandomWords(seed=1)(["hen"]).digest != RandomWords(seed=2)(["hen"]).digest
    with pytest.raises(UsageError, match="num_pairs >= 1"):
        RandomWords(num_pairs=0)


def test_a_stored_answer_that_was_changed_is_found(tmp_path: Path) -> None:
    store, question = AnswerStore(tmp_path), {"prompt": "what is a hen?"}
    assert store.get(question) is None
    store.put(question, "a bird")
    assert store.get(dict(question)) == "a bird"
    assert store.get({"prompt": "what is an owl?"}) is None
    (path,) = tmp_path.rglob("*.json")
    path.write_text(path.read_text().replace("a bird", "a fish"))
    with pytest.raises(IntegrityError, match="was changed; delete it to ask again"):
        store.get(question)
    path.write_text("{")
    with pytest.raises(IntegrityError, match="must be whole"):
        store.get(question)
