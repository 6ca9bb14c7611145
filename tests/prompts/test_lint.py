"""What is said of faulty templates, and the shipped sets against all rules."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from misfire.prompts import TemplateSet, added_words, lint_templates

CONF = Path(__file__).parents[2] / "conf" / "templates"
FILES = {path.stem: yaml.safe_load(path.read_text()) for path in CONF.glob("*.yaml")}
# Those of classes add what they mean to add: weightings choose among them.
SHIPPED = {
    name: file.get("templates", []) for name, file in FILES.items() if file.get("placeholder", "caption") == "caption"
}


def test_captions_are_counted_and_the_first_is_shown() -> None:
    (finding,) = lint_templates(
        TemplateSet("t", ("a photo of {caption}",)), ["a cat", "a photo of a dog", "photos of it"]
    )
    assert (finding.num_captions, finding.example) == (1, "a photo of a photo of a dog")
    assert str(finding) == (
        "template 'a photo of {caption}': doubles a phrase with 1 caption, e.g. 'a photo of a photo of a dog'"
    )


@pytest.mark.parametrize("name", [name for name, templates in SHIPPED.items() if templates])
def test_the_shipped_sets_add_nothing(name: str) -> None:
    assert (
        lint_templates(TemplateSet(name, SHIPPED[name]), ["two red stars above a moon", "A man rides a horse."]) == ()
    )


def test_what_the_tokenizer_can_not_tell_apart_is_found() -> None:
    templates = TemplateSet("t", ("a photo of {caption}", "A PHOTO of {caption}", "an image of {caption}"))
    found = lint_templates(templates, ["a cat", "a dog"], tokens_of=lambda texts: [text.lower() for text in texts])
    assert [(finding.template, finding.fault) for finding in found] == [
        ("A PHOTO of {caption}", "is the same to the tokenizer as 'a photo of {caption}'")
    ]


def test_templates_that_are_alike_with_some_captions_only_can_be_told_apart() -> None:
    templates = TemplateSet("t", ("the {caption}", "that {caption}"))
    articles = {"the a cat": "a cat", "that a cat": "a cat"}
    found = lint_templates(
        templates, ["a cat", "a dog"], tokens_of=lambda texts: [articles.get(text, text) for text in texts]
    )
    assert found == ()


def test_of_many_that_are_the_same_each_is_said_to_be_the_first_one() -> None:
    texts = ("{caption}", "a photo of {caption}", "A photo of {caption}", "A PHOTO of {caption}")
    found = lint_templates(TemplateSet("t", texts), ["a cat"], tokens_of=lambda prompts: [p.lower() for p in prompts])
    assert [(finding.template, finding.fault) for finding in found] == [
        (text, "is the same to the tokenizer as 'a photo of {caption}'") for text in texts[2:]
    ]


def test_prompts_that_are_cut_are_counted() -> None:
    templates = TemplateSet("t", ("{caption}", "a photo of the scene {caption}"))
    found = lint_templates(
        templates,
        ["one two three", "one"],
        is_truncated=lambda texts: np.array([len(text.split()) > 6 for text in texts]),
    )
    assert [(finding.template, finding.num_captions) for finding in found] == [("a photo of the scene {caption}", 1)]


def test_numbers_and_things_are_content_and_frames_are_not() -> None:
    assert added_words("a photo of two {caption} on a wooden table, a photo") == ("two", "wooden", "table")
    assert added_words("an image that shows where things are: {caption}") == ()
    assert added_words("It\u2019s a photo of {caption}, isn't it") == ("isn't",)


def test_to_ask_how_many_is_no_content_and_to_say_many_is() -> None:
    assert added_words("How many there are: {caption}") == ()
    assert added_words("a photo of many {caption}") == ("many",)


def test_templates_of_classes_are_looked_at_like_those_of_captions() -> None:
    of_classes = TemplateSet("c", ("a photo of a photo of {class}", "an {class} on a table"), placeholder="class")
    of_captions = TemplateSet("c", ("a photo of a photo of {caption}", "an {caption} on a table"))
    found, expected = (lint_templates(one, ["star"]) for one in (of_classes, of_captions))
    assert [finding.fault for finding in found] == [finding.fault for finding in expected]
    assert found[0].template == "a photo of a photo of {class}"
