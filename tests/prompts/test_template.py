import pytest
from hypothesis import given
from hypothesis import strategies as st

from misfire.core.errors import UsageError
from misfire.prompts import Template


@given(st.text())
def test_a_rendered_prompt_holds_the_caption_unchanged(caption: str) -> None:
    assert Template("a photo of {caption}.").render(caption) == "a photo of " + caption + "."


@pytest.mark.parametrize("text", ["a photo", "{caption} and {caption}", "{Caption}", ""])
def test_a_template_without_exactly_one_place_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"must hold \{caption\} exactly once, got .*write it where the caption goes"):
        Template(text)
