from hypothesis import given
from hypothesis import strategies as st

from misfire.annotation.highlight import highlighted


@given(st.text() | st.lists(st.sampled_from(["two", "red", "kites", "ABOVE", " ", "<b>", "7", "é"])).map(" ".join))
def test_the_pieces_join_to_the_caption(caption: str) -> None:
    assert "".join(text for text, _ in highlighted(caption)) == caption


def test_facts_are_whole_words_in_any_case() -> None:
    facts = {text: kind for text, kind in highlighted("Three redder RED birds under 12 infrared lamps") if kind}
    assert facts == {"Three": "number", "RED": "colour", "under": "place", "12": "number"}
