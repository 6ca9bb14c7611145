from hypothesis import given
from hypothesis import strategies as st

from misfire.annotation.highlight import FACT, highlighted
from misfire.data.world.facts import Action, Colour, Kind, Size, Texture


@given(st.text() | st.lists(st.sampled_from(["two", "red", "kites", "ABOVE", " ", "<b>", "7", "é"])).map(" ".join))
def test_the_pieces_join_to_the_caption(caption: str) -> None:
    assert "".join(text for text, _ in highlighted(caption)) == caption


def facts(caption: str) -> set[str]:
    return {text for text, kind in highlighted(caption) if kind}


def test_every_word_that_a_taxonomy_tells_of_is_marked_alike() -> None:
    """A caption with a thing, a look, an action, a number, a place and a surrounding."""
    caption = "Three red birds are flying over the old lake at night"
    assert facts(caption) == {"Three", "red", "birds", "flying", "over", "old", "lake", "night"}
    assert {kind for _, kind in highlighted(caption)} == {"", FACT}


def test_words_of_the_world_are_marked_whatever_they_are() -> None:
    for kind in (Kind, Colour, Action, Texture, Size):
        for one in kind:
            assert facts(f"is a {one.value} of it") == {one.value}, one


def test_facts_are_whole_words_in_any_case() -> None:
    assert facts("THE Cat's is 12 well-lit lamps") == {"Cat's", "12", "well-lit", "lamps"}
