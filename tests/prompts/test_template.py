import pytest
from hypothesis import given
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.prompts import Template


@given(st.text())
def test_a_rendered_prompt_holds_the_caption_unchanged(caption: str) -> None:
    assert Template("a photo of {caption}.").render(caption) == "a photo of " + caption + "."


@given(st.text(), st.sampled_from(["class", "caption", "thing_2"]))
def test_a_template_has_a_placeholder_of_its_choice(words: str, placeholder: str) -> None:
    template = Template(f"{{x}} of a {{{placeholder}}}.", placeholder)
    assert template.render(words) == "{x} of a " + words + "."


@pytest.mark.parametrize("placeholder", ["", "{class}", "Class", "a b", "0"])
def test_a_placeholder_is_a_small_word(placeholder: str) -> None:
    with pytest.raises(UsageError, match=r"a placeholder must be a word of small letters, got .*without braces"):
        Template("a photo of {class}", placeholder)


@pytest.mark.parametrize("text", ["a photo", "{caption} and {caption}", "{Caption}", ""])
def test_a_template_without_exactly_one_place_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"must hold \{caption\} exactly once, got .*write it where the caption goes"):
        Template(text)
