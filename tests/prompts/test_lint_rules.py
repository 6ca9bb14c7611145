"""Faults of templates against cases written by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from misfire.prompts import TemplateSet, lint_templates


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
        ("a photo of a photo of {caption}", "a dog", "doubles a phrase"),
        ("An image of a photo of {caption}", "a dog", "doubles a phrase"),
        ("the the {caption}", "dog", "doubles a phrase"),
        ("{caption}, a photo, a photo", "a dog", "doubles a phrase"),
        ("{caption}..", "a dog", "doubles punctuation"),
        ("a photo:, {caption}", "a dog", "doubles punctuation"),
        ("a photo ({caption}", "a dog", "has half of a pair of marks"),
        ('the caption says "{caption}', "a dog", "has half of a pair of marks"),
        ("a photo of \u201c{caption}", "a dog", "has half of a pair of marks"),
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
        ("a photo of the scene: {caption}", "a dog"),
        ("what is this...? {caption}", "a dog"),
        ('the caption says "{caption}" (exactly)', "a dog"),
        ("it's {caption}", "a dog"),
    ],
)
def test_a_sound_prompt_is_left_alone(template: str, caption: str) -> None:
    assert faults(template, caption) == []


@given(caption=st.text(max_size=40))
def test_the_plain_caption_is_never_at_fault(caption: str) -> None:
    assert faults("{caption}", caption) == []
