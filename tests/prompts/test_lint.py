"""Faults of templates against cases written by hand, and the shipped sets against all rules."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from misfire.prompts import TemplateSet, added_words, lint_templates

CONF = Path(__file__).parents[2] / "conf" / "templates"
SHIPPED = {path.stem: yaml.safe_load(path.read_text()).get("templates", []) for path in CONF.glob("*.yaml")}


def faults(template: str, *captions: str) -> list[str]:
    return [finding.fault for finding in lint_templates(TemplateSet("t", (template,)), captions)]


@pytest.mark.parametrize(
    ("template", "caption", "fault"),
    [
        ("a photo of {caption}", "a photo of a dog", "doubles a phrase"),
        ("A photo of {caption}", "a PHOTO of a dog", "doubles a phrase"),
        ("an image of {caption}", "A picture of two dogs", "doubles a phrase"),
        ("the {caption}", "the dog", "doubles a phrase"),
        ("{caption} of a scene", "the rest of a scene", "doubles a phrase"),
        ("{caption}.", "A dog runs.", "doubles punctuation"),
        ("the scene: {caption}", ", a dog", "doubles punctuation"),
        ("{caption}, a photo", "A dog runs.", "doubles punctuation"),
        ("{caption} in a photo", "A dog runs.", "leaves the caption's final mark in the middle"),
        ("a photo of{caption}", "a dog", "glues words together"),
        ("{caption}photo", "a dog", "glues words together"),
        ("a photo of two {caption}", "dogs", "adds content that captions don't have (two)"),
        ("a photo of {caption} on a table", "a cup", "adds content that captions don't have (table)"),
    ],
)
def test_a_fault_is_found_and_nothing_else(template: str, caption: str, fault: str) -> None:
    assert faults(template, caption) == [fault]


@pytest.mark.parametrize(
    ("template", "caption"),
    [
        ("a photo of {caption}", "a dog of a photographer"),
        ("{caption}", "a photo of a photo of a dog"),  # the caption's own words, not the template's
        ("{caption}", "Wait... what?!"),
        ("a photo of {caption}", "A dog runs."),
        ("a photo with {caption}", "an image sensor"),
        ("a photo: {caption}.", "a dog"),
    ],
)
def test_a_sound_prompt_is_left_alone(template: str, caption: str) -> None:
    assert faults(template, caption) == []


def test_captions_are_counted_and_the_first_is_shown() -> None:
    (finding,) = lint_templates(
        TemplateSet("t", ("a photo of {caption}",)), ["a cat", "a photo of a dog", "photos of it"]
    )
    assert (finding.num_captions, finding.example) == (1, "a photo of a photo of a dog")
    assert str(finding) == (
        "template 'a photo of {caption}': doubles a phrase with 1 captions, e.g. 'a photo of a photo of a dog'"
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


def test_prompts_that_are_cut_are_counted() -> None:
    templates = TemplateSet("t", ("{caption}", "a photo of the scene {caption}"))
    found = lint_templates(
        templates,
        ["one two three", "one"],
        is_truncated=lambda texts: np.array([len(text.split()) > 6 for text in texts]),
    )
    assert [(finding.template, finding.num_captions) for finding in found] == [("a photo of the scene {caption}", 1)]


@given(caption=st.text(max_size=40))
def test_the_plain_caption_is_never_at_fault(caption: str) -> None:
    assert faults("{caption}", caption) == []


def test_numbers_and_things_are_content_and_frames_are_not() -> None:
    assert added_words("a photo of two {caption} on a wooden table, a photo") == ("two", "wooden", "table")
    assert added_words("an image that shows where things are: {caption}") == ()
